"""`keras-mtl list`: what the zoo holds."""

import dataclasses
import json

from keras_mtl.applications.catalog import ENTRIES, counts
from keras_mtl.cli._console import console, table

NARROW = ("network", ">paper", ">ships", "tasks")
"""Columns on any terminal; names of networks and of tasks must not be broken into letters."""
WIDE = 150
COLUMNS = (*NARROW, ">M MACs (paper)", ">M MACs (ships)", "scores of what ships", "source")
"""Columns from so many characters on."""


@dataclasses.dataclass(frozen=True)
class List:
    """List the zoo: its networks, what they cost, and how well those that ship do.

    "paper" is the number of parameters that the paper's network has, "ships" that of the network
    that comes trained on pictures of rendered rooms; its scores are those on rooms it has not seen.
    M is 10⁶; MACs are multiply-accumulates for one picture. A terminal of fewer than 150 characters
    shows the first columns. For instance:

        keras-mtl list
        keras-mtl list --json
    """

    json: bool = False
    """Print all of it as JSON, for other programs."""

    def run(self):
        known = counts()
        if self.json:
            print(json.dumps([_as_dict(ENTRIES[name], known[name]) for name in ENTRIES], indent=1))
            return
        out = console()
        columns = COLUMNS if out.width >= WIDE else NARROW
        listed = table(*columns)
        listed.columns[0].no_wrap = True
        for name, found in ENTRIES.items():
            of_name = known[name]
            row = {
                "network": name,
                ">paper": f"{_millions(of_name.parameters)} M",
                ">ships": f"{of_name.trained_parameters / 1e6:.1f} M" if of_name.ships else "",
                "tasks": _few(of_name.trained_tasks or of_name.tasks),
                ">M MACs (paper)": _millions(of_name.macs),
                ">M MACs (ships)": _millions(of_name.trained_macs) if of_name.ships else "",
                "scores of what ships": of_name.headline,
                "source": _short(found.source),
            }
            listed.add_row(*(row[column] for column in columns))
        out.print(listed)
        print("keras-mtl describe NETWORK tells more of one.")


def _as_dict(found, of_name):
    return {
        "title": found.title,
        "source": found.source,
        **dataclasses.asdict(of_name),
        "ships": of_name.ships,
    }


def _millions(number):
    return f"{number / 1e6:,.0f}"


def _few(tasks, most=3):
    others = f" and {len(tasks) - most} more" if len(tasks) > most else ""
    return ", ".join(tasks[:most]) + others


def _short(source):
    """Authors, and the conference with its year, of a source."""
    authors, *_, where = source.split(", ")
    return f"{authors}, {where}"
