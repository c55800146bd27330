"""The one check of integer labels."""

import numpy as np

VOID = 255
"""Label of pixels that count neither in losses nor in metrics."""


def check_labels(labels, num_classes, name="labels"):
    """Raises a `ValueError`, naming the array, if labels are out of range.

    Without it, a label out of range stops TensorFlow and PyTorch deep inside the step, and JAX
    trains on silently.
    """
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"`{name}` must hold integer labels. Received: dtype={labels.dtype}.")
    bad = (labels != VOID) & ((labels < 0) | (labels >= num_classes))
    if bad.any():
        raise ValueError(
            f"`{name}` must hold labels from 0 to {num_classes - 1}, or {VOID} for void. "
            f"Received: {np.unique(labels[bad])[:10].tolist()}."
        )
