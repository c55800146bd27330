"""Copies of layers as they are now: their configuration, their live parts and their state."""

import copy
import inspect
import tempfile
import types
import zlib

import keras
from keras import ops

NOISE = (
    keras.layers.Dropout,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
)
"""Layers whose draws are a task's own, wherever they stand."""


def copy_layer(layer, name, *, prefix=None, together=False, config=None):
    """A layer of the same class and configuration; neither built nor with the state.

    Functions, and classes that Keras does not know, go over as they are: a copy is not read from a
    file, so nothing need be registered for it.

    Args:
        layer: a Keras layer or operation.
        name: name of the copy.
        prefix: what the copy's seeds are made of, beside the layer's, so that copies of other
            prefixes draw otherwise; `None` to leave seeds as they are.
        together: whether all copies of the layer draw what it draws itself, whatever their prefix.
            What is in `NOISE` never does.
        config: the configuration, if it is to be another one than the layer's.

    Raises:
        TypeError: the layer cannot be made of its configuration.
    """
    live = {}
    try:
        if _forgets_arguments(type(layer)):
            raise NotImplementedError(f"{type(layer).__name__} has arguments, but no `get_config`.")
        seeds = _Seeds(prefix, together)
        config = _live_config(config or layer.get_config(), layer, live, seeds)
        with keras.saving.custom_object_scope(live):
            made = type(layer).from_config(_accepted({**config, "name": name}, layer))
    except Exception as error:
        raise TypeError(
            f"`model` and `heads` must be made of layers that `from_config(get_config())` makes "
            f"again, for each task has a copy of its own. Received: the layer {layer.name!r} of "
            f"class {type(layer).__name__}, which cannot be copied: {_first_line(error)} Give the "
            "class a `get_config` with all arguments of its `__init__`; functions and classes in "
            "it are found if they are attributes of the same names."
        ) from error
    if made.name != name:
        made.name = name
    return made


