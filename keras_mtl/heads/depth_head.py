"""Depth: a distance for every pixel."""

import keras
import numpy as np

from keras_mtl.heads.fcn_head import FCNHead


@keras.saving.register_keras_serializable("keras_mtl")
class DepthHead(FCNHead):
    """An `FCNHead` with one channel: depth in metres, (batch, height, width, 1).

    The output is the score itself, without an activation: nothing keeps it positive but training.
    Its targets are metres, (batch, height, width) or (batch, height, width, 1), zero where none is
    known. Train it with `DepthL1()`.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020, which learns depth by its absolute error; the head is that of `FCNHead`.

    Args:
        output_size, strides, **kwargs: as in `FCNHead`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.DepthHead((96, 96), strides=16, crop=9)
    >>> tuple(head(np.ones((1, 6, 6, 1024))).shape)
    (1, 96, 96, 1)
    """

    def __init__(self, output_size, strides, **kwargs):
        super().__init__(1, output_size, strides, **kwargs)

    def prediction(self, outputs):
        return outputs  # metres

    def check_targets(self, depth, name="depth"):
        """Raises a `ValueError` unless depths are (…, height, width) numbers, finite, ≥ 0."""
        if depth.ndim != 3 and (depth.ndim != 4 or depth.shape[-1] != 1):
            raise ValueError(
                f"`{name}` must have shape (batch, height, width) or (batch, height, width, 1). "
                f"Received: shape={depth.shape}."
            )
        if not (np.issubdtype(depth.dtype, np.floating) or np.issubdtype(depth.dtype, np.integer)):
            raise ValueError(f"`{name}` must hold metres. Received: dtype={depth.dtype}.")
        unknown = ~np.isfinite(depth)
        if unknown.any():
            raise ValueError(
                f"`{name}` must be finite; set unknown depths to zero. Received: "
                f"{int(unknown.sum())} pixels with NaN or infinity."
            )
        bad = depth < 0
        if bad.any():
            raise ValueError(
                f"`{name}` must hold metres of at least 0, or 0 where unknown. Received: "
                f"{int(bad.sum())} pixels below, such as {depth[bad][0]:.3f}."
            )

    def get_config(self):
        config = super().get_config()
        del config["channels"]
        return config
