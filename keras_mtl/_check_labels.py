"""The one check of integer labels."""

import numpy as np

VOID = 255
"""Label of pixels that count neither in losses nor in metrics."""


def check_labels(labels, num_classes, name="labels", void=VOID, floats=False):
    """Raises a `ValueError`, naming the array, if labels are out of range.

    Without it, a label out of range stops TensorFlow and PyTorch deep inside the step, and JAX
    trains on silently.

    Args:
        labels: array of any shape.
        num_classes: number of classes.
        name: what the array is called.
        void: label that does not count, beside those of the classes, or `None`.
        floats: whether whole numbers may come as floats, as Keras' own losses take them.
    """
    integers = np.issubdtype(labels.dtype, np.integer)
    if not (integers or (floats and np.issubdtype(labels.dtype, np.floating))):
        raise ValueError(f"`{name}` must hold integer labels. Received: dtype={labels.dtype}.")
    bad = (labels < 0) | (labels >= num_classes)
    if not integers:
        bad |= labels != np.floor(labels)  # NaN, too
    if void is not None:
        bad &= labels != void
    if bad.any():
        or_void = "" if void is None else f", or {void} for void"
        raise ValueError(
            f"`{name}` must hold labels from 0 to {num_classes - 1}{or_void}. "
            f"Received: {np.unique(labels[bad])[:10].tolist()}."
        )