def copy_state(source, target, trainable=False):
    """Gives a layer all that another one of the same form has learned, been adapted to or set.

    As a file of Keras would: by `save_own_variables` and `save_assets` of the layer and of those
    within it. What a layer keeps beside its weights, such as the statistics of an adapted
    `Normalization` or the table of a lookup, is there at once. So is what was set on the layers of
    a layer, of which its own configuration need not know.

    Args:
        source: a Keras layer or model; what in it is not built has no state yet.
        target: a built one of the same form.
        trainable: whether to set, too, which layers are trainable.
    """
    for theirs, ours in zip(_inner(source), _inner(target), strict=False):
        _set_like(ours, theirs)
    for theirs, ours in _pairs(source, target):
        store = {}
        theirs.save_own_variables(store)
        if store:
            # As arrays: on JAX two variables of one buffer could not be trained.
            ours.load_own_variables({k: ops.convert_to_numpy(v).copy() for k, v in store.items()})
        if hasattr(theirs, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                theirs.save_assets(folder)
                ours.load_assets(folder)
    if trainable and source.built:
        set_trainable(target, trainable_flags(source))


def inner_configs(layer):
    """The configurations, as they are now, of the layers within others that are no models."""
    found = []
    for each in _inner(layer):
        try:
            found.append(keras.saving.serialize_keras_object(each)["config"])
        except NotImplementedError:  # It has none: plain Keras saves only what holds it.
            found.append(None)
    return found


def set_inner(layer, configs):
    """Sets what `inner_configs` gave."""
    for ours, config in zip(_inner(layer), configs, strict=True):
        if config is not None:
            _set_like(ours, type(ours).from_config(copy.deepcopy(config)))


def trainable_flags(layer):
    """Whether a layer, and each of those within it, is trainable."""
    return [each.trainable for each in _layers(layer)]


def set_trainable(layer, flags):
    """Sets what `trainable_flags` gave."""
    for each, flag in zip(_layers(layer), flags, strict=True):
        # An assignment reaches the layers within, so only where it changes something.
        if each.trainable != flag:
            each.trainable = flag


def quantized_modes(layer):
    """How a layer, and each of those within it, is quantized, or `None`."""
    return [each.quantization_mode for each in _layers(layer)]


def quantize(layer, modes):
    """Quantizes as `quantized_modes` says, what is not so already."""
    for each, mode in zip(_layers(layer), modes, strict=True):
        if mode and each.quantization_mode != mode:
            each.quantize(mode)


def _layers(layer):
    """The layer and all within it, outer ones first."""
    return layer._flatten_layers() if isinstance(layer, keras.layers.Layer) else []


def _inner(layer):
    """The layers that are parts of layers within a layer, whose graph is not in a configuration."""
    found = []

    def search(holder, within):
        for each in _held(holder):
            is_model = isinstance(each, (keras.Model, keras.layers.Wrapper))
            if within and not is_model:
                found.append(each)
            search(each, within or not is_model)

    search(layer, not isinstance(layer, (keras.Model, keras.layers.Wrapper)))
    return found


def _set_like(ours, theirs):
    """Sets the attributes of a layer in which its configuration is not that of another one."""
    try:
        now, wanted = ours.get_config(), theirs.get_config()
    except NotImplementedError:
        return
    for key in set(wanted) - {"name", "dtype", "seed", "trainable"}:
        value = getattr(theirs, key, None)
        if repr(now.get(key)) != repr(wanted[key]) and not isinstance(value, keras.layers.Layer):
            setattr(ours, key, value)


def _pairs(source, target):
    """The layers of one that have a state, with those of the other."""
    if source.built:
        yield from zip(_layers(source), _layers(target), strict=True)
        return
    # What it will hold once it is built is not known, but a network within it may be trained.
    for pair in zip(_held(source), _held(target), strict=False):
        if type(pair[0]) is type(pair[1]):
            yield from _pairs(*pair)


def _held(layer):
    return layer.layers if isinstance(layer, keras.Model) else layer._layers


def _forgets_arguments(kind):
    """Whether a class of models has arguments of which Keras notes no more than the defaults."""
    if not issubclass(kind, keras.Model) or kind.get_config is not keras.Model.get_config:
        return False
    known = inspect.signature(kind.__init__).parameters.values()
    named = {each.name for each in known if each.kind is not each.VAR_KEYWORD}
    return bool(named - {"self", "name", "trainable", "dtype"})


def _accepted(config, layer):
    """The configuration without what every layer has and a class of the user's does not take."""
    known = inspect.signature(type(layer).__init__).parameters
    if not isinstance(layer, keras.layers.Layer) or any(
        each.kind is each.VAR_KEYWORD for each in known.values()
    ):
        return config
    usual = {"name", "trainable", "dtype"} - set(known)
    return {key: value for key, value in config.items() if key not in usual}


def _live_config(config, owner, live, seeds):
    """A configuration in which what its owner holds alive stands under names in `live`."""
    config = {
        key: _live_value(value, _part(owner, key), live, seeds) for key, value in config.items()
    }
    if isinstance(owner, keras.layers.Layer) and "seed" in config:
        config["seed"] = seeds(config["seed"], owner)
    return config


def _live_value(value, part, live, seeds):
    if isinstance(value, (list, tuple)):
        parts = _matching(value, part)
        return type(value)(
            _live_value(each, of_it, live, seeds) for each, of_it in zip(value, parts, strict=True)
        )
    if _stands_for(value, part):
        name = _kept(part, live)
        return {"class_name": "function", "config": name, "registered_name": name}
    if not isinstance(value, dict):
        return value
    if value.get("class_name") is None or not isinstance(value.get("config"), dict) or part is None:
        return {
            key: _live_value(each, _part(part, key), live, seeds) for key, each in value.items()
        }
    value = {**value, "config": _accepted(_live_config(value["config"], part, live, seeds), part)}
    registered = value.get("registered_name")
    if registered and keras.saving.get_registered_object(registered) is None:
        value["registered_name"] = _kept(type(part), live)
    return value


def _stands_for(value, part):
    """Whether a value of a configuration stands for a function that is not Keras' own."""
    if not isinstance(part, types.FunctionType) or part.__module__.startswith("keras."):
        return False
    names = (part.__name__, keras.saving.get_registered_name(part))
    return isinstance(value, dict) or value in names


def _kept(thing, live):
    name = f"live_{len(live)}"
    live[name] = thing
    return name


def _part(owner, key):
    """What a value of a configuration was made of: the attribute of that name."""
    if isinstance(owner, dict):
        return owner.get(key)
    found = getattr(owner, key, None)
    return getattr(owner, f"_{key}", None) if found is None else found


def _matching(values, parts):
    """For each of several configurations the part of that name, or else at that place."""
    if not isinstance(parts, (list, tuple)):
        return [None] * len(values)
    names = [
        value["config"].get("name")
        if isinstance(value, dict) and isinstance(value.get("config"), dict)
        else None
        for value in values
    ]
    by_name = {getattr(part, "name", None): part for part in parts}
    # Those whose configuration has no name stand in order.
    others = iter([part for part in parts if getattr(part, "name", None) not in names])
    return [by_name.get(name) if name else next(others, None) for name in names]


def _first_line(error):
    return (str(error).strip().splitlines() or [""])[0]


class _Seeds:
    """The seeds of a copy's layers."""

    def __init__(self, prefix, together):
        self.prefix, self.together = prefix, together

    def __call__(self, seed, layer):
        if self.together and not isinstance(layer, NOISE):
            generators = [
                each
                for each in vars(layer).values()
                if isinstance(each, keras.random.SeedGenerator)
            ]
            if seed is not None or not generators:
                return seed
            # Keras keeps the seed that it has drawn in the state alone.
            return int(ops.convert_to_numpy(generators[0].state)[0])
        if self.prefix is None or not isinstance(seed, int):
            return seed
        # With one seed for all copies, every task's dropout would drop the same units.
        return zlib.crc32(f"{self.prefix}/{seed}".encode()) >> 1  # torch takes 31 bits
