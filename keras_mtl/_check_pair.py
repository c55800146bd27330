"""The one check of a height and a width, rows and columns."""

from typing import Any

import numpy as np

from keras_mtl._check_integer import check_integer


def check_pair(
    argument: str, value: Any, low: int = 1, one_for_both: bool = False
) -> tuple[int, int]:
    """Returns `value` as a pair of ints; raises ValueError, naming it, if it is none.

    Args:
        argument: what the error calls the value.
        value: two integers, in any sequence.
        low: smallest allowed integer.
        one_for_both: whether one integer may stand for both.
    """
    try:
        first, second = (value, value) if one_for_both and not np.ndim(value) else value
        return check_integer(argument, first, low), check_integer(argument, second, low)
    except (TypeError, ValueError):
        single = f"an integer >= {low} or " if one_for_both else ""
        raise ValueError(
            f"`{argument}` must be {single}a pair of integers >= {low}. "
            f"Received: {argument}={value!r}."
        ) from None
