"""`keras-mtl list`: what the zoo holds."""

import dataclasses
import json

from keras_mtl._text import few
from keras_mtl.applications.catalog import ENTRIES, counts
from keras_mtl.cli._console import console, table

COLUMNS = (
    *("network", ">paper", ">ships", "tasks"),
    *(">M MACs (paper)", ">M MACs (ships)", "scores of what ships", "source"),
)
NARROW, WIDE = 4, 150
"""Columns on any terminal, for names must not be broken into letters; characters for all of them.
"""


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
            rows = []
            for name, found in ENTRIES.items():
                rows.append({"title": found.title, "source": found.source})
                rows[-1] |= dataclasses.asdict(known[name]) | {"ships": known[name].ships}
            print(json.dumps(rows, indent=1))
            return
        out = console()
        columns = COLUMNS[: None if out.width >= WIDE else NARROW]
        listed = table(*columns)
        listed.columns[0].no_wrap = True
        for name, found in ENTRIES.items():
            of_name = known[name]
            row = (
                name,
                f"{_millions(of_name.parameters)} M",
                f"{of_name.trained_parameters / 1e6:.1f} M" if of_name.ships else "",
                few(of_name.trained_tasks or of_name.tasks, 3),
                _millions(of_name.macs),
                _millions(of_name.trained_macs) if of_name.ships else "",
                of_name.headline,
                _short(found.source),
            )
            listed.add_row(*row[: len(columns)])
        out.print(listed)
        print("keras-mtl describe NETWORK tells more of one.")


def _millions(number):
    return f"{number / 1e6:,.0f}"


def _short(source):
    """Authors, and the conference with its year, of a source."""
    authors, *_, where = source.split(", ")
    return f"{authors}, {where}"
