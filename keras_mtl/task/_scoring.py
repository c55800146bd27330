"""What a task is scored by, checked."""

import numbers
from collections.abc import Mapping

import keras
import numpy as np

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


def checked_missing(missing, loss):
    """Numbers as a tuple, or `None`; of several outputs a dict of those by the loss's keys."""
    if isinstance(missing, Mapping) and isinstance(loss, dict) and set(missing) <= set(loss):
        return {key: checked_missing(marks, None) for key, marks in missing.items()}
    if missing is None:
        return None
    marks = tuple(missing) if is_list(missing) else (missing,)
    if not all(isinstance(mark, numbers.Real) and not isinstance(mark, bool) for mark in marks):
        by = f", or a dict of those by some of {list(loss)}" if isinstance(loss, dict) else ""
        raise ValueError(
            f"`missing` must be a number, or a list of some{by}. Received: missing={missing!r}."
        )
    return tuple(float(mark) for mark in marks)


def checked_class_weight(class_weight, loss):
    """A dict from class, as files have its number, to weight; or an array as lists."""
    if class_weight is None:
        return None
    try:
        if isinstance(loss, dict):
            if not set(class_weight) <= set(loss):
                raise ValueError
            return {key: checked_class_weight(of_one, None) for key, of_one in class_weight.items()}
        if isinstance(class_weight, Mapping):
            return {str(int(number)): float(weight) for number, weight in class_weight.items()}
        return np.asarray(class_weight, "float64").tolist()
    except (TypeError, ValueError) as error:
        by = f", or a dict of those by some of {list(loss)}" if isinstance(loss, dict) else ""
        raise ValueError(
            f"`class_weight` must be a dict from class to weight, or an array{by}. "
            f"Received: class_weight={class_weight!r}."
        ) from error


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
