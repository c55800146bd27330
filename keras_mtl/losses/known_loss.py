"""Any loss, over the labels that are known."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.losses._kind_of import BY_SHAPES, marks_of
from keras_mtl.losses._known import filled, has_several, in_one_shape, is_known, of_rank, with_nan
from keras_mtl.losses._mean_of_known import mean_of_known

OF_EACH_VALUE = {
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
    keras.losses.hinge,
    keras.losses.huber,
    keras.losses.log_cosh,
    keras.losses.mean_absolute_error,
    keras.losses.mean_absolute_percentage_error,
    keras.losses.mean_squared_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.poisson,
    keras.losses.squared_hinge,
}
"""Functions of Keras that are the mean over the last axis of what they make of each value."""

OF_SUMS = {keras.losses.dice, keras.losses.tversky}
"""Functions of Keras of sums, to which zeros add nothing."""

OF_PAIRS = {keras.losses.circle}
"""Functions of Keras that compare the rows of a batch with each other."""


@keras.saving.register_keras_serializable("keras_mtl")
class KnownLoss(keras.losses.Loss):
    """A loss of Keras, or one of your own, averaged over the labels that are known.

    Not known is what is NaN or one of the marks. It counts neither in the loss nor in its gradient,
    which are those of the known labels alone; without any the loss is 0. A `MultiTaskModel` does so
    with all its losses; in another Keras model put this around them. One whose `knows_the_unknown`
    is true, as of those of `keras_mtl.losses`, is asked as it is.

    Of outputs with several numbers each one counts by itself where Keras' function is a mean over
    them, such as "mse" or a binary cross-entropy, and where one of your own returns a value for
    each. Otherwise, as of a cosine or of classes that are one-hot, all of them must be known for
    any to count. A function of your own that returns one number for a whole batch is asked for it
    row by row where labels are missing. A loss that compares the rows of a batch with each other,
    as `keras.losses.Circle`, cannot leave some out, and is NaN where labels are missing.

    Args:
        loss: a `keras.losses.Loss`, the name of one, or a function of labels and outputs.
        missing: numbers that mark what is not known, beside NaN; if `None`, -1 and `ignore_class`
            for classes and attributes, none for numbers.
        name: name of the loss; that of `loss` if `None`.

    Call arguments:
        y_true: labels as `loss` takes them.
        y_pred: outputs.
        sample_weight: Optional, one value a sample, or a position such as a pixel.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> loss = keras_mtl.losses.KnownLoss("mse")
    >>> float(loss(np.array([[1.0], [np.nan]]), np.zeros((2, 1))))
    1.0
    """

    def __init__(
        self,
        loss: Any,
        missing: Sequence[float] | None = None,
        name: str | None = None,
    ) -> None:
        try:
            known = loss if loss in BY_SHAPES else keras.losses.get(loss)
        except ValueError:
            known = None
        if not callable(known) and known not in BY_SHAPES:
            raise ValueError(f"`loss` must be a loss, or the name of one. Received: {loss!r}.")
        names = (getattr(loss, "name", None), getattr(loss, "__name__", None), loss)
        super().__init__(
            name=name or next(filter(None, names)),
            reduction=getattr(known, "reduction", "sum_over_batch_size"),
            dtype=getattr(known, "dtype", None),
        )
        self.loss = known
        self.missing = missing
        self._by_itself = getattr(known, "knows_the_unknown", False)
        if self._by_itself:
            self._marks = tuple(missing or ())
        else:
            self._marks = marks_of(known, missing=missing)
        self._function = getattr(known, "fn", known)

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        return self.measure(y_true, y_pred, sample_weight)[0]

    def measure(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The loss, and the share of the labels that are known, from 0 to 1."""
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if self._by_itself:
            y_true = with_nan(y_true, self._marks)
            if hasattr(self.loss, "measure"):
                return self.loss.measure(y_true, y_pred, sample_weight)
            return self.loss(y_true, y_pred, sample_weight), ops.ones(())
        y_true = in_one_shape(y_true, y_pred)
        values, known = self._values(y_true, y_pred, is_known(y_true, self._marks))
        if mask is not None and len(mask.shape) == len(known.shape):
            known = ops.logical_and(known, mask)
        # What is computed where nothing is known may be no number.
        values = ops.where(known, values, 0.0)
        return mean_of_known(values, known, self, sample_weight)

    def _values(self, y_true, y_pred, known):
        """The loss of each position, and whether it is known, of one shape."""
        if self._function in OF_SUMS:
            y_true, y_pred = (ops.where(known, each, 0) for each in (y_true, y_pred))
            values = self._each(y_true, y_pred)
            axes = tuple(range(max(len(values.shape), 1), len(known.shape)))
            return self._by_rows(values, y_pred), ops.any(known, axis=axes) if axes else known
        filled_true, filled_pred = filled(y_true, y_pred, known)
        if self._function in OF_EACH_VALUE and has_several(y_true, y_pred):
            values = self._each(*(ops.expand_dims(x, axis=-1) for x in (filled_true, filled_pred)))
            if self.reduction in ("sum", "none", None):  # Of rows, which are the means of theirs.
                return self._of_rows(values, known)
            return values, known
        values = self._each(filled_true, filled_pred)
        if len(values.shape) == 0:  # One number for all.
            values = ops.cond(
                ops.all(known),
                lambda: self._by_rows(self._each(y_true, y_pred), y_pred),
                lambda: ops.vectorized_map(
                    lambda row: self._each(*(each[None] for each in row)),
                    (filled_true, filled_pred),
                ),
            )
        elif self._function in OF_PAIRS:
            values = ops.where(ops.all(known), values, float("nan"))
        return values, of_rank(known, len(values.shape))

    def _each(self, y_true, y_pred):
        if self.loss in BY_SHAPES:
            function = _by_shapes(y_true, y_pred)
        else:
            function = self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        return ops.cast(function(y_true, y_pred), self.dtype)

    def _by_rows(self, value, y_pred):
        """One number of a batch as that of each of its rows."""
        if len(value.shape) > 0:
            return value
        return ops.broadcast_to(value, ops.shape(y_pred)[:1])

    def _of_rows(self, values, known):
        """The means of the last axis over what is known, as Keras' functions return them."""
        count = ops.sum(ops.cast(known, self.dtype), axis=-1)
        total = ops.sum(ops.where(known, values, 0.0), axis=-1)
        return ops.divide_no_nan(total, count), count > 0

    def get_config(self) -> Config:
        return {
            "loss": self.loss
            if self.loss in BY_SHAPES
            else keras.saving.serialize_keras_object(self.loss),
            "missing": None if self.missing is None else list(self.missing),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        loss = config["loss"]
        loss = loss if loss in BY_SHAPES else keras.saving.deserialize_keras_object(loss)
        return cls(**{**config, "loss": loss})


def known(loss, kind=None, missing=None):
    """A `KnownLoss` of outputs of a kind, as of `keras_mtl.Task`; one that is so already."""
    if isinstance(loss, KnownLoss):
        return loss
    by_itself = getattr(loss, "knows_the_unknown", False)
    return KnownLoss(loss, missing=missing if by_itself else marks_of(loss, kind, missing))


def _by_shapes(y_true, y_pred):
    """The cross-entropy that Keras chooses where it is called so."""
    if y_pred.shape[-1] == 1:
        return keras.losses.binary_crossentropy
    if len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1:
        return keras.losses.sparse_categorical_crossentropy
    return keras.losses.categorical_crossentropy
