"""Which regions of a picture a detector learns from."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_mtl._checks import check_integer
from keras_mtl.boxes.encode_boxes import STD, check_std


@dataclasses.dataclass(frozen=True)
class RoISampling:
    """How many RoIs of a picture are drawn, and which of them are foreground and background.

    Source: Girshick, Fast R-CNN, ICCV 2015, section 2.3, "Mini-batch sampling".

    Attributes:
        num_rois: Number of RoIs of a picture, R.
        foreground_fraction: Most of them, 0 to 1, that may be foreground.
        foreground_iou: Least IoU of the foreground with its best true box.
        background_iou: IoUs of the background with its own, from the first to below the second.
        std: Four numbers that the offsets of boxes are divided by.

    Raises:
        ValueError: An attribute is out of range.

    Example:

    >>> import keras_mtl
    >>> keras_mtl.datasets.RoISampling(num_rois=32).most_foreground
    8
    """

    num_rois: int = 64
    foreground_fraction: float = 0.25
    foreground_iou: float = 0.5
    background_iou: tuple[float, float] = (0.1, 0.5)
    std: Sequence[float] = STD

    def __post_init__(self) -> None:
        check_integer("num_rois", self.num_rois, 1)
        if not 0 <= self.foreground_fraction <= 1:
            raise ValueError(
                f"`foreground_fraction` must be from 0 to 1. Received: {self.foreground_fraction}."
            )
        if not 0 < self.foreground_iou <= 1:
            raise ValueError(
                f"`foreground_iou` must be above 0, and at most 1. Received: {self.foreground_iou}."
            )
        if np.shape(self.background_iou) != (2,) or not (
            0 <= self.background_iou[0] < self.background_iou[1] <= self.foreground_iou
        ):
            raise ValueError(
                "`background_iou` must be two rising numbers from 0 to `foreground_iou` = "
                f"{self.foreground_iou}. Received: {self.background_iou}."
            )
        check_std(self.std)

    @property
    def most_foreground(self) -> int:
        """How many RoIs may be foreground: one at least, unless none is wanted."""
        share = round(self.foreground_fraction * self.num_rois)
        return max(share, int(self.foreground_fraction > 0))
