"""What `evaluate` says of networks, by task."""

from collections.abc import Mapping, Sequence

import keras

from keras_mtl._types import Tensor
from keras_mtl.ensemble import Ensemble, speaker_of
from keras_mtl.metrics import KnownMetric
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.optimizers import SGD
from keras_mtl.study.examples import Examples
from keras_mtl.task import Task
from keras_mtl.task.metrics import new_metric
from keras_mtl.task.task import LOSS


def scores(
    models: Sequence[MultiTaskModel],
    tasks: Mapping[str, Task],
    examples: Examples,
    batch_size: int,
    run_eagerly: bool = False,
) -> dict[str, dict[str, float]]:
    """The metrics of every task; several networks of one task vote.

    Args:
        models: networks, in which each task is once at least; outputs that are no tasks count not.
        tasks: dict from name to `Task`.
        examples: what they are scored on.
        batch_size: examples at once.
        run_eagerly: as of `compile`.

    Returns:
        A dict from task to a dict from the name of a metric to a number.
    """
    of_tasks = [task for model in models for task in model.tasks if task in tasks]
    if len(set(of_tasks)) < len(of_tasks):
        models = [Vote(models)]
    found = {}
    for model in models:
        known = [task for task in model.tasks if task in tasks]
        if len(known) < len(model.tasks):  # A twin's second tower counts not.
            model = keras.Model(model.input, {task: model.output[task] for task in known})
        compile_to_score(model, {task: tasks[task] for task in known}, run_eagerly)
        batches = examples.batches({task: task for task in known}, batch_size)
        result = model.evaluate(batches, verbose=0, return_dict=True)
        found |= _by_task(result, known)
    return {task: found[task] for task in tasks}


def compile_to_score(
    model: keras.Model, tasks: Mapping[str, Task], run_eagerly: bool = False
) -> None:
    """Compiles a network of those tasks so that `evaluate` gives what they are scored by."""
    metrics = {
        # In their names is the task: two tasks may have metrics of one name.
        name: [
            *(
                KnownMetric(new_metric(each, f"{name}/{getattr(each, 'name', '')}"), task.marks())
                for each in task.metrics
            ),
            MeanLoss(task.known_loss(), name=f"{name}/{LOSS}"),
        ]
        for name, task in tasks.items()
    }
    losses = {name: task.known_loss() for name, task in tasks.items()}
    model.compile(SGD(), loss=losses, metrics=metrics, run_eagerly=run_eagerly)


class MeanLoss(KnownMetric):
    """A loss as a metric; what Keras calls so has the penalties of weights in it, or not."""

    def __init__(self, loss, name):
        super().__init__(keras.metrics.Mean(), name=name)
        self.loss = loss

    def update_state(self, y_true, y_pred, sample_weight=None):
        # As Keras does with the loss of a batch, whatever that is the mean of.
        value, share = self.loss.measure(y_true, y_pred)
        rows = share * keras.ops.cast(keras.ops.shape(y_pred)[0], "float32")
        self._counted.assign_add(rows)
        self.metric.update_state(keras.ops.mean(value), sample_weight=rows)


@keras.saving.register_keras_serializable("keras_mtl")
class Vote(Ensemble):
    """An `Ensemble` whose outputs are what a head's are, such as logits, for losses and metrics."""

    def call(self, inputs: Tensor, training: bool | None = None) -> dict[str, Tensor]:
        means = super().call(inputs, training=training)
        speakers = {
            output: speaker_of(model, task)
            for model in self.models
            for task in model.tasks
            for output in model.outputs_of(task)
        }
        return {
            output: speakers[output].outputs_for(mean)
            if hasattr(speakers[output], "outputs_for")
            else mean
            for output, mean in means.items()
        }


def _by_task(result, known):
    """What `evaluate` returns, by task; Keras puts a task before what is of one of several."""
    found = {task: {} for task in known}
    for name, value in result.items():
        if name == LOSS or name in {f"{task}_{LOSS}" for task in known}:
            continue
        owners = [task for task in known if name.startswith((f"{task}_", f"{task}/"))]
        if len(known) == 1:
            owners = known
        if owners:
            task = max(owners, key=len)
            if len(known) > 1:
                name = name.removeprefix(f"{task}_")
            found[task][name.removeprefix(f"{task}/")] = float(value)
    return found
