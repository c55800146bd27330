"""Semantic segmentation: a class for every pixel."""

import keras

from keras_mtl._checks import check_labels
from keras_mtl._types import Array
from keras_mtl.heads.fcn_head import FCNHead


@keras.saving.register_keras_serializable("keras_mtl")
class SegmentationHead(FCNHead):
    """An `FCNHead` whose channels are class logits; arguments as there.

    Its targets are integer labels (batch, height, width) from 0 to `channels` − 1, or 255 for void:
    train it with `SegmentationCrossentropy()`.

    Example:

    >>> import keras_mtl
    >>> head = keras_mtl.heads.SegmentationHead(17, (96, 96), strides=16, crop=9)
    """

    def check_targets(self, labels: Array, name: str = "labels") -> None:
        """Raises a `ValueError` if labels are out of range.

        Without it, a label out of range stops TensorFlow and PyTorch deep inside the step, and
        JAX trains on silently.
        """
        check_labels(labels, self.channels, name)
