"""Tasks end when they get no better: one by one, or together at the epoch that was best for all."""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_mtl._checks import check_choice, check_integer
from keras_mtl.callbacks._watched import checked_monitor, direction_in, keys_of, watched_of
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.search import relative_gain
from keras_mtl.task.task import Direction


class TaskEarlyStopping(keras.callbacks.Callback):
    """Early stopping of a `MultiTaskModel`, whose tasks are not at their best at the same time.

    With `then="freeze"` each task ends for itself, once it has not improved for `patience` epochs.
    Its loss is left out from then on (`MultiTaskModel.leave_out`), and the weights that no task
    which is still learned depends on stay as they were at its best epoch: its head, and whatever
    stages and units are its own. What it shares goes on learning for the others, and its outputs
    change with that; a sharing with towers of their own keeps them. Weights that several tasks
    share are put back to the best epoch of the last of them. Training stops when no task is left to
    learn; tasks that are not watched are learned till `fit` ends. A single task that has not ended
    by then is put back, too; several keep what they learned last.

    With `then="stop"` all are learned until none of the watched ones has improved for `patience`
    epochs, or until `fit` ends. All weights are put back to the epoch that was best by the mean
    relative gain over the watched tasks (`keras_mtl.search.relative_gain`, in % of their values
    after the first epoch in which all are numbers other than 0), or by the only watched one.
    `patience=None` never stops and only keeps the best weights.

    Values are those of validation if there is one, of the epochs that have it. NaN, as of a task
    without labels in validation, never is an improvement. `fit` starts anew with all tasks each
    time, also after an error and with an `initial_epoch`. Weights are kept in memory: a copy of
    what its output depends on for each watched task, or with `"stop"` one of the model. Where
    each task needs a patience or a `min_delta` of its own, several callbacks with
    `then="freeze"` go together.

    Args:
        monitor: dict from task to what is watched: a metric as in the history of `fit`, where
            `"val_"` and the task's name in front may be left out, or `"loss"` (the sum of its
            outputs' if it has several). In place of a name a pair of it and `"higher"` or
            `"lower"`, for metrics that do not say which is the better one. A list of tasks, or
            `None` for all of them, to watch the (first) headline of their `keras_mtl.Task`.
        then: `"freeze"` or `"stop"`.
        patience: number of epochs without an improvement after which a task has ended; 0 is as 1.
            `None` only with `then="stop"`.
        min_delta: what a value must be better by, to be an improvement.
        restore_best_weights: whether weights are put back to the best epoch; else they stay as they
            are when a task or the training ends.
        start_from_epoch: number of epochs that are not watched.
        verbose: 1 prints what ends and what is put back.

    Attributes:
        best: dict from task to its best value.
        best_epochs: dict from task to the epoch of that, from 0 as in Keras.
        stopped_epochs: dict from each task that has ended to the epoch after which it has.
        best_epoch: the epoch that all weights are put back to; `None` with `then="freeze"`.

    Raises:
        ValueError: an argument is out of range; when training starts: an unknown task, or one that
            has no headline; after the first epoch: a name that is not in the logs, which are
            listed, or of which it is not known what is better.
        TypeError: when training starts: the model is no `MultiTaskModel`.

    Example:

    >>> import keras_mtl
    >>> stopping = keras_mtl.callbacks.TaskEarlyStopping(
    ...     {"age": "mae", "species": "accuracy"}, patience=5)

    and then `model.fit(…, validation_data=…, callbacks=[stopping])`.
    """

    def __init__(
        self,
        monitor: Mapping[str, str | tuple[str, Direction]] | Sequence[str] | None = None,
        then: Literal["freeze", "stop"] = "freeze",
        patience: int | None = 0,
        min_delta: float = 0.0,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
        verbose: int = 0,
    ) -> None:
        super().__init__()
        self.monitor = checked_monitor(monitor)
        check_choice("then", then, ("freeze", "stop"))
        if patience is None and then == "freeze":
            raise ValueError(
                "`patience` may be None with then='stop' only, where nothing but the best weights "
                "is kept. Received: patience=None, then='freeze'."
            )
        if not 0 <= min_delta < math.inf:
            raise ValueError(f"`min_delta` must be at least 0. Received: min_delta={min_delta!r}.")
        self.then, self.min_delta = then, min_delta
        self.patience = None if patience is None else check_integer("patience", patience, 0)
        self.restore_best_weights, self.verbose = restore_best_weights, verbose
        self.start_from_epoch = check_integer("start_from_epoch", start_from_epoch, 0)
        self._start_anew()

    def _start_anew(self) -> None:
        self.best: dict[str, float] = {}
        self.best_epochs: dict[str, int] = {}
        self.stopped_epochs: dict[str, int] = {}
        self.best_epoch: int | None = None
        self._keys: dict[str, list[str]] = {}
        self._better: dict[str, Direction] = {}
        self._waits: dict[str, int] = {}
        self._first: dict[str, float] | None = None
        self._best_gain, self._best_weights = -math.inf, None
        self._kept, self._held = {}, {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        model = self.model
        if not isinstance(model, MultiTaskModel):
            raise TypeError(
                f"TaskEarlyStopping: the model must be a MultiTaskModel. Received: {model!r}."
            )
        self._start_anew()
        self._watched = watched_of(model, self.monitor)
        self._used = {
            task: {id(x): x for x in model.for_task(task).weights} for task in model.tasks
        }

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._hold()  # So that what validation says is of the weights that are kept.

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._hold()
        values = self._values(logs or {})
        if not values or epoch < self.start_from_epoch:
            return
        improved = [task for task in values if self._is_better(task, values[task])]
        for task in values:
            # Behind the first value of all there is nothing yet that it has waited for.
            self._waits[task] = 0 if task in improved else self._waits.get(task, -1) + 1
        self.best.update((task, values[task]) for task in improved)
        self.best_epochs.update(dict.fromkeys(improved, epoch))
        self._keep(epoch, values, improved)
        patience = math.inf if self.patience is None else max(self.patience, 1)
        ended = [task for task, wait in self._waits.items() if wait >= patience]
        if self.then == "freeze":
            ended = [task for task in ended if task not in self.stopped_epochs]
            self.stopped_epochs.update(dict.fromkeys(ended, epoch))
            self._freeze(ended)
        elif len(ended) == len(self._watched):
            self.stopped_epochs = dict.fromkeys(ended, epoch)
            self.model.stop_training = True
            self._say(f"Epoch {epoch + 1}: no task has improved, training stops.")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        model = self.model
        learned = [task for task in model.tasks if task not in model.left_out]
        if self.then == "freeze" and self.restore_best_weights and len(learned) == 1:
            self._held |= self._own(learned, {})
        self._hold()
        if self.best_epoch is not None:
            model.set_weights(self._best_weights)
            self._say(f"All weights are those of the end of epoch {self.best_epoch + 1}.")
        elif self.then == "stop" and self.restore_best_weights and self._waits:
            warnings.warn(
                "TaskEarlyStopping: the weights stay as they are, for in no epoch "
                f"{list(self._watched)} all had values that are numbers (other than 0, of several)."
                f" Best values: {self.best}.",
                stacklevel=2,
            )
        self._kept, self._held, self._used, self._best_weights = {}, {}, {}, None

    def _values(self, logs):
        """The value of each task that has one in this epoch."""
        validated = any(key.startswith("val_") for key in logs)
        if not self._keys:
            if self.model._validates and not validated:  # As `validation_freq` says.
                return {}
            for task, (name, better) in self._watched.items():
                self._keys[task] = keys_of(self.model, task, name, logs)
                self._better[task] = better or direction_in(self.model, task, name)
        return {
            task: float(sum(logs[key] for key in keys))
            for task, keys in self._keys.items()
            if all(key in logs for key in keys)
        }

    def _is_better(self, task, value):
        if task in self.stopped_epochs or math.isnan(value):
            return False
        if task not in self.best:
            return True
        gain = value - self.best[task]
        return (gain if self._better[task] == "higher" else -gain) > self.min_delta

    def _keep(self, epoch, values, improved):
        """Keeps the weights of this epoch for what it is the best of."""
        if not self.restore_best_weights:
            return
        if self.then == "freeze":
            used = {key: x for task in improved for key, x in self._used[task].items()}
            now = _copies(used)
            self._kept |= {task: {key: now[key] for key in self._used[task]} for task in improved}
        elif improved if len(self._watched) == 1 else self._gains(values):
            self.best_epoch, self._best_weights = epoch, self.model.get_weights()

    def _gains(self, values):
        """Whether the mean gain is better than it was in all epochs before."""
        known = len(values) == len(self._watched) and all(map(math.isfinite, values.values()))
        if not known:
            return False
        if self._first is None and all(values.values()):
            self._first = values
        lower = [task for task, better in self._better.items() if better == "lower"]
        gain = -math.inf if self._first is None else relative_gain(values, self._first, lower)
        better, self._best_gain = gain > self._best_gain, max(gain, self._best_gain)
        return better

    def _freeze(self, ended):
        """Leaves out tasks, and holds what is left to them alone."""
        if not ended:
            return
        model = self.model
        model.leave_out(*model.left_out, *ended)
        learned = [task for task in model.tasks if task not in model.left_out]
        in_use = {key for task in learned for key in self._used[task]}
        self._held |= self._own(ended, in_use)
        self._hold()
        for task in ended:
            epoch, best = self.stopped_epochs[task] + 1, self.best_epochs.get(task)
            kept = "" if best is None else f", it was best in epoch {best + 1}"
            self._say(f"Epoch {epoch}: {task} has ended{kept}.")
            self._kept.pop(task, None)
        if not learned:
            model.stop_training = True

    def _own(self, tasks, in_use):
        """The weights that tasks are to have from now on, of those that are not in use."""
        found = {}
        # What some share was best in one epoch: those that end together have waited equally long.
        for task in sorted(tasks, key=lambda task: task in self._kept):
            own = {key: x for key, x in self._used[task].items() if key not in in_use}
            kept = self._kept.get(task) or _copies(own)
            found |= {key: (x, kept[key]) for key, x in own.items()}
        return found

    def _hold(self):
        for variable, value in self._held.values():
            variable.assign(value)

    def _say(self, message):
        if self.verbose:
            print(message)


def _copies(variables):
    return {key: ops.convert_to_numpy(x) for key, x in variables.items()}
