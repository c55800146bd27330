"""`keras-mtl evaluate`: the scores of a network."""

import dataclasses
from typing import Annotated

import tyro

from keras_mtl.applications.catalog import counts
from keras_mtl.cli._arguments import option
from keras_mtl.cli._console import console, table
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.cli._models import SHIPPED, entry, is_file, load
from keras_mtl.cli._rooms_scores import scores_on_rooms


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Score a network on rooms that it has not seen.

    A network of the zoo is scored as its recipe does it, beside the scores that were recorded; one
    of your own by the metrics of its tasks, which stand in its file. The rooms are rendered once
    and kept in Keras' folder, which takes minutes. For instance:

        keras-mtl evaluate CrossStitchFCN
        keras-mtl evaluate CrossStitchFCN --weights mine.keras
        keras-mtl evaluate mine.keras
    """

    name: Annotated[tyro.conf.Positional[str], option("NETWORK")]
    """A network of the zoo, as `keras-mtl list` has it, or a .keras file."""
    weights: Annotated[str, option("FILE")] = SHIPPED
    """A .keras file with such a network of the zoo; "rooms" is the one that ships."""
    images: int = 300
    """Number of rooms that a .keras file is scored on."""

    def run(self):
        if not is_file(self.name):
            self._run_of_zoo()
            return
        if self.weights != SHIPPED:
            raise UsageError(
                f"--weights goes with a network of the zoo, not with a file: {self.name}"
            )
        if self.images < 1:
            raise UsageError(f"--images must be at least 1. Received: {self.images}")
        scored = table("task", "score", ">value")
        for row in scores_on_rooms(load(self.name), self.images):
            scored.add_row(*row)
        console().print(scored)

    def _run_of_zoo(self):
        from keras_mtl.cli.train import named

        found = entry(self.name)
        of_name = counts()[found.name]
        if self.weights == SHIPPED and not of_name.ships:
            raise CommandError(
                f"{found.name} does not ship trained: --weights FILE says which one to score"
            )
        model = load(self.name, self.weights)
        known = of_name.trained_tasks if of_name.ships else getattr(model, "tasks", ())
        # An embedding does not name its tasks.
        unknown = [task for task in getattr(model, "tasks", ()) if task not in known]
        if unknown:
            raise CommandError(
                f"{found.name} is scored on {', '.join(known)}; {self.weights} also has "
                f"{', '.join(unknown)}"
            )
        scores = named(found.recipe).evaluate(model)
        scored = table("task", "score", ">here", ">recorded", ">difference")
        for task, of_task in scores.items():
            for heading, value in of_task.items():
                before = of_name.scores.get(task, {}).get(heading)
                known = "" if before is None else f"{before:.3f}"
                difference = f"{100 * (value - before) / abs(before):+.2f} %" if before else ""
                scored.add_row(task, heading, f"{value:.3f}", known, difference)
        console().print(scored)
