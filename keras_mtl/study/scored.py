"""What a study's records say of its rows, whether it can train or is only read."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_mtl.search import relative_gain
from keras_mtl.study.found import Found
from keras_mtl.study.records import Records


class Scored:
    """Rows with records, and how their scores are compared.

    Attributes:
        tasks: dict from name to what has the `headlines` of a `keras_mtl.Task`, their directions
            and its heading.
        records: the `Records` of the folder.
        folder: where networks and records are.
        seeds: number of seeds.
        versions: dict of what computes the results.
    """

    tasks: Mapping[str, Any]
    records: Records
    folder: Path
    seeds: int
    versions: Mapping[str, str]

    @property
    def rows(self) -> Sequence[Any]:
        """The rows: each has a contender, a seed, a hash, networks and trainings."""
        raise NotImplementedError

    @property
    def budget_text(self) -> str:
        """How long networks learn, in words."""
        raise NotImplementedError

    def described(self) -> dict[str, dict[str, str]]:
        """What is compared, with what, and how: dicts of texts."""
        raise NotImplementedError

    def record_of(self, job: Any) -> dict[str, Any]:
        """The record of a training or a row; empty if it has not ended."""
        return self.records.by_hash().get(job.hash, {})

    def file_of(self, training: Any) -> Path:
        """Where the network of a training is kept."""
        return self.folder / "networks" / f"{training.hash}.keras"

    def scored_networks(self, row: Any) -> list[Any]:
        """The trainings of a row whose networks were scored: all of them, or the best one."""
        taken = self.record_of(row)["taken"]
        return [each for each in row.networks if each.hash in taken]

    def found(self) -> Found:
        """What the records say so far."""
        return Found(self)

    def headlines(self, scores: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
        """The score of each task by which contenders are compared, NaN if there is none.

        Of a task with several headlines a dict of them.
        """
        found = {}
        for name, task in self.tasks.items():
            of_task = {each: scores[name].get(each, math.nan) for each in task.headlines}
            found[name] = of_task if len(of_task) > 1 else of_task[task.headline]
        return found

    def gain(self, scores: Mapping[str, Any], baseline: Mapping[str, Any]) -> float:
        """The mean relative gain in % of headlines over others, of all tasks or some."""
        gains = []
        for name, of_task in scores.items():
            lower = _lower_is_better(name, self.tasks[name])
            gains.append(float(relative_gain({name: of_task}, {name: baseline[name]}, lower)))
        return float(np.mean(gains))


def _lower_is_better(name, task):
    """As of `relative_gain`: the task, or those of its headlines."""
    if len(task.headlines) == 1:
        return [name] if task.better == "lower" else []
    return [each for each, better in task.directions.items() if better == "lower"]
