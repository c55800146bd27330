"""`keras-mtl describe`: what a network is made of."""

import dataclasses
import math
from pathlib import Path
from typing import Annotated

import tyro

from keras_mtl import plots
from keras_mtl._files import whole_file
from keras_mtl._text import few
from keras_mtl.applications.catalog import counts
from keras_mtl.cli._arguments import option
from keras_mtl.cli._console import console, dimensions, table
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.cli._models import entry, is_file, load
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.plots.stage_rows import stage_rows
from keras_mtl.search import cost

PAPER, MOST_TASKS = "paper", 8
FAST = "On the CPU its layers run in the spelling that is fastest there (keras_mtl.speed_up)."
PLAIN = "Its layers run as Keras has them: Tower(fast=False)."


@dataclasses.dataclass(frozen=True)
class Describe:
    """Describe a network: its stages and which tasks share them, its units, its heads, its size.

    It is the one that ships, trained on rendered rooms, or, where none ships, the one of the paper.
    For instance:

        keras-mtl describe CrossStitchFCN --picture stages.png
        keras-mtl describe CrossStitchFCN --weights paper
        keras-mtl describe my_network.keras
    """

    name: Annotated[tyro.conf.Positional[str], option("NETWORK")]
    """Name of the network, as `keras-mtl list` has it, or a .keras file."""
    picture: Annotated[Path | None, option("FILE", Path)] = None
    """Where a picture of the stages is to be written, such as stages.png."""
    weights: Annotated[str | None, option("rooms|paper|FILE", str)] = None
    """Which one: "rooms", the one that ships; "paper", that of the paper's size; or a .keras file
    with such a network."""

    def run(self):
        out = console()
        self._check()
        found = None if is_file(self.name) else entry(self.name)
        shows_paper = found and (
            self.weights == PAPER or self.weights is None and not counts()[found.name].ships
        )
        model = found.in_paper_size() if shows_paper else load(self.name, self.weights)
        try:
            rows = stage_rows(model)
        except TypeError as error:
            raise CommandError(str(error).replace("`model`", self.name)) from error
        if found:
            self._introduce(out, found, shows_paper)
        out.print(_stages(rows))
        if isinstance(model, MultiTaskModel):
            out.print(_heads(model))
            out.print(FAST if model.fast else PLAIN)
        if found:
            _tell_counts(out, found)
        else:
            out.print(f"{_number(model.count_params())} parameters{_macs(model)}")
        if self.picture is not None:
            figure = plots.stages(model)
            with whole_file(self.picture) as path:
                figure.savefig(path, dpi=150, bbox_inches="tight", format=_format(self.picture))
            plots.pyplot().close(figure)
            out.print(f"The picture of its stages is {self.picture}.", markup=False)

    def _check(self):
        """Refuses before the work what cannot be done."""
        if self.picture is None:
            return
        known = plots.pyplot().Figure().canvas.get_supported_filetypes()
        if _format(self.picture) not in known:
            raise UsageError(f"--picture must end in {', '.join(known)}: {self.picture}")
        if self.picture.is_dir() or not self.picture.parent.is_dir():
            raise UsageError(f"--picture must be a file in a folder that is there: {self.picture}")

    def _introduce(self, out, found, shows_paper):
        out.print(f"[bold]{found.name}[/bold]: {found.title}")
        out.print(f"{found.source}\n")
        out.print(found.example, markup=False)
        if shows_paper:
            out.print("\nIn the size of the paper:")
        elif self.weights in (None, "rooms"):
            out.print("\nThe network that ships, trained on rendered rooms:")
            out.print(f'keras_mtl.applications.{found.name}(weights="rooms")', markup=False)


def _stages(rows):
    stages = table("stage", "shape", ">parameters", "tasks", "skipped by", "unit behind it")
    several = len({task for row in rows for group in row.groups for task in group}) > 1
    for row in rows:
        groups = " | ".join(few(group, MOST_TASKS) for group in row.groups)
        if several and len(row.groups) == 1 and not row.skipped:
            groups = "all"
        unit = row.unit or ""
        if row.unit_parameters:
            unit += f" ({_number(row.unit_parameters)})"
        shape, skipped = dimensions(row.output_shape), few(row.skipped, MOST_TASKS)
        stages.add_row(row.stage, shape, _number(row.parameters), groups, skipped, unit)
    return stages


def _heads(model):
    heads = table("task", "head", "output", ">parameters")
    for task in model.tasks:
        head = model.head(task)
        shapes = ", ".join(
            dimensions(model.output[name].shape[1:]) for name in model.outputs_of(task)
        )
        size = sum(math.prod(weight.shape) for weight in head.weights)
        heads.add_row(task, type(head).__name__, shapes, _number(size))
    return heads


def _tell_counts(out, found):
    of_name = counts()[found.name]
    sizes = table("", ">parameters", ">M MACs", "tasks")
    paper = "in the paper's size", of_name.parameters, of_name.macs, of_name.tasks
    ships = "as it ships", of_name.trained_parameters, of_name.trained_macs, of_name.trained_tasks
    for which, parameters, macs, tasks in (paper, ships) if of_name.ships else (paper,):
        sizes.add_row(which, _number(parameters), _number(macs / 1e6), few(tasks, MOST_TASKS))
    out.print(sizes)
    if of_name.scores:
        out.print("Scores of what ships, on rooms that it has not seen:")
        for task, scores in of_name.scores.items():
            text = ", ".join(f"{heading} {value:.1f}" for heading, value in scores.items())
            out.print(f"  {task}: {text}", markup=False)
    out.print(f"The recipe that compares it with others is {found.recipe} (keras-mtl train).")
    if found.card.is_file():
        out.print(f"Its card is {found.card}.")


def _macs(model):
    try:
        return f", {_number(cost(model).macs / 1e6)} M multiply-accumulates for one picture"
    except (TypeError, ValueError):  # Of a size that is not known, or layers that are not.
        return ""


def _format(path):
    """Of a picture, by its suffix."""
    return path.suffix.removeprefix(".") or "png"


def _number(value):
    return f"{value:,.0f}"
