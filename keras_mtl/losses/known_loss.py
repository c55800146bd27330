"""Any loss, over the labels that are known."""

from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.losses._kind_of import BY_SHAPES, marks_of
from keras_mtl.losses._known import (
    by_shapes,
    called,
    in_one_shape,
    is_known,
    masked,
    surely_all,
    with_nan,
)
from keras_mtl.losses._known_values import counts_each_value, known_values
from keras_mtl.losses._mean_of_known import mean_of_known
from keras_mtl.losses._measured_loss import MeasuredLoss


@keras.saving.register_keras_serializable("keras_mtl")
class KnownLoss(MeasuredLoss):
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
        super().__init__(
            name=name or called(loss),
            reduction=getattr(known, "reduction", "sum_over_batch_size"),
            dtype=getattr(known, "dtype", None),
        )
        self.loss = known
        self.missing = missing
        # One with a `__call__` of its own may have no values of positions.
        is_loss = isinstance(known, keras.losses.Loss)
        own_call = is_loss and type(known).__call__ is not keras.losses.Loss.__call__
        self._by_itself = own_call or getattr(known, "knows_the_unknown", False)
        if self._by_itself:
            self._marks = tuple(missing or ())
        else:
            self._marks = marks_of(known, missing=missing)
        self._function = getattr(known, "fn", known)

    def measure(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The loss, and the share of the labels that are known, from 0 to 1.

        The share is a tensor, or the float 1.0 if it can be seen that all are.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if self._by_itself:
            y_true = with_nan(y_true, self._marks)
            if hasattr(self.loss, "measure"):
                return self.loss.measure(y_true, y_pred, sample_weight)
            return self.loss(y_true, y_pred, sample_weight), ops.ones(())
        y_true = in_one_shape(y_true, y_pred)
        known = is_known(y_true, self._marks)
        if sample_weight is None and mask is None and surely_all(known):
            return self._plain(y_true, y_pred), 1.0
        options = getattr(self.loss, "_fn_kwargs", {})
        values, known = known_values(self._each, self._function, y_true, y_pred, known, options)
        if len(values.shape) > 1 and self.reduction in ("sum", "none", None):
            if counts_each_value(self._function, y_true, y_pred):
                values, known = _of_rows(values, known)
        return mean_of_known(values, masked(known, mask), self, sample_weight)

    def _plain(self, y_true, y_pred):
        """The loss where all is known."""
        if isinstance(self.loss, keras.losses.Loss):
            return self.loss(y_true, y_pred)
        return ops.mean(self._each(y_true, y_pred))

    def _each(self, y_true, y_pred):
        if self.loss in BY_SHAPES:
            function = _by_shapes(y_true, y_pred)
        else:
            function = self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss
        y_true, y_pred = ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype)
        return ops.cast(function(y_true, y_pred), self.dtype)

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


def _of_rows(values, known):
    """The means of the last axis over what is known, as Keras' functions return them."""
    count = ops.sum(ops.cast(known, values.dtype), axis=-1)
    return ops.divide_no_nan(ops.sum(values, axis=-1), count), count > 0


def known(loss, kind=None, missing=None):
    """A `KnownLoss` of outputs of a kind, as of `keras_mtl.Task`; one that is so already."""
    if isinstance(loss, KnownLoss):
        return loss
    by_itself = getattr(loss, "knows_the_unknown", False)
    return KnownLoss(loss, missing=missing if by_itself else marks_of(loss, kind, missing))


def _by_shapes(y_true, y_pred):
    """The cross-entropy that Keras chooses where it is called so."""
    kinds = (
        keras.losses.binary_crossentropy,
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.categorical_crossentropy,
    )
    return by_shapes(y_true, y_pred, *kinds)
