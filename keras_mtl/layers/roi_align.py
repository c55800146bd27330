"""Bilinear sampling of regions of interest, as Mask R-CNN does it."""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl._types import Config, Tensor
from keras_mtl.layers._roi_layer import RoILayer


@keras.saving.register_keras_serializable("keras_mtl")
class RoIAlign(RoILayer):
    """Divides each region of interest (RoI) into bins and averages samples of the map in each.

    Nothing is rounded: the `sampling_ratio`² samples of a bin are interpolated between the four
    cells around them. A sample more than one cell outside the map counts as 0, one that is less far
    outside as the cell at the border. Interpolation is separable, so a RoI is two matrix products,
    one an axis; NaN in the map spreads along both. `torchvision.ops.RoIAlign` to rounding errors,
    with a fixed number of samples; here there is a gradient for the RoIs too. (XLA divides and adds
    otherwise: on JAX a sample on the very border of what counts may fall on its other side.)

    Source: He et al., "Mask R-CNN", ICCV 2017, section 3; `aligned` is Detectron2's.

    Args:
        output_size: bins a RoI, `(rows, columns)` or one integer for both.
        spatial_scale: cells of the map a pixel of the image, such as 1/16.
        sampling_ratio: samples a bin along each axis.
        aligned: whether a cell's value stands at its centre, half a cell from its corner. If not,
            RoIs are shifted by half a cell and span at least one, as in the paper's first code.
        data_format: "channels_last" or "channels_first"; that of Keras' configuration if `None`.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: `[features, rois]` as for `RoIPooling`. RoIs (B, R, 4) are the faster form for
            several images: the products of (R, 5) RoIs run over all images of the batch.

    Returns:
        A tensor (R, rows, columns, C) or (B, R, rows, columns, C); channels before rows for
        "channels_first". Its dtype is that of the features.

    Raises:
        ValueError: bins, samples, scale or shapes other than these.

    Example:

    >>> import numpy as np, keras_mtl
    >>> layer = keras_mtl.layers.RoIAlign((2, 3), spatial_scale=1 / 16)
    >>> boxes = np.array([[[16, 16, 200, 100]]], "float32")
    >>> tuple(layer([np.ones((1, 10, 20, 3)), boxes]).shape)
    (1, 1, 2, 3, 3)
    """

    def __init__(
        self,
        output_size: int | tuple[int, int],
        spatial_scale: float,
        sampling_ratio: int = 2,
        aligned: bool = True,
        data_format: Literal["channels_last", "channels_first"] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(output_size, spatial_scale, data_format, **kwargs)
        self.sampling_ratio = check_integer("sampling_ratio", sampling_ratio, 1)
        self.aligned = aligned

    def pool(self, features: Tensor, boxes: Tensor) -> Tensor:
        return _weighted_means(_columns_of(features), *self._weights(features, boxes))

    def pool_flat(self, features: Tensor, image: Tensor, boxes: Tensor) -> Tensor:
        rows, columns = self._weights(features, boxes[None])
        # All images beside each other as one, in which a RoI has weights in its own only.
        own = ops.cast(image[:, None] == ops.arange(ops.shape(features)[0]), columns.dtype)
        columns = own[:, None, :, None] * columns[0][:, :, None, :]
        shape = ops.shape(columns)
        columns = ops.reshape(columns, (1, *shape[:2], shape[2] * shape[3]))
        map_columns = _columns_of(features)
        shape = ops.shape(map_columns)
        map_columns = ops.reshape(map_columns, (1, shape[0] * shape[1], *shape[2:]))
        return _weighted_means(map_columns, rows, columns)[0]

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "sampling_ratio": self.sampling_ratio,
            "aligned": self.aligned,
        }

    def _weights(self, features, boxes):
        """What each row counts in each row of bins, (B, R, n, H), and of columns (B, R, m, W)."""
        _, height, width, _ = ops.shape(features)
        left, top, right, bottom = ops.unstack(boxes * self.spatial_scale, 4, axis=-1)
        return [
            ops.cast(self._weights_of_axis(*axis), features.dtype)
            for axis in (
                (top, bottom, self.output_size[0], height),
                (left, right, self.output_size[1], width),
            )
        ]

    def _weights_of_axis(self, start, end, bins, size):
        # In float32, step by step as torchvision's C++: a sample on the border of what counts, one
        # cell outside the map, would otherwise be rounded to its other side now and then.
        if self.aligned:
            start, end = start - 0.5, end - 0.5
        extent = end - start
        if not self.aligned:
            extent = ops.maximum(extent, 1.0)
        place = np.arange(bins * self.sampling_ratio)
        bin_of_sample, sample = np.divmod(place, self.sampling_ratio)
        bin_size = (extent / bins)[..., None]
        samples = (
            start[..., None]
            + bin_size * bin_of_sample.astype("float32")
            + bin_size * (sample + 0.5).astype("float32") / self.sampling_ratio
        )
        cells = ops.arange(size, dtype="float32")
        size = ops.cast(size, "float32")
        counts = ops.cast((samples >= -1) & (samples <= size), "float32")
        samples = ops.minimum(ops.maximum(samples, 0.0), size - 1)
        # Linear interpolation: a hat function of the distance to each cell.
        weights = counts[..., None] * ops.relu(1 - ops.abs(samples[..., None] - cells))
        shape = (*ops.shape(start), bins, self.sampling_ratio, ops.shape(weights)[-1])
        return ops.mean(ops.reshape(weights, shape), axis=-2)


def _columns_of(features):
    """(B, W, H, C)."""
    return ops.swapaxes(features, 1, 2)


def _weighted_means(map_columns, rows, columns):
    """Sums over a map (B, W, H, C), by the weights of rows and columns: (B, R, n, m, C)."""
    _, width, height, channels = ops.shape(map_columns)
    images, rois = ops.shape(rows)[:2]
    flat = ops.reshape(map_columns, (-1, width, height * channels))

    def bins_of_column(weights):
        strips = ops.matmul(weights, flat)
        return ops.matmul(rows, ops.reshape(strips, (images, rois, height, channels)))

    # One column of bins after the other: the strips of all at once are 30 MB for 128 RoIs of
    # 38×50×256, and fresh memory takes longer than the products (43 → 12 ms on JAX, one core).
    return ops.moveaxis(ops.map(bins_of_column, ops.moveaxis(columns, 2, 0)), 0, 3)
