"""Whether targets fit the heads of a multi-task model."""

import keras
import numpy as np

from keras_mtl._checks import check_labels


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
    losses = model.loss if isinstance(model.loss, dict) else {}
    missing = [name for name, loss in losses.items() if loss and name not in targets]
    if missing:
        raise ValueError(
            f"`y` must have targets for {missing}, for which the model is compiled with a "
            f"loss. Received: {sorted(targets)}."
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
        check = getattr(model.head(task), "check_targets", None)
        if check is not None:
            key = {} if output == task else {"output": output.removeprefix(f"{task}_")}
            check(target, name=name, **key)
        elif (void := _void_label(model, output)) is not False:
            check_labels(target, model.output[output].shape[-1], name, void=void, floats=True)


def _void_label(model, output):
    """The label that does not count, or `None`; `False` if targets are no numbers of classes."""
    loss = model.loss.get(output) if isinstance(model.loss, dict) else model.loss
    if loss == "sparse_categorical_crossentropy":
        return None
    is_of_classes = type(loss) is keras.losses.SparseCategoricalCrossentropy
    return loss.ignore_class if is_of_classes else False
