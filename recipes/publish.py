"""Writes README's tables from published results.

    python -m recipes.publish results/cross_stitch/mini-rooms-torch/cross_stitch_table5

keeps the results and figures of a run in `recipes/results/` and writes every table of README that a
line `<!-- table: <recipe> -->` begins and `<!-- end of table -->` ends. Without arguments it writes
the tables from what is published already.
"""

import argparse
import importlib
import json
import re
import shutil
from pathlib import Path

from keras_mtl.recipes._results import REPOSITORY
from keras_mtl.recipes._table import format_markdown

README = REPOSITORY / "README.md"
PUBLISHED = Path(__file__).parent / "results"
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def publish(folder):
    """Keeps a run's `results.json` and figures as the published ones of its recipe."""
    source = Path(folder)
    if not (source / "results.json").is_file():
        raise SystemExit(f"{source} must be the folder of a run, with a results.json.")
    results = json.loads((source / "results.json").read_text())
    seeds = {row: sorted(of_row["seeds"]) for row, of_row in results["rows"].items()}
    if len({tuple(of_row) for of_row in seeds.values()}) > 1:
        raise SystemExit(f"{source}: all rows must have the same seeds. They have {seeds}.")
    target = PUBLISHED / results["recipe"]
    target.mkdir(parents=True, exist_ok=True)
    for file in (source / "results.json", *source.glob("*.png")):
        shutil.copyfile(file, target / file.name)


def render(text):
    """The text with its tables as the published results have them."""

    def published(match):
        begin, recipe, end = match.groups()
        results = json.loads((PUBLISHED / recipe / "results.json").read_text())
        table = importlib.import_module(f"keras_mtl.recipes.{recipe}").TABLE
        rows = format_markdown(table, results)
        return f"{begin}{_caption(table, results)}\n\n{rows}\n{end}"

    return TABLE.sub(published, text)


def _caption(table, results):
    entries = [entry for row in results["rows"].values() for entry in row["seeds"].values()]
    commits = sorted({str(entry["commit"]) for entry in entries})
    options = {
        "preset": results["preset"],
        "data": results["data"],
        "tasks": " ".join(results["tasks"]),
        "seeds": max(len(row["seeds"]) for row in results["rows"].values()),
    }
    if tuple(results["tasks"]) == table.problem.pair:
        del options["tasks"]
    command = " ".join(f"--{name} {value}" for name, value in options.items())
    return (
        f"`python -m recipes.{results['recipe']} {command}` "
        f"({results['backend']}, commit {', '.join(commits)}):"
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", help="a table's folder, with its results.json")
    for folder in parser.parse_args(arguments).folders:
        publish(folder)
    README.write_text(render(README.read_text()))


if __name__ == "__main__":
    main()
