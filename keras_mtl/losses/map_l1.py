"""Mean absolute error of a map."""

import keras
from keras import ops

from keras_mtl._types import Reduction
from keras_mtl.losses._masked_l1 import MaskedL1


@keras.saving.register_keras_serializable("keras_mtl")
class MapL1(MaskedL1):
    """Absolute error of a map such as edges or vectors, averaged over its known values.

    Values may have any sign, and zero counts: where `DepthL1` takes it for unknown, here only NaN
    and infinity are. A batch without any known value has the loss 0.

    A map may have several channels, such as `center_offsets`. Each of their values counts by
    itself, so that the loss is the mean over the channels, not their sum.

    Args:
        reduction: As in `keras.losses.Loss`; the default averages over the known values of the
            batch, as `SegmentationCrossentropy` does over its pixels.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Tensor (batch, height, width, channels), or (batch, height, width) of one channel;
            NaN or infinity marks a value that is not known, which is ignored.
        y_pred: Float tensor of that shape, where an axis of one channel may be left out, too.
        sample_weight: Optional, one value a sample or a pixel.

    Raises:
        ValueError: If the shapes do not fit each other.

    Source: Sun et al., AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning,
    NeurIPS 2020, for Taskonomy's edges and keypoints; Kendall et al., Multi-Task Learning Using
    Uncertainty to Weigh Losses, CVPR 2018, for vectors to the centres of instances.

    Example:

    >>> loss = MapL1()
    >>> y_true = np.array([[[0.0, 0.5, np.nan]]], "float32")
    >>> y_pred = np.array([[[[0.5], [0.5], [9.0]]]], "float32")
    >>> float(loss(y_true, y_pred))  # of 0.5 and 0; the third pixel is not known
    0.25
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "map_l1",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def _valid(self, y_true):
        return ops.isfinite(y_true)
