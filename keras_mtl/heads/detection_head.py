"""The head of Fast R-CNN: what is in a region, and where exactly."""

import math
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl._types import Array, Config, Shape, Tensor


@keras.saving.register_keras_serializable("keras_mtl")
class DetectionHead(keras.layers.Layer):
    """Dropout, then the classes of regions and for each class the offsets of its box.

    Source: Girshick, "Fast R-CNN", ICCV 2015, section 2.1; the deviations of the first weights are
    those of its published network.

    Args:
        num_classes: number of classes, without the background.
        dropout: rate of the dropout before both.
        seed: integer seed of the dropout and the weights, or `None`.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: features (batch, regions, features).

    Returns:
        A dict, float32 also under mixed precision: `"classes"`, logits (batch, regions, 1 +
        `num_classes`), the background first; `"boxes"`, offsets (batch, regions, 4 (1 +
        `num_classes`)), as `keras_mtl.boxes.decode_boxes` takes them.

    Raises:
        ValueError: `num_classes` is no positive integer.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.DetectionHead(20)
    >>> outputs = head(np.ones((1, 7, 32)))
    >>> tuple(outputs["classes"].shape), tuple(outputs["boxes"].shape)
    ((1, 7, 21), (1, 7, 84))
    """

    kind = "objects"
    """What the outputs are, as of `keras_mtl.Task`."""

    def __init__(
        self, num_classes: int, dropout: float = 0.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = check_integer("num_classes", num_classes, 1)
        self.dropout = keras.layers.Dropout(
            dropout, seed=seed, name="dropout", dtype=self.dtype_policy
        )
        self.classes = self._score("classes", 1 + num_classes, 0.01, seed)
        other_seed = None if seed is None else seed + 1
        self.boxes = self._score("boxes", 4 * (1 + num_classes), 0.001, other_seed)

    def build(self, input_shape: Shape) -> None:
        self.dropout.build(input_shape)
        self.classes.build(input_shape)
        self.boxes.build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> dict[str, Tensor]:
        features = self.dropout(inputs, training=training)
        return {
            "classes": ops.cast(self.classes(features), "float32"),
            "boxes": ops.cast(self.boxes(features), "float32"),
        }

    def prediction(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the outputs say, in a form whose mean over several networks makes sense."""
        return {**outputs, "classes": ops.softmax(outputs["classes"])}

    def check_targets(
        self, targets: Array, name: str = "targets", output: Literal["classes", "boxes"] = "classes"
    ) -> None:
        """Raises a `ValueError` if classes are out of range or offsets are infinite.

        Without it, a class out of range is a NaN far from its cause.
        """
        classes = targets if output == "classes" else targets[..., 0]
        bad = (classes != np.round(classes)) | (classes < -1) | (classes > self.num_classes)
        bad &= ~np.isnan(classes)
        if bad.any():
            raise ValueError(
                f"`{name}` must hold classes from 0 (background) to {self.num_classes}, or -1 or "
                f"NaN for padding. Received: {np.unique(classes[bad])[:10].tolist()}."
            )
        if np.isinf(targets).any():
            raise ValueError(f"`{name}` must not be infinite. Received infinite offsets.")

    def compute_output_spec(
        self, inputs: keras.KerasTensor, training: bool | None = None
    ) -> dict[str, keras.KerasTensor]:
        return {
            key: keras.KerasTensor(shape, dtype="float32")
            for key, shape in self.compute_output_shape(inputs.shape).items()
        }

    def compute_output_shape(self, input_shape: Shape) -> dict[str, Shape]:
        return {
            "classes": self.classes.compute_output_shape(input_shape),
            "boxes": self.boxes.compute_output_shape(input_shape),
        }

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates of one example, as `keras_mtl.search.cost` asks for them."""
        return math.prod(input_shape[1:]) * 5 * (1 + self.num_classes)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "dropout": self.dropout.rate,
            "seed": self.dropout.seed,
        }

    def _score(self, name, units, deviation, seed):
        return keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.RandomNormal(stddev=deviation, seed=seed),
            name=name,
            dtype=self.dtype_policy,
        )
