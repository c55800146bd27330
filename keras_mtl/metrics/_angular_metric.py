"""What the metrics of surface normals share: the angle between truth and prediction."""

from typing import Self

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_normals_dtype
from keras_mtl._types import Config, Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.losses._pixel_weights import pixel_weights


class AngularMetric(keras.metrics.Metric):
    """Base of metrics that are statistics of the angular error.

    A subclass has `_accumulate(angles, weights)`, for flat float32 tensors of degrees and of the
    pixels' weights (0 where there is no normal).

    Args:
        codebook: A `NormalsCodebook` with K words that decodes the predictions, or None if they are
            normals.
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`; angles and sums are float32 whatever it is.

    Update arguments:
        y_true: Float tensor (batch, height, width, 3) of unit normals; zeros (or what is not
            finite) mark a pixel without one, which is left out.
        y_pred: Float tensor (batch, height, width, 3) of normals of any length or, with a
            codebook, (batch, height, width, K) of logits. A vector of zeros is 90 degrees off.
        sample_weight: Optional, one value a sample or a pixel: a pixel counts as that many.
    """

    knows_the_unknown = True

    def __init__(
        self,
        codebook: NormalsCodebook | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if codebook is not None and not isinstance(codebook, NormalsCodebook):
            raise ValueError(
                f"`codebook` must be None or a NormalsCodebook. Received: codebook={codebook!r}."
            )
        self.codebook = codebook

    def _accumulate(self, angles, weights):
        raise NotImplementedError

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        y_true = ops.convert_to_tensor(y_true)
        check_normals_dtype(y_true)
        y_true = ops.cast(y_true, "float32")
        # Without it, torch would keep the graph of every batch.
        y_pred = ops.cast(ops.stop_gradient(ops.convert_to_tensor(y_pred)), "float32")
        size = 3 if self.codebook is None else self.codebook.num_words
        if y_true.shape[-1] != 3 or y_pred.shape[-1] != size:
            raise ValueError(
                "`y_true` must be of shape (batch, height, width, 3) and `y_pred` of shape "
                f"(batch, height, width, {size}). Received: y_true of shape "
                f"{tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}."
            )
        valid = NormalsCodebook.is_valid(y_true)
        weights = ops.cast(valid, "float32")
        if sample_weight is not None:
            weights = weights * pixel_weights(sample_weight, weights)
        if self.codebook is not None:
            y_pred = self.codebook.decode(ops.softmax(y_pred, axis=-1))
        angles = ops.where(valid, _degrees(y_true, y_pred), 0.0)
        self._accumulate(ops.reshape(angles, (-1,)), ops.reshape(weights, (-1,)))

    def get_config(self) -> Config:
        codebook = self.codebook
        if codebook is not None:
            codebook = keras.saving.serialize_keras_object(codebook)
        return {**super().get_config(), "codebook": codebook}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        codebook = config.get("codebook")
        if codebook is not None:
            codebook = keras.saving.deserialize_keras_object(codebook)
        return cls(**{**config, "codebook": codebook})


def _degrees(a, b):
    """Angle between vectors (..., 3) of any length, in degrees."""
    # The arc cosine of a float32 knows no angle between 0 and 0.02 degrees; the arc tangent of sine
    # over cosine is right to the last digits everywhere.
    a0, a1, a2 = (a[..., i] for i in range(3))
    b0, b1, b2 = (b[..., i] for i in range(3))
    cosine = a0 * b0 + a1 * b1 + a2 * b2
    sine = ops.sqrt(
        ops.square(a1 * b2 - a2 * b1)
        + ops.square(a2 * b0 - a0 * b2)
        + ops.square(a0 * b1 - a1 * b0)
    )
    angle = ops.arctan2(sine, cosine) * (180 / np.pi)
    # No direction at all must not look like the right one.
    return ops.where(ops.logical_and(sine == 0, cosine == 0), 90.0, angle)
