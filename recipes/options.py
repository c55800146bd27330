"""What is run of a recipe, and where it goes."""

import dataclasses
import re
from pathlib import Path

import keras

from keras_mtl._checks import check_choice, check_integer, names


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a run; what is left empty is the recipe's own."""

    preset: str = "mini"
    """The settings: "mini" trains on two cores in minutes, "paper" is what was published."""
    data: str = ""
    """Name of the data set; by default the recipe's first one."""
    data_dir: str = ""
    """Folder of the data set's files."""
    cache_dir: str = ""
    """Folder for what is made of them, once: where --data-dir cannot be written, in which it is
    "prepared" by default (of rooms a folder in Keras' own)."""
    weights: str = ""
    """File that towers start from, of ImageNet, say; none by default."""
    tasks: tuple[str, ...] = ()
    """Names of the tasks; by default the preset's, or the paper's."""
    seeds: int = 1
    """Number of seeds, counted from 0."""
    rows: tuple[str, ...] = ()
    """Only these rows; of some recipes a part is the default."""
    output: str = ""
    """Folder of networks and results, shared by all tables of a problem; one below "results" by
    default."""
    steps: int | None = None
    """Steps of each network; by default the preset's."""
    set: tuple[str, ...] = ()
    """Settings that are to be others, such as "steps=100 rate=0.01 network.width=0.5"."""

    def filled(self, recipe):
        """The `Options` with what a recipe has for those that are empty, and its `Settings`.

        Raises:
            ValueError: an option is not among what the recipe has; it names the known ones.
        """
        problem = recipe.problem
        check_choice("preset", self.preset, recipe.presets)
        data = self.data or problem.data_sets[0]
        check_choice("data", data, problem.data_sets)
        check_integer("seeds", self.seeds, 1)
        rows = tuple(names(self.rows, "rows") or recipe.default_rows or recipe.rows)
        for each in rows:
            check_choice("rows", each, recipe.rows)
        words = tuple(names(self.set, "set"))
        if self.steps is not None:
            if any(word.startswith("steps=") for word in words):
                raise ValueError(
                    f"`set` must not have the steps where `steps` says them. Received: {words}."
                )
            words = (f"steps={check_integer('steps', self.steps, 1)}", *words)
        settings = recipe.presets[self.preset].replaced(words)
        tasks = tuple(names(self.tasks, "tasks") or settings.tasks or problem.default_tasks)
        for each in tasks:
            check_choice("tasks", each, getattr(settings, "task_weights", problem.tasks))
        if data not in problem.without_folder and not self.data_dir:
            raise ValueError(
                f"`data_dir` must be the folder of the files of {data!r}. Received: ''."
            )
        if self.weights:
            if not problem.checkpoints:
                raise ValueError(
                    f"`weights` must be empty, for towers of {recipe.name} start from random "
                    f"ones. Received: {self.weights}."
                )
            network = {**settings.network, "weights": str(self.weights)}
            settings = dataclasses.replace(settings, network=network)
        filled = dataclasses.replace(self, data=data, rows=rows, tasks=tasks, steps=None, set=words)
        output = self.output or f"results/{problem.folder or recipe.name}/{filled._name(problem)}"
        return dataclasses.replace(filled, output=output), settings

    def _name(self, problem):
        """Of a folder for runs with the same settings."""
        words = [self.preset, self.data, keras.backend.backend()]
        words += () if self.tasks == problem.default_tasks else self.tasks
        words += [f"from-{Path(self.weights).stem}"] if self.weights else []
        return "-".join([*words, *(re.sub(r"[^\w.=-]+", "_", each) for each in self.set)])
