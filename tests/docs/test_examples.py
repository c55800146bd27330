"""What the pages and the cards show, runs, and prints what they say."""

import pytest
from docs.pages import CARDS, DOCS, ROOT, examples, run

# They show what the tests of the library run on every backend.
pytestmark = pytest.mark.one_backend
PAGES = [path for path in [*DOCS, *CARDS] if examples(path)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for shown, printed in run(path):
        if shown is not None:
            assert printed == shown


def test_hardly_any_example_is_not_run():
    not_run = [path.name for path in (*DOCS, *CARDS) for each in examples(path) if each.reason]
    assert len(not_run) <= 3, not_run


def test_every_block_of_python_is_found():
    for path in (*DOCS, *CARDS):
        fences = [line.strip() for line in path.read_text().splitlines()].count("```python")
        assert fences == len(examples(path)), path
