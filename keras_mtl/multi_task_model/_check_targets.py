"""Whether targets fit the heads of a multi-task model."""

import warnings

import keras
import numpy as np

from keras_mtl._checks import check_labels
from keras_mtl.losses import KnownLoss


def check_names(model, targets):
    """Raises a `ValueError` unless targets are a dict by a multi-task model's outputs.

    Keras would deal out a list to the outputs in alphabetical order.

    Args:
        model: the `MultiTaskModel`.
        targets: what it is trained or evaluated with as `y`.
    """
    outputs = model.output_names_in_order
    if not isinstance(targets, dict):
        if targets is not None and len(outputs) > 1:
            raise ValueError(
                f"`y` must be a dict by the task names {outputs}. "
                f"Received: y of type {type(targets).__name__}."
            )
        return
    unknown = sorted(set(targets) - set(outputs), key=str)
    if unknown:
        raise ValueError(f"`y` has unknown tasks {unknown}. Known tasks: {outputs}.")
    learned = learned_outputs(model)
    if learned and not any(targets.get(name) is not None for name in learned):
        raise ValueError(
            f"`y` must have labels of one of {learned} at least, for which the model is compiled "
            f"with a loss. Received: {sorted(targets)}."
        )


def learned_outputs(model):
    """The outputs that the model is compiled with a loss for."""
    if isinstance(model.loss, dict):
        return [name for name, loss in model.loss.items() if loss]
    return model.output_names_in_order if model.loss else []


def warn_of_absent(model, targets):
    """Warns of outputs with a loss of which no labels are given, unless by `None`."""
    absent = [name for name in learned_outputs(model) if name not in targets]
    if absent:
        warnings.warn(
            f"`y` has no labels of {absent}, which are not learned then. None in place of labels "
            "says that it is meant.",
            stacklevel=3,
        )


def check_targets(model, x, y=None):
    """Raises a `ValueError` unless targets that can be looked at fit a multi-task model's heads.

    Args:
        model: the `MultiTaskModel`.
        x: what a method of Keras gets as `x`: of a `PyDataset` the first batch is looked at, of a
            `tf.data.Dataset` what it says of its elements.
        y: what it gets as `y`.
    """
    batch = x[0] if isinstance(x, keras.utils.PyDataset) else getattr(x, "element_spec", None)
    if isinstance(batch, (list, tuple)):
        y = (*batch, None)[1]
    if y is None:
        return
    check_names(model, y)
    tasks = {name: task for task in model.tasks for name in model.outputs_of(task)}
    targets = y if isinstance(y, dict) else {next(iter(tasks)): y}
    for output, target in targets.items():
        if not isinstance(target, np.ndarray):
            continue
        task, name = tasks[output], f"y[{output!r}]" if isinstance(y, dict) else "y"
        key = None if output == task else output.removeprefix(f"{task}_")
        target = _without_marks(target, getattr(model, "_missing", {}).get(output))
        check = getattr(model.head(task), "check_targets", None)
        if check is not None:
            check(target, name=name, **({} if key is None else {"output": key}))
        elif (void := _void_label(model, output)) is not False:
            check_labels(target, model.output[output].shape[-1], name, void=void)


def completed(sample_weight, targets):
    """Weights for every output of which there are targets: 1 where none are given.

    Raises:
        ValueError: weights of an output without targets.
    """
    unknown = [name for name, of in sample_weight.items() if of is not None and name not in targets]
    if unknown:
        raise ValueError(
            f"`sample_weight` must be of outputs that have targets: {list(targets)}. "
            f"Received: {unknown}."
        )
    return {
        name: np.ones(len(labels), "float32")
        if sample_weight.get(name) is None
        else sample_weight[name]
        for name, labels in targets.items()
    }


def _without_marks(target, missing):
    """Targets with NaN for what is said to be missing."""
    if not missing:
        return target
    unknown = np.isin(target, missing)
    return np.where(unknown, np.nan, target) if unknown.any() else target


def _void_label(model, output):
    """The label that does not count, or `None`; `False` if targets are no numbers of classes."""
    loss = model.loss.get(output) if isinstance(model.loss, dict) else model.loss
    loss = loss.loss if isinstance(loss, KnownLoss) else loss
    if loss == "sparse_categorical_crossentropy":
        return None
    is_of_classes = type(loss) is keras.losses.SparseCategoricalCrossentropy
    return loss.ignore_class if is_of_classes else False
