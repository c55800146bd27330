"""The check of an argument that is a number."""

import math
import numbers
from typing import Any


def check_number(
    argument: str, value: Any, low: float = -math.inf, above: bool = False, high: float = math.inf
) -> float:
    """Returns `value` as a float; raises ValueError, naming the argument, if it is none.

    Args:
        argument: what the error calls the value.
        value: what must be a finite number.
        low: the smallest that is allowed.
        above: whether it must be larger than that.
        high: what it must be smaller than.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    allowed = number and low <= value < high and math.isfinite(value)
    if not allowed or (above and value == low):
        limits = [f"{'above' if above else 'of at least'} {low:g}"] if low > -math.inf else []
        limits += [f"below {high:g}"] if high < math.inf else []
        words = " ".join(["a finite number", " and ".join(limits)]).strip()
        raise ValueError(f"`{argument}` must be {words}. Received: {argument}={value!r}.")
    return float(value)
