"""The published results: one long table of all recipes, `results.csv`."""

import csv
import json
from pathlib import Path

from keras_mtl import recipes
from keras_mtl._files import whole_file

RESULTS = Path(recipes.__file__).parent / "results.csv"
COLUMNS = (
    *("recipe", "data", "preset", "tasks", "backend", "row", "seed"),
    *("metric", "value", "commit", "keras", "seconds"),
)
OF_A_RUN = ("preset", "data", "tasks", "backend")
"""What all rows of a recipe have in common."""
OF_AN_ENTRY = ("commit", "keras", "seconds")
"""What says where the scores of a row and seed come from."""


def read(recipe):
    """The published results of a recipe, a dict as in the `results.json` of its run.

    Raises:
        KeyError: there are none.
    """
    found = [line for line in lines() if line["recipe"] == recipe]
    if not found:
        raise KeyError(f"{RESULTS.name} has no results of {recipe!r}.")
    results = {"recipe": recipe, **{name: found[0][name] for name in OF_A_RUN}}
    results["tasks"] = results["tasks"].split()
    results["rows"] = rows = {}
    for line in found:
        of_row = rows.setdefault(line["row"], {"seeds": {}})
        entry = of_row
        if line["seed"]:
            known = {name: line[name] for name in OF_AN_ENTRY if line[name]}
            if "seconds" in known:
                known["seconds"] = float(known["seconds"])
            entry = of_row["seeds"].setdefault(line["seed"], {"backend": line["backend"], **known})
        *path, name = line["metric"].split("/")
        for key in path:
            entry = entry.setdefault(key, {})
        entry[name] = json.loads(line["value"])
    return results


def write(results):
    """Publishes the results of a recipe's run, in place of those that it had."""
    recipe = results["recipe"]
    run = {"recipe": recipe, **{name: results[name] for name in OF_A_RUN}}
    run["tasks"] = " ".join(results["tasks"])
    ours = []
    for row, of_row in results["rows"].items():
        for seed, entry in of_row["seeds"].items():
            ours += _of_entry({**run, "row": row, "seed": seed}, entry)
        sizes = {name: value for name, value in of_row.items() if name != "seeds"}
        ours += _of_entry({**run, "row": row, "seed": ""}, sizes)
    _write([line for line in lines() if line["recipe"] != recipe] + ours)


def _of_entry(start, entry):
    """The lines of a row and seed, of which `start` has the first columns."""
    known = {name: entry.get(name, "") for name in OF_AN_ENTRY}
    scores = {name: value for name, value in entry.items() if name not in (*known, "backend")}
    for metric, value in _leaves(scores):
        yield {**start, "metric": metric, "value": json.dumps(value, ensure_ascii=False), **known}


def _leaves(values, path=()):
    """Pairs of a path of keys, joined by slashes, and what is there."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield "/".join((*path, key)), value


def lines():
    """All lines of the published results, dicts by `COLUMNS`."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(content):
    # A stable sort: within a recipe the order is that of its table.
    content = sorted(content, key=lambda line: line["recipe"])
    with (
        whole_file(RESULTS) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(content)
