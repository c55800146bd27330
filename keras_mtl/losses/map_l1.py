"""Mean absolute error of a map."""

import keras
from keras import ops

from keras_mtl.losses._depth_maps import depth_maps
from keras_mtl.losses._masked_loss import MaskedLoss


@keras.saving.register_keras_serializable("keras_mtl")
class MapL1(MaskedLoss):
    """Absolute error of a map such as edges or keypoints, averaged over its known pixels.

    Values may have any sign, and zero counts: where `DepthL1` takes it for unknown, here only NaN
    is. A batch without any known pixel has the loss 0.

    Args:
        reduction: As in `keras.losses.Loss`; the default averages over the known pixels of the
            batch, as `SegmentationCrossentropy` does over its own.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Tensor (batch, height, width) or (batch, height, width, 1); NaN marks a pixel that
            is not known, which is ignored.
        y_pred: Float tensor (batch, height, width, 1) or (batch, height, width).
        sample_weight: Optional, one value a sample or a pixel.

    Raises:
        ValueError: If the shapes do not fit each other.

    Source: Sun et al., AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning,
    NeurIPS 2020, for Taskonomy's edges and keypoints.

    Example:

    >>> loss = MapL1()
    >>> y_true = np.array([[[0.0, 0.5, np.nan]]], "float32")
    >>> y_pred = np.array([[[[0.5], [0.5], [9.0]]]], "float32")
    >>> float(loss(y_true, y_pred))  # of 0.5 and 0; the third pixel is not known
    0.25
    """

    def __init__(self, reduction="sum_over_batch_size", name="map_l1", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = depth_maps(y_true, y_pred, self.dtype)
        return super().__call__(y_true, y_pred, sample_weight)

    def _valid(self, y_true):
        return ops.logical_not(ops.isnan(y_true))

    def call(self, y_true, y_pred):
        valid = self._valid(y_true)
        # Before the subtraction, too: a NaN that is selected away still spoils the gradient.
        errors = ops.abs(y_pred - ops.where(valid, y_true, 0.0))
        return ops.where(valid, errors, 0.0)
