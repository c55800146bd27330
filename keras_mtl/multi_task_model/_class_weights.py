"""Weights of classes as weights of samples, output by output."""

from collections.abc import Mapping

import numpy as np
from keras import ops

from keras_mtl.losses._integer_labels import integer_labels
from keras_mtl.losses._pixel_weights import pixel_weights


def class_weight_tables(model, class_weight, kinds, argument="class_weight"):
    """The weights, and whether they are of attributes, by the names of the outputs.

    Weights are arrays (C,), of attributes (2,), or (K, 2) of each of K.

    Args:
        model: the `MultiTaskModel`.
        class_weight: dict from output to a dict from class to its weight (1 if there is none), or
            to an array as `keras_mtl.losses.class_weights` makes it; `None` for none.
        kinds: dict from output to what it is, as of `keras_mtl.Task`.
        argument: what errors call it.

    Raises:
        ValueError: an unknown output; weights of another number of classes, negative, or no
            numbers.
    """
    outputs = model.output_names_in_order
    if class_weight is not None and not isinstance(class_weight, Mapping):
        raise ValueError(
            f"`{argument}` must be a dict by the outputs {outputs}. Received: {class_weight!r}."
        )
    if class_weight and len(outputs) == 1 and outputs[0] not in class_weight:
        class_weight = {outputs[0]: class_weight}  # As Keras takes it of one output.
    tables = {}
    for name, given in (class_weight or {}).items():
        if name not in outputs:
            raise ValueError(f"`{argument}` must be by the outputs {outputs}. Received: {name!r}.")
        if given is not None and kinds[name] not in ("classes", "attributes"):
            raise ValueError(
                f"`{argument}` must be of classes or attributes. "
                f"Received: {name!r}, which are {kinds[name]}."
            )
        if given is not None:
            channels = model.output[name].shape[-1]
            of_attributes = channels == 1 or kinds[name] == "attributes"
            sizes = [(2,), (channels, 2)] if of_attributes else [(channels,)]
            tables[name] = _table(f"{argument}[{name!r}]", given, sizes), of_attributes
    return tables


def _table(argument, given, sizes):
    (count,) = sizes[0]
    try:
        if isinstance(given, Mapping):
            # A file has numbers as text.
            numbers = {int(number) if isinstance(number, str) else number for number in given}
            table = np.ones(count) if numbers <= {*range(count)} else None
            for number, weight in given.items() if table is not None else ():
                table[int(number)] = weight
        else:
            table = np.asarray(given, "float64")
    except (TypeError, ValueError):
        table = None
    if table is None or table.shape not in sizes or not (np.isfinite(table) & (table >= 0)).all():
        raise ValueError(
            f"`{argument}` must be a dict from class (0 to {count - 1}) to a weight of at least 0, "
            f"or an array of shape {' or '.join(map(str, sizes))}. Received: {given!r}."
        )
    return table.astype("float32")


def with_class_weights(sample_weight, y_true, shapes, tables):
    """Sample weights times those of the labels' classes.

    Args:
        sample_weight: dict from output to weights, or to `None`.
        y_true: dict from output to labels.
        shapes: dict from output to its shape.
        tables: as `class_weight_tables` makes them.
    """
    weighted = dict(sample_weight)
    for name, (table, of_attributes) in tables.items():
        if y_true.get(name) is None:
            continue
        weights = _of_labels(
            ops.convert_to_tensor(y_true[name]), shapes[name], table, of_attributes
        )
        if weighted.get(name) is not None:
            weights = weights * pixel_weights(weighted[name], weights)
        weighted[name] = weights
    return weighted


def _of_labels(labels, shape, table, of_attributes):
    if of_attributes:
        no, yes = np.moveaxis(table, -1, 0)  # Of each attribute, or of all.
        return ops.where(labels == 1, yes, no)
    same_rank = len(labels.shape) == len(shape)
    if same_rank and labels.shape[-1] == shape[-1]:
        numbers = ops.argmax(labels, axis=-1)  # One-hot.
    else:
        numbers = integer_labels(ops.squeeze(labels, axis=-1) if same_rank else labels)
    # What is not known has some weight, which does not count.
    return ops.take(ops.convert_to_tensor(table), ops.clip(numbers, 0, len(table) - 1), axis=0)
