"""What affinities must be for trees to be compared by them."""

import numpy as np

TOLERANCE = 1e-9  # What sums round off.


def checked_affinity(affinity):
    """Affinities as a float64 array (locations, tasks, tasks), with ones on the diagonals.

    Raises:
        ValueError: another shape; values that are not finite or not from -1 to 1; of two tasks
            two values.
    """
    affinity = np.array(affinity, float)
    if affinity.ndim != 3 or affinity.shape[1] != affinity.shape[2] or 0 in affinity.shape:
        raise ValueError(
            "`affinity` must be of shape (locations, tasks, tasks). "
            f"Received: shape {affinity.shape}."
        )
    if not np.isfinite(affinity).all():
        raise ValueError("`affinity` must be finite. Received NaN or infinite values.")
    low, high = affinity.min(), affinity.max()
    if low < -1 - TOLERANCE or high > 1 + TOLERANCE:
        raise ValueError(
            f"`affinity` must be from -1 to 1. Received: values from {low:g} to {high:g}."
        )
    difference = np.abs(affinity - affinity.swapaxes(1, 2)).max()
    if difference > TOLERANCE:
        raise ValueError(
            "`affinity` must be symmetric at every location. "
            f"Received: values of two tasks that differ by {difference:g}."
        )
    # What a task has in common with itself parts no tasks.
    tasks = range(affinity.shape[1])
    affinity[:, tasks, tasks] = 1
    return affinity.clip(-1, 1)
