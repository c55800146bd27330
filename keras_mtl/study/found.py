"""What a study has found, and what of it the seeds bear out."""

import functools
import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._types import Array, PathLike
from keras_mtl.ensemble import Ensemble
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.study._answers import answer
from keras_mtl.study._statistics import Difference, difference, holm
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.contender import BASELINE, TWIN
from keras_mtl.study.scores import Vote, compile_to_score

Part = Literal["validation", "test"]


class Found:
    """The scores of a study, and what they say; `print` shows the table and the answer.

    Contenders are compared with the one-task networks of the same seeds, by the relative gain in
    each task's headline, or its mean over the tasks. They are chosen by validation and reported by
    test. "Ahead" and "behind" are said where a paired t test, corrected by Holm for all contenders
    at once, bears it out at the level of 5 %; else a contender is level.

    Args:
        study: the `Study`.

    Attributes:
        scores: dict from contender to a dict from seed to a dict of `"validation"` and `"test"`
            scores by task, `"parameters"`, `"macs"` and whatever else was recorded.
        failed: dict from the contenders that diverged or do not fit to the reason.
        others: records in the folder that are of other settings or versions.
    """

    def __init__(self, study: AnyStudy) -> None:
        self.study = study
        self.scores: dict[str, dict[int, dict[str, Any]]] = {}
        self.failed: dict[str, str] = {}
        for row in study.rows:
            record = study.record_of(row)
            if record.get("failed"):
                self.failed[row.contender] = record["failed"]
            elif record:
                self.scores.setdefault(row.contender, {})[row.seed] = record
        ours = {row.hash for row in study.rows}
        rows = [each for each in study.records.read() if each.get("kind") == "row"]
        self.others = [each for each in rows if each["hash"] not in ours]

    def best(self, task: str | None = None) -> str | None:
        """The contender to take, or `None` where the seeds do not bear one out.

        It is the one with the largest mean gain on the validation examples, if on the test examples
        it is ahead of the one-task networks; or those, if all others are behind them.

        Args:
            task: name of a task; the mean over all tasks if `None`.
        """
        chosen = self.chosen(task)
        if chosen is None or chosen == BASELINE:
            others = self.differences(task).values()
            behind = bool(others) and all(each.behind for each in others)
            return BASELINE if chosen == BASELINE and behind else None
        return chosen if self.differences(task)[chosen].ahead else None

    def chosen(self, task: str | None = None) -> str | None:
        """The contender with the largest mean gain on the validation examples; `None` of none."""
        gains = {each: np.mean(self.gains(each, task, "validation")) for each in self._compared}
        gains = {each: gain for each, gain in gains.items() if np.isfinite(gain)}
        if not gains:
            return None
        return max({BASELINE: 0.0, **gains}.items(), key=lambda item: item[1])[0]

    def answer(self, task: str | None = None) -> str:
        """What the seeds bear out, in one sentence, with what it rests on.

        Args:
            task: name of a task; the mean over all tasks if `None`.
        """
        check_choice("task", task, [None, *self.study.tasks])
        return answer(self, task)

    def gains(
        self,
        contender: str,
        task: str | None = None,
        part: Part = "test",
        over: str = BASELINE,
    ) -> Array:
        """The relative gain in %, for each seed that both have.

        Args:
            contender: its name.
            task: name of a task; the mean over all tasks if `None`.
            part: the examples of which the scores are.
            over: the contender that is compared with.
        """
        for argument, name in (("contender", contender), ("over", over)):
            check_choice(argument, name, [*self.scores, *self.failed])
        check_choice("task", task, [None, *self.study.tasks])
        ours, theirs = (self.scores.get(name, {}) for name in (contender, over))
        found = []
        for seed in sorted(set(ours) & set(theirs)):
            pair = [self.study.headlines(each[seed][part]) for each in (ours, theirs)]
            pair = [each if task is None else {task: each[task]} for each in pair]
            found.append(self.study.gain(*pair))
        return np.array(found)

    def differences(self, task: str | None = None) -> dict[str, Difference]:
        """For each contender the mean gain over the one-task networks, with its interval."""
        return holm({each: difference(self.gains(each, task)) for each in self._compared})

    def shares(self, contender: str, task: str) -> bool:
        """Whether a soft sharing gains from the other tasks: whether it is ahead of its twin.

        Two towers that read each other are an ensemble of features, whatever they are trained for:
        a gain over the one-task networks is no evidence of sharing.

        Args:
            contender: name of one that has a twin.
            task: name of the task.
        """
        check_choice("contender", contender, [each for each, _ in self._over_twins])
        check_choice("task", task, self.study.tasks)
        return self._over_twins[contender, task].ahead

    @functools.cached_property
    def _over_twins(self) -> Mapping[tuple[str, str], Difference]:
        """The gains of soft sharings over their twins, corrected for all of them together."""
        pairs = [
            (each.removeprefix(TWIN), task)
            for each in self.scores
            for task in self.study.tasks
            if each.startswith(TWIN) and each.removeprefix(TWIN) in self.scores
        ]
        return holm(
            {
                (name, task): difference(self.gains(name, task, over=f"{TWIN}{name}"))
                for name, task in pairs
            }
        )

    @property
    def _compared(self):
        """Those that are compared with the one-task networks; a twin is a baseline itself."""
        # One that has failed with some seed is no better for those with which it has not.
        ended = [name for name in self.scores if name not in self.failed]
        others = [name for name in ended if name != BASELINE and not name.startswith(TWIN)]
        return others if BASELINE in ended else []

    def model(self, contender: str, seed: int | None = None) -> MultiTaskModel | Ensemble:
        """The trained network of a contender; of several networks an `Ensemble`.

        Args:
            contender: its name.
            seed: which seed's; that with the best validation scores if `None`.

        Returns:
            A model of all tasks, compiled for `evaluate`; what several networks vote has the form
            of what one puts out, such as logits.

        Raises:
            ValueError: it has not been trained, with that seed or at all.
        """
        known = self.scores.get(contender)
        if not known:
            reason = self.failed.get(contender, f"trained are {list(self.scores)}")
            raise ValueError(
                f"`contender` must be one that has been trained. Received: {contender!r}; {reason}."
            )
        seed = self.best_seed(contender) if seed is None else seed
        check_choice("seed", seed, known)
        row = next(
            each for each in self.study.rows if (each.contender, each.seed) == (contender, seed)
        )
        models = self.study.networks(row)
        model = models[0] if len(models) == 1 else Vote(models)
        compile_to_score(model, self.study.tasks)
        return model

    def best_seed(self, contender: str) -> int:
        """The seed with the best validation scores of a contender that has been trained."""
        check_choice("contender", contender, self.scores)
        return max(self.scores[contender], key=functools.partial(self._quality, contender))

    def _quality(self, contender, seed):
        """How good a seed's network is on the validation examples, beside the other seeds'."""
        known = self.scores[contender]
        first, this = (
            self.study.headlines(known[each]["validation"]) for each in (min(known), seed)
        )
        gain = self.study.gain(this, first)
        return gain if np.isfinite(gain) else -np.inf

    def report(self, path: PathLike = "report.html") -> Path:
        """Writes all there is to say as a page: the answer, tables, drawings, what was learned.

        It is one file that asks for nothing else and is readable without scripts. What has to be
        looked at in networks and data stays in the study's folder, so that the page can be drawn
        anew without them, by `keras_mtl.study.RecordedStudy(folder).found().report()`.

        Args:
            path: where it goes.

        Returns:
            The path.

        Raises:
            ImportError: Jinja2 or matplotlib is missing (`keras-mtl[report]`).
            OSError: it cannot be written.
        """
        from keras_mtl.study.report import report

        return report(self, path)

    def notebook(self) -> Any:
        """The same page, which Jupyter shows where it is the last thing of a cell."""
        from keras_mtl.study.report import Page, page

        return Page(page(self))

    def _repr_html_(self):
        # Of a notebook: the table as it is, without looking at any network.
        return f'<pre style="white-space: pre; overflow-x: auto">{html.escape(str(self))}</pre>'

    def __str__(self) -> str:
        from keras_mtl.study.table import table

        return table(self)
