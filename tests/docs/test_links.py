"""Links and pictures of every Markdown page point at files, and at headings, that exist."""

import re

import pytest
from docs.pages import CARDS, DOCS, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *CARDS, *DOCS]
PAGES += sorted((ROOT / "keras_mtl" / "datasets").glob("*/README.md"))
LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCED = re.compile(r"^```(?:\{figure\} (\S+))?.*?^```$", re.DOTALL | re.MULTILINE)
# Other sites cannot be asked: of their addresses only the form is checked.
ADDRESS = re.compile(r"https?://[\w.-]+\.[a-z]{2,}(?:[/?#]\S*)?")

pytestmark = pytest.mark.one_backend


def links(path):
    """What a page links to or shows, but for what stands in code."""
    text = path.read_text()
    pictures = [match[1] for match in FENCED.finditer(text) if match[1]]
    return pictures + LINK.findall(re.sub(r"`[^`\n]*`", "code", FENCED.sub("", text)))


def anchors(path):
    """Names under which headings of a page can be linked to, as on the repository's web page."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    wrong = []
    for link in links(path):
        if "://" in link:
            if not ADDRESS.fullmatch(link):
                wrong.append(link)
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or ROOT not in (file, *file.parents):
            wrong.append(link)
        elif anchor and anchor not in anchors(file):
            wrong.append(link)
    assert not wrong


def test_links_are_found():
    assert "own_tower.md#stages-that-can-be-skipped" in links(ROOT / "docs" / "adashare.md")
    assert "figures/parts.svg" in links(ROOT / "docs" / "index.md")
