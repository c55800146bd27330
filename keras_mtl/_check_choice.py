"""The one check of arguments that are one of a few values."""

from collections.abc import Iterable
from typing import Any


def check_choice(argument: str, value: Any, choices: Iterable) -> None:
    """Raises ValueError, naming the argument, unless `value` is one of `choices`."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(f"`{argument}` must be one of {choices}. Received: {argument}={value!r}.")
