"""Classes that are given by their number or by their names."""

import numbers
from collections.abc import Sequence
from typing import Any


def counted(classes: Any) -> tuple[int | None, list[str] | None]:
    """How many classes there are, and their names if they have any; `None, None` of what is none.

    Args:
        classes: a number of 1 or more, or a list of different names.
    """
    if isinstance(classes, numbers.Integral) and not isinstance(classes, bool) and int(classes) > 0:
        return int(classes), None
    if is_list(classes) and classes and all(isinstance(name, str) for name in classes):
        return (len(classes), list(classes)) if len(set(classes)) == len(classes) else (None, None)
    return None, None


def counted_or_refused(argument: str, classes: Any) -> tuple[int, list[str] | None]:
    """As `counted`, or raises a `ValueError` that names the argument."""
    count, names = counted(classes)
    if count is None:
        raise ValueError(
            f"`{argument}` must be a number of 1 or more, or a list of different names. "
            f"Received: {argument}={classes!r}."
        )
    return count, names


def is_list(values):
    return isinstance(values, Sequence) and not isinstance(values, str)
