"""Semantic segmentation: a class for every pixel."""

import keras

from keras_mtl.heads._meanings import Classes
from keras_mtl.heads.fcn_head import FCNHead


@keras.saving.register_keras_serializable("keras_mtl")
class SegmentationHead(Classes, FCNHead):
    """An `FCNHead` whose channels are class logits; arguments as there.

    Its targets are integer labels (batch, height, width) from 0 to `channels` − 1, or 255 for void:
    train it with `SegmentationCrossentropy()`.

    Example:

    >>> import keras_mtl
    >>> head = keras_mtl.heads.SegmentationHead(17, (96, 96), strides=16, crop=9)
    """
