"""`keras-mtl evaluate`: the scores of a network."""

import dataclasses
from typing import Annotated

import tyro

from keras_mtl.applications.catalog import counts
from keras_mtl.cli._arguments import option
from keras_mtl.cli._console import console, table
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.cli._models import SHIPPED, embeds, entry, is_file, load
from keras_mtl.cli._rooms_scores import scores_on_rooms
from keras_mtl.multi_task_model import MultiTaskModel


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
    weights: Annotated[str | None, option("FILE", str)] = None
    """A .keras file with such a network of the zoo; by default, or as "rooms", the one that ships.
    """
    images: Annotated[int | None, option("NUMBER", int)] = None
    """Number of rooms that a .keras file is scored on; 300 by default."""

    def run(self):
        if is_file(self.name):
            columns, rows = ("task", "score", ">value"), self._of_file()
        else:
            columns = ("task", "score", ">here", ">recorded", ">difference")
            rows = self._of_zoo()
        scored = table(*columns)
        for row in rows:
            scored.add_row(*row)
        console().print(scored)

    def _of_file(self):
        images = 300 if self.images is None else self.images
        if images < 1:
            raise UsageError(f"--images must be at least 1. Received: {images}")
        return scores_on_rooms(load(self.name, self.weights), images)

    def _of_zoo(self):
        from keras_mtl.cli.train import named

        found = entry(self.name)
        of_name = counts()[found.name]
        if self.images is not None:
            raise UsageError(
                f"--images goes with a .keras file; {found.name} is scored as its recipe does it"
            )
        if self.weights in (None, SHIPPED) and not of_name.ships:
            raise CommandError(
                f"{found.name} does not ship trained: --weights FILE says which one to score"
            )
        model = load(self.name, self.weights)
        # Refused before pictures are rendered. An embedding does not name its tasks.
        if not (isinstance(model, MultiTaskModel) if of_name.tasks else embeds(model)):
            what = "a MultiTaskModel" if of_name.tasks else "an embedding"
            raise CommandError(f"{self.weights} must be {what}, as {found.name} is")
        tasks = getattr(model, "tasks", ())
        known = of_name.trained_tasks if of_name.ships else tasks
        unknown = [task for task in tasks if task not in known]
        if unknown:
            raise CommandError(
                f"{found.name} is scored on {', '.join(known)}; {self.weights} also has "
                f"{', '.join(unknown)}"
            )
        for task, of_task in named(found.recipe).evaluate(model).items():
            for heading, value in of_task.items():
                before = of_name.scores.get(task, {}).get(heading)
                recorded = "" if before is None else f"{before:.3f}"
                difference = f"{100 * (value - before) / abs(before):+.2f} %" if before else ""
                yield task, heading, f"{value:.3f}", recorded, difference
