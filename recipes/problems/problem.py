"""What a comparison is about."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Problem:
    """Tasks on one kind of data: how they are learned, and by what they are scored.

    Attributes:
        folder: where its networks go, below `results/`.
        data_sets: names of the data sets, the default first.
        load: function of such a name, `Settings`, a folder of files and one for what is made of
            them (or `None`) that returns the data, whatever that is.
        study: function of `Settings`, data and names of tasks, and of options of a
            `keras_mtl.Study` (contenders, seeds, folder), that returns one.
        tasks: names of all tasks.
        pair: names of those that the paper has, which are the default; all if `None`.
        columns: dict from task to a dict from heading to a score and the factor on it.
        headlines: dict from task to the score, or a tuple of those, by which networks are compared.
        lower_is_better: the tasks of which that score is an error; of tuples, the scores.
        summary: function from the scores of a study, by its tasks, to those of the table.
        paper_data: the data of the paper's numbers.
        checkpoints: whether its networks can start from published weights.
        without_folder: names of the data sets that are there without a folder of files.
        decimals: how many of a score are shown.
    """

    folder: str
    data_sets: tuple
    load: Callable[..., Any]
    study: Callable[..., Any]
    tasks: tuple
    columns: dict
    headlines: dict
    lower_is_better: tuple = ()
    pair: tuple | None = None
    summary: Callable[[dict], dict] | None = None
    paper_data: str = ""
    checkpoints: bool = True
    without_folder: tuple = ("rooms",)
    decimals: int = 1

    @property
    def default_tasks(self):
        return self.pair or self.tasks

    def entry(self, scores):
        """The scores of a study as the table has them."""
        return scores if self.summary is None else self.summary(scores)

    def compared(self, task):
        """Names of the scores of a task by which networks are compared."""
        names = self.headlines[task]
        return (names,) if isinstance(names, str) else names

    def by_heading(self, scores):
        """Scores by what stands above them in tables, with the factor on them."""
        return {
            task: {
                heading: factor * scores[task][name]
                for heading, (name, factor) in columns.items()
                if name in scores[task]
            }
            for task, columns in self.columns.items()
            if task in scores
        }

    def headings(self, tasks):
        """What stands above the scores by which networks are compared; of many the first one."""
        found = []
        for task in tasks:
            compared = self.compared(task)
            first = compared if len(compared) < 3 else compared[:1]
            found += [heading for heading, (name, _) in self.columns[task].items() if name in first]
        return found
