"""The search that cross-stitch units replace: train every Split architecture, and rank them."""

import dataclasses
import json
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import keras

from keras_mtl._checks import check_integer, names
from keras_mtl._files import file_of, whole_file
from keras_mtl._types import PathLike
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.search.cost import cost
from keras_mtl.search.enumerate_splits import enumerate_splits
from keras_mtl.search.relative_gain import relative_gain
from keras_mtl.towers.tower import Tower


@dataclasses.dataclass(frozen=True)
class Split:
    """One row of a `SplitTable`."""

    name: str
    """The first stage that every task has for itself, or `"heads"`."""
    parameters: int
    macs: int | None
    """Multiply-accumulates of one example's forward pass; `None` if they cannot be counted."""
    scores: dict[str, float]
    """From task name to score."""
    gain: float
    """`relative_gain` over the split that shares nothing, in %."""


class SplitTable(tuple[Split, ...]):
    """`Split`s, the best first; `print` shows them as a table."""

    def in_network_order(self) -> list[Split]:
        """The splits from the one that shares nothing to the one that shares all."""
        return sorted(self, key=lambda split: -split.parameters)

    def __str__(self) -> str:
        tasks = list(self[0].scores) if self else []
        width = max([5, *(len(split.name) for split in self)])
        columns = "".join(f"{task:>{max(len(task), 9) + 2}}" for task in tasks)
        lines = [f"{'split':{width}}{'parameters':>14}{'MACs':>16}{columns}{'gain in %':>11}"]
        for split in self:
            scores = "".join(f"{split.scores[task]:>{max(len(task), 9) + 2}.4g}" for task in tasks)
            macs = "unknown" if split.macs is None else f"{split.macs:,}"
            lines.append(
                f"{split.name:{width}}{split.parameters:>14,}{macs:>16}{scores}{split.gain:>+11.2f}"
            )
        return "\n".join(lines)


def splits(
    tower: Tower,
    heads: dict[str, keras.layers.Layer],
    fit: Callable[[MultiTaskModel], Mapping[str, float]],
    *,
    lower_is_better: str | Iterable[str] = (),
    folder: PathLike | None = None,
) -> SplitTable:
    """Trains every Split architecture of a tower with your own function, and ranks them.

    Source: Misra et al., CVPR 2016, section 1.1: the best split depends on the tasks, so that each
    has to be tried.

    Args:
        tower: a `keras_mtl.towers.Tower`; all networks start from its weights.
        heads: dict from task name to head, as of `MultiTaskModel`.
        fit: function of a `MultiTaskModel`, which it compiles and trains; returns a dict from task
            name to a score on validation data. The model is called `split_<name>`.
        lower_is_better: names of the tasks whose score is an error.
        folder: where `splits.json` keeps the scores that are known. Called again with the same
            folder, the search goes on behind the last split that ended. `None` keeps nothing. It
            cannot see that `fit` or initial weights are others: they need another folder.

    Returns:
        A `SplitTable`: a tuple of `Split`s by their mean relative gain over the split that shares
        nothing, the best first, those without a finite gain last.

    Raises:
        ValueError: `fit` returned no score for some task, or scores that are no numbers; `folder`
            holds a search over another tower or other heads; `lower_is_better` names no task.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> x, y = np.ones((8, 4)), {"a": np.ones((8, 1)), "b": np.zeros((8, 1))}
    >>> def fit(model):
    ...     model.compile("sgd", loss={task: "mse" for task in y})
    ...     model.fit(x, y, verbose=0)
    ...     outputs = model.predict(x, verbose=0)
    ...     return {task: float(np.mean((outputs[task] - y[task]) ** 2)) for task in y}
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="features")])
    >>> table = keras_mtl.search.splits(
    ...     keras_mtl.towers.Tower(net, cuts=[]),
    ...     {"a": keras.layers.Dense(1), "b": keras.layers.Dense(1)},
    ...     fit, lower_is_better=["a", "b"])
    >>> sorted(split.name for split in table)
    ['features', 'heads']
    """
    tasks, sharings = list(heads), enumerate_splits(tower)
    lower_is_better = names(lower_is_better, "lower_is_better")
    unknown = sorted(set(lower_is_better) - set(tasks))
    if unknown:
        raise ValueError(
            f"`lower_is_better` must name tasks of `heads`: {tasks}. Received: {unknown}."
        )
    known = _Known(folder, _description(tower, heads))
    for name, sharing in sharings.items():
        if name in known.rows:
            continue
        model = MultiTaskModel(tower, sharing, heads, name=f"split_{name}")
        size = _size(model)
        known.add(name, {**size, "scores": _checked(fit(model), tasks)})
    baseline = known.rows[next(iter(sharings))]["scores"]
    table = [
        Split(name, **row, gain=float(relative_gain(row["scores"], baseline, lower_is_better)))
        for name, row in known.rows.items()
    ]
    return SplitTable(
        sorted(table, key=lambda split: -split.gain if math.isfinite(split.gain) else math.inf)
    )


class _Known:
    """The rows that are known, in memory and in the folder."""

    def __init__(self, folder, search):
        self.rows, self._search, self._path = {}, search, None
        if folder is None:
            return
        self._path = Path(folder) / "splits.json"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            with file_of("splits", self._path, "`folder` must hold"):
                kept = json.loads(self._path.read_text())
                found, rows = kept["search"], kept["rows"]
            if found != search:
                raise ValueError(
                    f"`folder` must be new or hold a search over this tower and these heads. "
                    f"Received: {folder}, with a search over {found}, not {search}."
                )
            with file_of("splits", self._path, "`folder` must hold"):
                for name, row in rows.items():
                    scores = _checked(row["scores"], search["heads"])
                    Split(name, **{**row, "scores": scores}, gain=0.0)
                    check_integer("parameters", row["parameters"], 0)
            self.rows = rows

    def add(self, name, row):
        self.rows[name] = row
        if self._path is not None:
            content = json.dumps({"search": self._search, "rows": self.rows}, indent=2)
            with whole_file(self._path) as unfinished:
                unfinished.write_text(content)


def _description(tower, heads):
    """What a search is over, as far as a script that is started again says the same."""
    return {
        "stages": list(tower.stages),
        "input_shape": list(tower.input_shape),
        "tower_parameters": tower.model.count_params(),
        "heads": {task: type(head).__name__ for task, head in heads.items()},
    }


def _size(model):
    try:
        macs = cost(model).macs
    except ValueError as error:
        warnings.warn(f"MACs are not counted: {error}", stacklevel=3)
        macs = None
    return {"parameters": model.count_params(), "macs": macs}


def _checked(scores, tasks):
    if not isinstance(scores, dict) or set(scores) != set(tasks):
        raise ValueError(
            f"`fit` must return a dict with a score for each of the tasks {tasks}. "
            f"Received: {scores!r}."
        )
    try:
        return {task: float(scores[task]) for task in tasks}
    except (TypeError, ValueError):
        raise ValueError(f"`fit` must return one number a task. Received: {scores!r}.") from None
