"""What a search for trees found."""

import dataclasses
import json
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np

from keras_mtl._checks import check_choice, check_integer, names
from keras_mtl._files import file_of, whole_file
from keras_mtl._text import text_table
from keras_mtl._types import PathLike
from keras_mtl.search.trees import format_tree
from keras_mtl.sharing._tree_nodes import tree_nodes

ROWS = 24
"""As many trees of the front are printed; a file has all."""


class TreeRow(NamedTuple):
    """A tree of the front, with what a network with it costs, heads included."""

    dissimilarity: float
    parameters: int
    macs: int | None
    """Multiply-accumulates of one example's forward pass; `None` if they cannot be counted."""
    tree: dict[str, list[list[str]]]
    """From location to partition, as `keras_mtl.sharing.Branched` takes it."""


@dataclasses.dataclass(frozen=True)
class TreeReport:
    """The best tree for every budget; `print` shows it as text."""

    tasks: tuple[str, ...]
    locations: tuple[str, ...]
    affinity: np.ndarray
    """Of every two tasks at every location, (locations, tasks, tasks)."""
    measure: Literal["parameters", "macs"]
    """What budgets are of: `"parameters"` or `"macs"`."""
    front: tuple[TreeRow, ...]
    """The `TreeRow`s that no other one beats, the smallest first."""
    chosen: int | None = None
    """Position in it of the tree that was taken, if one was."""

    def position(self, budget: float) -> int:
        """Position in the front of the best tree that a budget allows.

        Args:
            budget: what the network may cost at most, in the report's measure.

        Returns:
            An integer.

        Raises:
            ValueError: even the smallest tree costs more.
        """
        costs = [getattr(each, self.measure) for each in self.front]
        if budget < costs[0]:
            raise ValueError(
                f"`budget` must be {costs[0]:,} {self.measure} or more. Received: {budget:,}."
            )
        return sum(cost <= budget for cost in costs) - 1

    def save(self, path: PathLike) -> None:
        """Writes it all as a JSON file, of which "tree" is what `Branched` takes."""
        content = {
            "tree": None if self.chosen is None else self.front[self.chosen].tree,
            "tasks": self.tasks,
            "locations": self.locations,
            "affinity": self.affinity.tolist(),
            "measure": self.measure,
            "front": [each._asdict() for each in self.front],
            "chosen": self.chosen,
        }
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2) + "\n")

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """The report that `save` has written.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is another one.
        """
        with file_of("TreeReport.save", path):
            content = json.loads(Path(path).read_text())
            report = cls(
                tasks=tuple(names(content["tasks"], "tasks")),
                locations=tuple(names(content["locations"], "locations")),
                affinity=np.array(content["affinity"], float),
                measure=content["measure"],
                front=tuple(TreeRow(**each) for each in content["front"]),
                chosen=content["chosen"],
            )
            report._check()
        return report

    def _check(self):
        """Raises ValueError unless its parts are what they must be, and fit each other."""
        shape = (len(self.locations), len(self.tasks), len(self.tasks))
        if self.affinity.shape != shape:
            raise ValueError(f"`affinity` must have shape {shape}, not {self.affinity.shape}.")
        check_choice("measure", self.measure, ("parameters", "macs"))
        if not self.front:
            raise ValueError("`front` must have a tree.")
        if self.chosen is not None:
            check_integer("chosen", self.chosen, 0, len(self.front) - 1)
        for row in self.front:
            check_integer("parameters", row.parameters, 0)
            if row.macs is not None or self.measure == "macs":
                check_integer("macs", row.macs, 0)
            if type(row.dissimilarity) not in (int, float):
                raise ValueError(f"`dissimilarity` must be a number, not {row.dissimilarity!r}.")
            tasks = [task for root in tree_nodes(row.tree) for task in root.tasks]
            if tuple(row.tree) != self.locations or {*tasks} != {*self.tasks}:
                raise ValueError("`tree` must have all locations, and at each of them all tasks.")

    def __str__(self) -> str:
        lines = [["parameters", "MACs", "dissimilarity"]]
        shown = {*np.linspace(0, len(self.front) - 1, ROWS).round().astype(int).tolist()}
        if self.chosen is not None:
            shown.add(self.chosen)
        for number in sorted(shown):
            each = self.front[number]
            macs = "unknown" if each.macs is None else f"{each.macs:,}"
            mark = ["<- chosen"] if number == self.chosen else []
            lines.append([f"{each.parameters:,}", macs, f"{each.dissimilarity:.4f}", *mark])
        text = text_table(lines)
        if self.chosen is None:
            return text
        return f"{text}\n\n{format_tree(self.front[self.chosen].tree)}"
