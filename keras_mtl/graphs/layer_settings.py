"""What is set on layers and those within them, of which no configuration need know."""

import types

import keras

from keras_mtl.graphs.copy_layer import copy_layer
from keras_mtl.graphs.layers_within import held_by, layers_within


def copy_settings(source, target):
    """Sets on a layer, and on those within it, what was set on another one since it was made."""
    for theirs, ours, _ in _inner(source, target):
        for key in _set_otherwise(theirs, ours):
            setattr(ours, key, getattr(theirs, key))
        ours.trainable = theirs.trainable
    if source.built:
        set_trainable(target, trainable_flags(source))


def inner_changes(layer):
    """What was set, since they were made, on layers within others that are no models.

    The configuration of a layer need not know what its parts are set to, so a file would lose it.

    Returns:
        A dict from the path of a part, numbers in a string, to a dict from attribute to value.
    """
    found = {}
    for number, holder in enumerate(layers_within(layer)):
        if isinstance(holder, keras.Model) or not holder._layers:
            continue
        try:
            made = copy_layer(holder, holder.name)
        except TypeError:  # Plain Keras could not load it, either.
            continue
        for now, then, path in _inner(holder, made):
            for key in _set_otherwise(now, then):
                value = getattr(now, key)
                if not isinstance(value, types.FunctionType) or _is_known(value):
                    changes = found.setdefault(f"{number}/{path}", {})
                    changes[key] = keras.saving.serialize_keras_object(value)
    return found


def set_inner(layer, found):
    """Sets what `inner_changes` gave."""
    layers = layers_within(layer)
    for path, changes in found.items():
        number, *rest = map(int, path.split("/"))
        part = layers[number]
        for place in rest:
            part = held_by(part)[place]
        for key, value in changes.items():
            setattr(part, key, keras.saving.deserialize_keras_object(value))


def trainable_flags(layer):
    """Whether a layer, and each of those within it, is trainable."""
    return [each.trainable for each in layers_within(layer)]


def set_trainable(layer, flags):
    """Sets what `trainable_flags` gave."""
    for each, flag in zip(layers_within(layer), flags, strict=True):
        # An assignment reaches the layers within, so only where it changes something.
        if each.trainable != flag:
            each.trainable = flag


def quantized_modes(layer):
    """How a layer, and each of those within it, is quantized, or `None`."""
    return [each.quantization_mode for each in layers_within(layer)]


def quantize(layer, modes):
    """Quantizes as `quantized_modes` says, what is not so already."""
    for each, mode in zip(layers_within(layer), modes, strict=True):
        if mode and each.quantization_mode != mode:
            each.quantize(mode)


def _inner(layer, other, path=""):
    """The layers that are parts of a layer, with those of another one, and their paths.

    Where the two differ, since one has made layers in its `build`, they are left out.
    """
    for place, pair in enumerate(zip(held_by(layer), held_by(other), strict=False)):
        if type(pair[0]) is not type(pair[1]):
            return
        here = f"{path}{place}"
        if not isinstance(pair[0], keras.Model):
            yield *pair, here
        yield from _inner(*pair, f"{here}/")


def _set_otherwise(layer, other):
    """Names of the settable attributes in a layer's configuration that are not the other's."""
    try:
        names = set(layer.get_config()) - {"name", "dtype", "seed", "trainable"}
    except NotImplementedError:
        return []
    values = [(name, vars(layer)[name], vars(other).get(name)) for name in names & set(vars(layer))]
    plain = (bool, int, float, str, type(None))
    return [
        name
        for name, ours, theirs in values
        if (isinstance(ours, (*plain, types.FunctionType)) and ours != theirs)
        or (isinstance(ours, keras.regularizers.Regularizer) and _differ(ours, theirs))
    ]


def _is_known(function):
    """Whether Keras finds a function by its name in a file."""
    name = keras.saving.get_registered_name(function)
    return function.__module__.startswith("keras.") or name != function.__name__


def _differ(regularizer, other):
    return type(regularizer) is not type(other) or regularizer.get_config() != other.get_config()
