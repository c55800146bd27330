"""The one check of whole-number arguments."""

import operator
from typing import Any


def check_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Returns `value` as a Python int; raises ValueError, naming it, if it is out of range."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < low or (high is not None and number > high):
        limits = f">= {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"`{name}` must be an integer {limits}. Received: {name}={value!r}.")
    return number
