"""What a task is scored by, checked."""

from collections.abc import Mapping

import keras

from keras_mtl._checks import check_choice
from keras_mtl.task.counted import is_list


def by_outputs_key(values):
    """What is of several outputs, by their keys; of a single one by `None`."""
    return values if isinstance(values, dict) else {None: values}


def mapped(function, values):
    """What a function makes of a value, or of each value of several outputs."""
    if isinstance(values, dict):
        return {key: function(value) for key, value in values.items()}
    return function(values)


def checked_metrics(metrics, loss):
    """Lists of metrics, by the keys of the loss if it has some."""
    several = isinstance(loss, dict)
    by_key = (metrics or {}) if several else {None: metrics}
    fits = isinstance(by_key, Mapping) and set(by_key) <= set(by_outputs_key(loss))
    if not fits or not all(map(is_list, by_key.values())):
        form = f"a dict from some of {list(loss)} to lists" if several else "a list"
        raise ValueError(f"`metrics` must be {form}. Received: metrics={metrics!r}.")
    return mapped(list, dict(by_key) if several else metrics)


def checked_headlines(headline, better, known):
    """The names of the headlines, each with its direction; `known` has those of metrics."""
    if isinstance(headline, Mapping):
        if better is not None or not headline:
            raise ValueError(
                "`headline` of several metrics must say the direction of each, and `better` be "
                f"None. Received: headline={headline!r}, better={better!r}."
            )
        given = dict(headline)
    else:
        headline = next(iter(known)) if headline is None else headline
        better = known.get(headline) if better is None else better
        if better is None:
            raise ValueError(
                f"`better` must say whether a 'higher' or a 'lower' {headline} is the "
                "better one: its metric does not. Received: better=None."
            )
        given = {headline: better}
    for each in given.values():
        check_choice("better", each, ("higher", "lower"))
    return given


def checked_columns(columns, headline):
    if columns is None:
        return {headline: (headline, 1.0)}
    try:
        return {str(heading): (str(name), float(by)) for heading, (name, by) in columns.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            "`columns` must be a dict from heading to the name of a score and a factor, such as "
            f"{{'accuracy %': ('accuracy', 100)}}. Received: columns={columns!r}."
        ) from error


def kind_of(loss):
    """What outputs are that a loss takes: what it says itself, or by its name."""
    if hasattr(loss, "kind"):
        return loss.kind
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    name = getattr(loss, "__name__", type(loss).__name__).lower().replace("_", "")
    if "crossentropy" not in name:
        return "numbers"
    return "attributes" if "binary" in name or "attributes" in name else "classes"


def serialized(metric):
    return metric if isinstance(metric, str) else keras.saving.serialize_keras_object(metric)


def name_of(metric, key=None):
    name = metric if isinstance(metric, str) else getattr(metric, "name", None)
    name = name or getattr(metric, "__name__", None)
    if not name:
        raise ValueError(f"`metrics` must have names. Received: {metric!r}.")
    return name if key is None else f"{key}_{name}"


def direction_of(metric):
    """Which direction of a metric is the better one; `None` if that is not known."""
    if isinstance(metric, str):
        try:
            metric = keras.metrics.get(metric)
        except ValueError:
            return None
    known = {"up": "higher", "down": "lower"}
    return known.get(getattr(metric, "_direction", None))
