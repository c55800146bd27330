"""Writes every table of README, the cards and the docs from what is published.

    python -m tools.publish results/cross_stitch/mini-rooms-torch/cross_stitch_table5

publishes the results of a run in `recipes/results.csv`, its figures in `recipes/results/`, and
writes every table that a line `<!-- table: NAME -->` begins and `<!-- end of table -->` ends.
Without arguments it writes the tables from what is published already. `--counts` counts parameters
and multiply-accumulates of the zoo anew, `--pictures` draws the pictures of the cards.
"""

import json
import re
import shutil
from pathlib import Path

import tyro

from tools import published
from tools.card_pictures import draw_cards
from tools.count_zoo import count_zoo
from tools.document_tables import table_text

REPOSITORY = Path(__file__).resolve().parent.parent
FIGURES = REPOSITORY / "recipes" / "results"
TABLE = re.compile(r"(<!-- table: ([^>]+?) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def documents():
    """The files whose tables are written."""
    found = [REPOSITORY / "README.md"]
    for folder in ("applications", "docs"):
        found += sorted((REPOSITORY / folder).rglob("*.md"))
    return [path for path in found if "_build" not in path.parts]


def publish(folder):
    """Keeps a run's results and figures as the published ones of its recipe."""
    source = Path(folder)
    if not (source / "results.json").is_file():
        raise SystemExit(f"{source} must be the folder of a run, with a results.json.")
    results = json.loads((source / "results.json").read_text())
    seeds = {row: sorted(of_row["seeds"]) for row, of_row in results["rows"].items()}
    if len({tuple(of_row) for of_row in seeds.values()}) > 1:
        raise SystemExit(f"{source}: all rows must have the same seeds. They have {seeds}.")
    target = FIGURES / results["recipe"]
    target.mkdir(parents=True, exist_ok=True)
    for file in source.glob("*.png"):
        shutil.copyfile(file, target / file.name)
    published.write(results)


def render(path):
    """The text of a document with its tables as they are published."""

    def written(match):
        begin, name, end = match.groups()
        return f"{begin}{table_text(path, *name.split())}\n{end}"

    return TABLE.sub(written, path.read_text(encoding="utf-8"))


def main(
    *folders: tyro.conf.Positional[Path], counts: bool = False, pictures: bool = False
) -> None:
    """Publishes runs, and writes every table.

    Args:
        folders: a table's folder, with its results.json.
        counts: count the networks of the zoo anew.
        pictures: draw the pictures of the cards.
    """
    for folder in folders:
        publish(folder)
    if counts:
        count_zoo()
    if pictures:
        draw_cards(REPOSITORY / "applications")
    for path in documents():
        text = render(path)
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    tyro.cli(main)
