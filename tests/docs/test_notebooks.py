"""The notebooks run from the first cell to the last, and are kept without outputs."""

import ast
import json
import re

import keras
import pytest
from docs.pages import DOCS, ROOT

# They show what the tests of the library run on every backend.
pytestmark = pytest.mark.one_backend
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def run(path):
    """Runs the cells of code in one namespace, and shows their last values as Jupyter would.

    Returns:
        The namespace, and by the id of a cell the HTML or the text of its last value.
    """
    names, shown = {"__name__": "__main__"}, {}
    for cell in cells(path):
        if cell["cell_type"] != "code":
            continue
        tree, last = ast.parse("".join(cell["source"])), None
        if isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        exec(compile(tree, f"{path.name}, {cell['id']}", "exec"), names)
        if last is not None:
            value = eval(compile(last, f"{path.name}, {cell['id']}", "eval"), names)
            shown[cell["id"]] = getattr(value, "_repr_html_", value.__repr__)()
    return names, shown


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["fit", "what_to_share"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[\w-]{1,64}", each, re.ASCII) for each in ids)
    for cell in notebook["cells"]:
        code = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert cell.keys() == {"cell_type", "id", "metadata", "source"} | code
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pages_link_to_it(path):
    link = f"](notebooks/{path.name})"
    assert any(link in page.read_text(encoding="utf-8") for page in DOCS)


def test_what_to_share_ends_with_a_page_and_a_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, shown = run(ROOT / "docs" / "notebooks" / "what_to_share.ipynb")
    assert "Where the tasks pull apart" in shown["page"]
    assert list(names["found"].scores) == [
        *("one-task", "hard sharing", "cross-stitch", "twin of cross-stitch"),
    ]
    # Two seeds need not bear anything out, but the networks have learned.
    labels, outputs = names["labels"], names["outputs"]
    assert abs(outputs["radius"][:, 0] - labels["radius"]).mean() < 0.8 * labels["radius"].std()
    assert isinstance(names["again"], keras.Model)


def test_fit_is_that_of_keras(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, shown = run(ROOT / "docs" / "notebooks" / "fit.ipynb")
    assert names["model"].count_params() > names["before"].count_params()
    assert {"loss", "warmth_mae", "side_accuracy"} < set(names["scores"])
    assert shown["fit"] == repr(names["scores"])
