"""Semantic segmentation by atrous spatial pyramid pooling: a class for every pixel."""

import keras

from keras_mtl.heads._meanings import Classes
from keras_mtl.heads.aspp_head import ASPPHead


@keras.saving.register_keras_serializable("keras_mtl")
class ASPPSegmentationHead(Classes, ASPPHead):
    """An `ASPPHead` whose channels are class logits; arguments as there.

    Its targets are integer labels (batch, height, width) from 0 to `channels` − 1, or 255 for void.
    Train it with `SegmentationCrossentropy()`.

    Source: Sun et al., "AdaShare", NeurIPS 2020; see `ASPPHead`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.ASPPSegmentationHead(17, (96, 96), features=32)
    >>> tuple(head(np.ones((1, 13, 13, 64))).shape)
    (1, 96, 96, 17)
    """
