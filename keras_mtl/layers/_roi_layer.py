"""What RoI pooling and RoI align have in common."""

from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_mtl._checks import check_choice, check_pair
from keras_mtl._types import Config, Shape, Tensor


class RoILayer(keras.layers.Layer):
    """From a map and regions of interest (RoIs) to `output_size` bins a region.

    A subclass defines `pool(features, boxes)` for RoIs `(B, R, 4)`, which come as float32, of
    channels-last features, and `pool_flat(features, image, boxes)` for `(R, 4)` boxes with the
    `(R,)` index of each one's image.
    """

    def __init__(
        self,
        output_size: int | tuple[int, int],
        spatial_scale: float,
        data_format: Literal["channels_last", "channels_first"] | None = None,
        **kwargs: Any,
    ) -> None:
        # No autocast: half precision would move boxes by up to half a pixel.
        super().__init__(autocast=False, **kwargs)
        self.output_size = check_pair("output_size", output_size, one_for_both=True)
        if isinstance(spatial_scale, bool) or not (
            isinstance(spatial_scale, (int, float)) and 0 < spatial_scale < float("inf")
        ):
            raise ValueError(
                "`spatial_scale` must be a positive number, cells of the map a pixel. "
                f"Received: {spatial_scale!r}."
            )
        self.spatial_scale = float(spatial_scale)
        self.data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", self.data_format, ("channels_last", "channels_first"))

    def build(self, input_shape: Sequence[Shape]) -> None:
        self._check_shapes(input_shape)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        features, rois = inputs
        first = self.data_format == "channels_first"
        if first:
            features = ops.transpose(features, (0, 2, 3, 1))
        rois = ops.cast(rois, "float32")
        if len(rois.shape) == 3:
            outputs = self.pool(features, rois)
        else:
            outputs = self.pool_flat(features, ops.cast(rois[:, 0], "int32"), rois[:, 1:])
        return ops.moveaxis(outputs, -1, -3) if first else outputs

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        features, rois = self._check_shapes(input_shape)
        if self.data_format == "channels_first":
            return *rois[:-1], features[1], *self.output_size
        return *rois[:-1], *self.output_size, features[-1]

    def compute_output_spec(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        features, rois = inputs
        shape = self.compute_output_shape([features.shape, rois.shape])
        return keras.KerasTensor(shape, dtype=features.dtype)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "output_size": list(self.output_size),
            "spatial_scale": self.spatial_scale,
            "data_format": self.data_format,
        }

    def _check_shapes(self, shapes):
        if len(shapes) != 2 or not all(isinstance(shape, (list, tuple)) for shape in shapes):
            raise ValueError(f"`inputs` must be [features, rois]. Received shapes: {shapes}.")
        features, rois = (tuple(shape) for shape in shapes)
        if len(features) != 4:
            raise ValueError(
                f"`features` must have 4 axes ({self.data_format}). Received: shape {features}."
            )
        if (len(rois), rois[-1]) not in ((2, 5), (3, 4)):
            raise ValueError(
                "`rois` must be (R, 5), [image, x1, y1, x2, y2], or (B, R, 4). "
                f"Received: shape {rois}."
            )
        if len(rois) == 3 and None not in (rois[0], features[0]) and rois[0] != features[0]:
            raise ValueError(
                "`rois` of shape (B, R, 4) must have as many images as the features. "
                f"Received: shapes {rois} and {features}."
            )
        return features, rois
