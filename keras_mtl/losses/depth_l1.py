"""Mean absolute error of depth."""

import keras

from keras_mtl._types import Reduction
from keras_mtl.losses._is_depth import is_depth
from keras_mtl.losses._masked_l1 import MaskedL1


@keras.saving.register_keras_serializable("keras_mtl")
class DepthL1(MaskedL1):
    """Absolute error of depth in metres, averaged over the pixels whose depth is known.

    A batch without any has the loss 0.

    Args:
        reduction: As in `keras.losses.Loss`; the default averages over the known pixels of the
            batch, as `SegmentationCrossentropy` does over its own.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Tensor (batch, height, width) or (batch, height, width, 1) of metres; values that
            are not positive, NaN or infinite mark a pixel without a depth, which is ignored.
        y_pred: Float tensor (batch, height, width, 1) or (batch, height, width) of metres.
        sample_weight: Optional, one value a sample or a pixel.

    Raises:
        ValueError: If the shapes do not fit each other.

    Source: Sun et al., AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning,
    NeurIPS 2020.

    Example:

    >>> loss = DepthL1()
    >>> y_true = np.array([[[2.0, 4.0, 0.0]]], "float32")
    >>> y_pred = np.array([[[[2.5], [3.0], [9.0]]]], "float32")
    >>> float(loss(y_true, y_pred))  # of 0.5 and 1; the third pixel has no depth
    0.75
    """

    _several_channels = False

    kind = "metres"

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "depth_l1",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def _valid(self, y_true):
        return is_depth(y_true)
