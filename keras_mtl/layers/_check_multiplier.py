"""The one check of a layer's factor on the learning rate."""

import math
from typing import Any


def check_multiplier(value: Any) -> float:
    """Returns a `learning_rate_multiplier` as a float; raises ValueError if it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(
            "`learning_rate_multiplier` must be a finite number of 0 or more. "
            f"Received: learning_rate_multiplier={value!r}."
        )
    return number
