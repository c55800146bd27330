"""Metrics without what they have counted."""

from typing import Any

import keras


def new_metric(metric: Any, name: str | None = None) -> Any:
    """A metric of the same kind, under another name if one is given; a name or function itself."""
    if not isinstance(metric, keras.metrics.Metric):
        return metric
    try:
        made = type(metric).from_config(metric.get_config())
    except (TypeError, ValueError):  # Such as of a function that nobody has registered.
        return metric
    made.name = name or metric.name
    return made
