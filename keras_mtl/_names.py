"""The one reading of arguments that are lists of names."""

from collections.abc import Iterable
from typing import Any


def names(value: str | Iterable[str], argument: str) -> list[str]:
    """Names as a list, in which a single one stands alone instead of letter by letter."""
    if isinstance(value, str):
        return [value]
    try:
        found: list[Any] = list(value)
    except TypeError:
        found = [None]
    if not all(isinstance(name, str) for name in found):
        raise ValueError(
            f"`{argument}` must be a name or a list of names. Received: {argument}={value!r}."
        )
    return found
