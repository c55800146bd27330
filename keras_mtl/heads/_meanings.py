"""What the numbers of a dense head's output are; where they are computed is the head's geometry.

A head of `keras_mtl.heads` is one of these and a geometry, `FCNHead` or `ASPPHead`.
"""

import numpy as np
from keras import ops

from keras_mtl._checks import check_labels, check_normals_dtype
from keras_mtl._types import Array, Config, Tensor
from keras_mtl.heads._log_of_share import log_of_share


class Scores:
    """A score for each class: its logit, unless a head says otherwise."""

    kind = "classes"
    """What the outputs are, as of `keras_mtl.Task`."""

    _are_logits = True

    def prediction(self, outputs: Tensor) -> Tensor:
        """What the outputs say, in a form whose mean over several networks makes sense."""
        return ops.softmax(outputs) if self._are_logits else outputs

    def outputs_for(self, prediction: Tensor) -> Tensor:
        """Outputs of which that is the `prediction`, such as for a loss of what networks vote."""
        return log_of_share(prediction) if self._are_logits else prediction

    def decode(self, predictions: Tensor) -> Tensor:
        """What `prediction` means: the likeliest class of every pixel, int32 (batch, h, w)."""
        return ops.cast(ops.argmax(predictions, axis=-1), "int32")


class Classes(Scores):
    """The scores of classes that are known by number: targets are labels."""

    channels: int

    def check_targets(self, labels: Array, name: str = "labels") -> None:
        """Raises a `ValueError` if labels are out of range.

        Without it, a label out of range stops TensorFlow and PyTorch deep inside the step, and
        JAX trains on silently.
        """
        check_labels(labels, self.channels, name)


class Numbers:
    """Numbers of any sign in the targets' own unit, such as edges or vectors."""

    kind = "numbers"
    channels: int

    def prediction(self, outputs: Tensor) -> Tensor:
        return outputs

    def outputs_for(self, prediction: Tensor) -> Tensor:
        return prediction

    def decode(self, predictions: Tensor) -> Tensor:
        return predictions

    def check_targets(self, values: Array, name: str = "map") -> None:
        """Raises a `ValueError` unless they are (…, height, width, channels), none infinite."""
        _check_map(values, name, channels=self.channels)
        _check_finite(values, name)


class FixedChannels:
    """Has as many channels as its meaning says: they are no argument."""

    def get_config(self) -> Config:
        config: Config = super().get_config()  # type: ignore[misc]
        del config["channels"]
        return config


class Metres(FixedChannels, Numbers):
    """A distance."""

    kind = "metres"

    def check_targets(self, depth: Array, name: str = "depth") -> None:
        """Raises a `ValueError` unless depths are (…, height, width) numbers ≥ 0, none infinite."""
        _check_map(depth, name, unit="metres")
        _check_finite(depth, name)
        bad = depth < 0
        if bad.any():
            raise ValueError(
                f"`{name}` must hold metres of at least 0, or 0 or NaN where unknown. Received: "
                f"{int(bad.sum())} pixels below, such as {depth[bad][0]:.3f}."
            )


class Normals(FixedChannels):
    """A surface's normal: the direction of a vector of any length."""

    kind = "normals"

    def prediction(self, outputs: Tensor) -> Tensor:
        """The unit vectors (…, 3) of the outputs' directions; zero where an output is zero."""
        length = ops.sum(ops.square(outputs), axis=-1, keepdims=True)
        return ops.multiply(outputs, ops.rsqrt(ops.maximum(length, 1e-20)))

    def outputs_for(self, prediction: Tensor) -> Tensor:
        return prediction

    def decode(self, predictions: Tensor) -> Tensor:
        """The unit vectors of a mean of unit vectors."""
        return self.prediction(predictions)

    def check_targets(self, normals: Array, name: str = "normals") -> None:
        """Raises a `ValueError` unless normals are (…, 3) unit vectors, zero or NaN."""
        if normals.shape[-1] != 3:
            raise ValueError(f"`{name}` must have shape (…, 3). Received: shape={normals.shape}.")
        check_normals_dtype(normals, name)
        lengths = np.sqrt(np.square(normals, dtype="float32").sum(-1))
        _check_finite(lengths, name)
        bad = (lengths > 1e-6) & (np.abs(lengths - 1) > 1e-2)
        if bad.any():
            raise ValueError(
                f"`{name}` must be unit vectors, or zero or NaN where unknown. Received: "
                f"{int(bad.sum())} pixels of other length, such as {lengths[bad][0]:.3f}."
            )


def _check_map(values, name, unit="numbers", channels=1):
    """Of one channel, the last axis may lack."""
    if values.shape[3:] != (channels,) and (channels > 1 or values.ndim != 3):
        shapes = "(batch, height, width) or " * (channels == 1)
        raise ValueError(
            f"`{name}` must have shape {shapes}(batch, height, width, {channels}). "
            f"Received: shape={values.shape}."
        )
    if not (np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)):
        raise ValueError(f"`{name}` must hold {unit}. Received: dtype={values.dtype}.")


def _check_finite(values, name):
    infinite = np.isinf(values)
    if infinite.any():
        raise ValueError(
            f"`{name}` must be finite; set unknown values to NaN. Received: "
            f"{int(infinite.sum())} infinite values."
        )
