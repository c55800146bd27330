"""Max pooling of regions of interest, as Fast R-CNN's Caffe layer does it."""

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.layers._first_maximum import LONGEST_RANGE, first_maximum
from keras_mtl.layers._roi_layer import RoILayer

# Far outside any map, and far from where int32 or float32 would lose count.
FARTHEST_CELL = 2**20


@keras.saving.register_keras_serializable("keras_mtl")
class RoIPooling(RoILayer):
    """Divides each region of interest (RoI) of a map into bins and takes the maximum of every bin.

    Exactly Fast R-CNN's layer, in values and gradients. A RoI's corners are scaled to the map,
    rounded (halves away from zero) and both inclusive; it spans at least one cell. Its bins, of
    `extent / bins` cells, are rounded outwards, so neighbours may share cells, and clipped to the
    map: RoIs may hang over. A bin without a cell is 0, one that holds NaN is NaN. Of equal maxima
    of a bin the first one in row-major order gets the gradient; RoIs get none.

    Time and memory are those of a table of the map (about 11 times its size for 38×50 cells), made
    once, and of a few look-ups a bin, whatever the size of the RoIs (`benchmarks/roi_pooling.py`).

    Source: Girshick, "Fast R-CNN", ICCV 2015, section 2.1, and `roi_pooling_layer.cpp` of its code.

    Args:
        output_size: bins a RoI, `(rows, columns)` or one integer for both.
        spatial_scale: cells of the map a pixel of the image, such as 1/16.
        data_format: "channels_last" or "channels_first"; that of Keras' configuration if `None`.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: `[features, rois]`, the map (B, H, W, C), or (B, C, H, W), and either
            (R, 5) RoIs `[image, x1, y1, x2, y2]`, with the index of the image in the batch, or
            (B, R, 4) RoIs `[x1, y1, x2, y2]`, as many an image. Coordinates are in pixels of the
            image, at any precision, and are computed with in float32. RoIs of more than 3,279 cells
            a side are divided as if they had 3,279.

    Returns:
        A tensor (R, rows, columns, C) or (B, R, rows, columns, C); channels before rows for
        "channels_first". Its dtype is that of the features.

    Raises:
        ValueError: bins, scale or shapes other than these.

    Example:

    >>> import numpy as np, keras_mtl
    >>> layer = keras_mtl.layers.RoIPooling(6, spatial_scale=1 / 16)
    >>> rois = np.array([[0, 16, 16, 200, 100], [1, 0, 0, 320, 160]], "float32")
    >>> tuple(layer([np.ones((2, 10, 20, 3)), rois]).shape)
    (2, 6, 6, 3)
    """

    def pool(self, features: Tensor, boxes: Tensor) -> Tensor:
        images, rois = ops.shape(boxes)[:2]
        image = ops.repeat(ops.arange(images, dtype="int32"), rois)
        outputs = self.pool_flat(features, image, ops.reshape(boxes, (-1, 4)))
        return ops.reshape(outputs, (images, rois, *ops.shape(outputs)[1:]))

    def pool_flat(self, features: Tensor, image: Tensor, boxes: Tensor) -> Tensor:
        images, height, width, channels = ops.shape(features)
        left, top, right, bottom = ops.unstack(_rounded(boxes * self.spatial_scale), 4, axis=1)
        rows = _bins(top, bottom, self.output_size[0], height)
        columns = _bins(left, right, self.output_size[1], width)
        # NaN is no larger than any number, and a bin would pass over it.
        ranked = ops.where(ops.isnan(features), float("inf"), features)
        place = first_maximum(ops.stop_gradient(ranked), image, rows, columns)
        place = place + ops.reshape(height * width * image, (-1, 1, 1, 1))

        # An empty bin takes the zero that follows the last cell. Usually there is none; besides,
        # a `cond` has XLA keep the places, which it would else work out again for the gradient.
        empty = (rows[0] >= rows[1])[:, :, None] | (columns[0] >= columns[1])[:, None, :]
        place = ops.cond(
            ops.any(empty),
            lambda: ops.where(empty[..., None], images * height * width, place),
            lambda: place,
        )
        cells = ops.pad(ops.reshape(features, (-1, channels)), ((0, 1), (0, 0)))
        # One gather of single numbers, whose gradient is one scatter.
        return ops.take(
            ops.reshape(cells, (-1,)), place * channels + ops.arange(channels, dtype="int32")
        )


def _rounded(coordinates):
    """Integers, halves away from zero, from what float32 holds.

    Not `floor(x + 0.5)`, which would round 0.49999997 up.
    """
    size = ops.minimum(ops.abs(coordinates), FARTHEST_CELL)
    whole = ops.floor(size)
    whole = whole + ops.cast(size >= whole + 0.5, "float32")
    return ops.cast(ops.sign(coordinates) * whole, "int32")


def _bins(first, last, count, size):
    """First cell of each bin and the cell after its last, two int32 (R, count)."""
    extent = ops.clip(last - first + 1, 1, LONGEST_RANGE)
    return [
        ops.clip(first[:, None] + ops.take(edges, extent, axis=0), 0, size)
        for edges in _bin_edges(count)
    ]


def _bin_edges(count):
    """Where the bins of a RoI of each extent start and end, two int32 (extents, count).

    A table, made in NumPy's float32 as Caffe computes, since XLA divides by a constant by
    multiplying with its reciprocal, which moves an edge now and then.
    """
    bin_size = np.arange(LONGEST_RANGE + 1, dtype="float32")[:, None] / np.float32(count)
    bins = np.arange(count, dtype="float32")
    starts, ends = np.floor(bins * bin_size), np.ceil((bins + 1) * bin_size)
    return starts.astype("int32"), ends.astype("int32")
