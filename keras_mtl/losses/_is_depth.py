"""Which depths are known."""

from keras import ops


def is_depth(metres):
    """Bool tensor: whether it is a depth, so neither ≤ 0 nor NaN nor infinite."""
    # A comparison with NaN is false.
    return ops.logical_and(metres > 0, metres < float("inf"))
