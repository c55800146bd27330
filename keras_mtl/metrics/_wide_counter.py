"""Sums that go on counting where float32 stops."""

import numpy as np
from keras import ops

# A power of two, so that dividing by it is exact.
UNIT = 4096


class WideCounter:
    """A non-negative running sum in two float32 variables of a metric: low + 4096 * high.

    One float32 stops counting ones at 2^24, which is 114 batches of 16 x 96 x 96 pixels; int32 ends
    at 2^31 and knows no weights; JAX has neither int64 nor float64 unless told to. Two float32
    count whole numbers exactly up to 2^36 (6.9e10), and fractions to 1/4096. Both parts are sums,
    so replicas that are aggregated by addition stay right.

    Args:
        metric: The `keras.Metric` that owns the variables.
        shape: Shape of the sum.
        name: Prefix of the variables' names.
    """

    def __init__(self, metric, shape, name):
        self._low = metric.add_variable(shape, "zeros", dtype="float32", name=f"{name}_low")
        self._high = metric.add_variable(shape, "zeros", dtype="float32", name=f"{name}_high")

    def add(self, amount):
        """Add a non-negative tensor, int32 (up to 2^31 exactly) or float32."""
        # Divided before it is cast: a batch may hold more than 2^24 of a kind.
        carry = ops.floor_divide(amount, UNIT)
        low = self._low + ops.cast(amount - carry * UNIT, "float32")
        overflow = ops.floor(low / UNIT)
        self._low.assign(low - overflow * UNIT)
        self._high.assign(self._high + ops.cast(carry, "float32") + overflow)

    def value(self):
        """The sum as a float32 tensor, rounded once."""
        return self._low + self._high * UNIT

    def exact(self):
        """The sum as a float64 NumPy array."""
        low, high = (
            np.asarray(ops.convert_to_numpy(part), "float64") for part in (self._low, self._high)
        )
        return low + high * UNIT
