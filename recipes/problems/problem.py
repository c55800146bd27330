"""What a comparison is about."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_mtl.search import relative_gain


@dataclasses.dataclass(frozen=True)
class TaskScores:
    """What tables say of a task, in the words of a `keras_mtl.Task`, which may stand for it.

    Attributes:
        columns: dict from heading to a score and the factor on it.
        headlines: names of the scores by which networks are compared; all if there are none.
        better: dict from headline to "higher" or "lower"; of others an error is to be low.
    """

    columns: dict
    headlines: tuple = ()
    better: dict = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, name, task):
        """Those of a `Task`, whose scores may begin with its name: here they do not."""
        columns = {
            heading: (score.removeprefix(f"{name}_"), factor)
            for heading, (score, factor) in task.columns.items()
        }
        better = {each.removeprefix(f"{name}_"): way for each, way in task.directions.items()}
        return cls(columns, tuple(better), better)

    @property
    def directions(self):
        """Of each headline, which one is better."""
        names = self.headlines or [name for name, _ in self.columns.values()]
        usual = {name: "lower" if name.endswith("_error") else "higher" for name in names}
        return {name: self.better.get(name, way) for name, way in usual.items()}


@dataclasses.dataclass(frozen=True)
class Problem:
    """Tasks on one kind of data: how they are learned, and by what they are scored.

    Attributes:
        data_sets: names of the data sets, the default first.
        load: function of such a name, `Settings`, a folder of files and one for what is made of
            them (or `None`) that returns the data, whatever that is.
        study: function of `Settings`, data and names of tasks, and of options of a
            `keras_mtl.Study` (steps, batch_size, contenders, seeds, folder), that returns one.
        scores: dict from task to a `Task` or `TaskScores`, in the order of the table.
        tasks: names of all tasks, if they are others or in another order than those.
        pair: names of those that the paper has, which are the default; all if `None`.
        folder: where its networks go, below `results/`, if several recipes share them.
        summary: function from the scores of a study, by its tasks, to those of the table.
        paper_data: the data of the paper's numbers.
        checkpoints: whether its networks can start from published weights.
        without_folder: names of the data sets that are there without a folder of files.
        decimals: how many of a score are shown.
    """

    data_sets: tuple
    load: Callable[..., Any]
    study: Callable[..., Any]
    scores: dict
    tasks: tuple = ()
    pair: tuple | None = None
    folder: str | None = None
    summary: Callable[[dict], dict] | None = None
    paper_data: str = ""
    checkpoints: bool = True
    without_folder: tuple = ("rooms",)
    decimals: int = 1

    def __post_init__(self):
        object.__setattr__(self, "tasks", self.tasks or tuple(self.scores))
        scores = {
            name: each if isinstance(each, TaskScores) else TaskScores.of(name, each)
            for name, each in self.scores.items()
        }
        object.__setattr__(self, "scores", scores)

    @property
    def default_tasks(self):
        return self.pair or self.tasks

    def study_of(self, settings, data, tasks, **options):
        """The `Study`, not started; options as of `study`, but for those that settings have."""
        options |= {"steps": settings.steps, "batch_size": settings.batch_size}
        return self.study(settings, data, tasks, **options)

    def entry(self, scores):
        """The scores of a study as the table has them: under names without the task in front."""
        own = {}
        for task, of_task in scores.items():
            asked = self.scores[task].columns.values() if task in self.scores else ()
            own[task] = _by_own_names(task, of_task, "loss" in dict(asked))
        return own if self.summary is None else self.summary(own)

    def compared(self, scores):
        """Those of the table's scores by which networks are compared, by task."""
        return {
            task: {name: of_task[name] for name in self.scores[task].directions}
            for task, of_task in scores.items()
            if task in self.scores
        }

    def gain(self, scores, baseline):
        """Mean relative gain in % by those scores, each averaged within its task."""
        gains = []
        for task, ours in self.compared(scores).items():
            theirs, directions = self.compared(baseline)[task], self.scores[task].directions
            lower = [name for name, better in directions.items() if better == "lower"]
            gains.append(relative_gain(ours, theirs, lower))
        return float(np.mean(gains))

    def by_heading(self, scores):
        """Scores by what stands above them in tables, with the factor on them."""
        return {
            task: {
                heading: factor * scores[task][name]
                for heading, (name, factor) in of_task.columns.items()
                if name in scores[task]
            }
            for task, of_task in self.scores.items()
            if task in scores
        }

    def headings(self, tasks):
        """What stands above the scores by which networks are compared; of many the first one."""
        found = []
        for task in tasks:
            compared = list(self.scores[task].directions)
            first = compared if len(compared) < 3 else compared[:1]
            columns = self.scores[task].columns
            found += [heading for heading, (name, _) in columns.items() if name in first]
        return found


def _by_own_names(task, scores, with_loss):
    """Scores of a task without its name in front, those of classes in a list."""
    found = {name.removeprefix(f"{task}_"): value for name, value in scores.items()}
    if not with_loss:
        found.pop("loss", None)
    classes = [name for name in found if name.startswith("iu_of_")]
    of_classes = {int(name.removeprefix("iu_of_")): found.pop(name) for name in classes}
    if classes:
        found["per_class_iu"] = [
            None if math.isnan(value) else value for _, value in sorted(of_classes.items())
        ]
    return found
