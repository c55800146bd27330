"""Copies of layers, with what they hold alive: functions, classes that Keras does not know."""

import functools
import inspect
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


USUAL = frozenset({"name", "trainable", "dtype"})
"""Arguments of every layer of Keras."""


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
        seeds = _Seeds(prefix, together)
        config = _live_config(config or layer.get_config(), layer, live, seeds)
        with keras.saving.custom_object_scope(live):
            made = type(layer).from_config(_accepted({**config, "name": name}, layer))
    except Exception as error:
        raise TypeError(
            f"`model` and `tasks` must be made of layers that `from_config(get_config())` makes "
            f"again, for each task has a copy of its own. Received: the layer {layer.name!r} of "
            f"class {type(layer).__name__}, which cannot be copied: {_first_line(error)} Give the "
            "class a `get_config` with all arguments of its `__init__`; functions and classes in "
            "it are found if they are attributes of the same names."
        ) from error
    if made.name != name:
        made.name = name
    return made


def _accepted(config, layer):
    """The configuration without what every layer has and a class of the user's does not take."""
    if not isinstance(layer, keras.layers.Layer):
        return config
    kind = type(layer)
    known = _parameters(kind)
    if known is None:
        raise NotImplementedError(f"{kind.__name__} has arguments, but no `get_config`.")
    return {key: value for key, value in config.items() if key in known or key not in USUAL}


@functools.cache
def _parameters(kind):
    """Which of the `USUAL` arguments a class of layers takes, or `None` if it forgets its own.

    Of the arguments of models that have no `get_config` Keras notes no more than the defaults.
    """
    known = inspect.signature(kind.__init__).parameters.values()
    named = {
        each.name for each in known if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }
    own = named - {"self", "inputs", "outputs", *USUAL}
    of_keras = [each.__module__.startswith("keras.") for each in (kind, kind.get_config)]
    if issubclass(kind, keras.Model) and own and of_keras == [False, True]:
        return None
    takes_all = any(each.kind is each.VAR_KEYWORD for each in known)
    return USUAL if takes_all else named & USUAL


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
