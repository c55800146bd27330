"""Any metric, over the labels that are known."""

import functools
import inspect
from collections.abc import Sequence
from typing import Any, Self

import keras
from keras import ops, tree

from keras_mtl._types import Config, Tensor
from keras_mtl.losses._known import (
    by_shapes,
    called,
    filled,
    has_several,
    in_one_shape,
    is_known,
    masked,
    of_rank,
    surely_all,
    with_nan,
)
from keras_mtl.losses._known_values import known_values
from keras_mtl.losses._pixel_weights import pixel_weights

COUNT_EACH_VALUE = (
    keras.metrics.RootMeanSquaredError,
    keras.metrics.TruePositives,
    keras.metrics.TrueNegatives,
    keras.metrics.FalsePositives,
    keras.metrics.FalseNegatives,
    keras.metrics.Precision,
    keras.metrics.Recall,
    keras.metrics.AUC,
    keras.metrics.SensitivityAtSpecificity,
    keras.metrics.SpecificityAtSensitivity,
    keras.metrics.PrecisionAtRecall,
    keras.metrics.RecallAtPrecision,
    keras.metrics.BinaryIoU,
)
"""Metrics of Keras that count each value by itself, unless they are asked for one class of them."""

BY_SHAPES = ("accuracy", "acc")
"""What Keras calls a metric that is chosen by the shapes of labels and outputs."""


@keras.saving.register_keras_serializable("keras_mtl")
class KnownMetric(keras.metrics.Metric):
    """A metric of Keras, or one of your own, over the labels that are known.

    Not known is what is NaN or one of the marks, as of `keras_mtl.losses.KnownLoss`: the metric
    gets a weight of 0 for it. One whose `knows_the_unknown` is true, as of those of
    `keras_mtl.metrics`, leaves it out by itself. A `MultiTaskModel` does so with all its metrics;
    in another Keras model put this around them.

    Args:
        metric: a `keras.metrics.Metric` that takes sample weights, the name of one, or a function
            of labels and outputs.
        missing: numbers that mark what is not known, beside NaN.
        name: name of the metric; that of `metric` if `None`.

    Update arguments:
        y_true: labels as `metric` takes them; nothing is counted of `None`.
        y_pred: outputs.
        sample_weight: Optional, as `metric` takes it.

    Returns:
        `result()`: that of the metric; NaN before the first known label.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> metric = keras_mtl.metrics.KnownMetric("mae")
    >>> float(metric(np.array([[1.0], [np.nan]]), np.zeros((2, 1))))
    1.0
    """

    def __init__(self, metric: Any, missing: Sequence[float] = (), name: str | None = None) -> None:
        self._given = metric
        if isinstance(metric, str) and metric in BY_SHAPES:
            made = None
        else:
            try:
                made = keras.metrics.get(metric)
            except ValueError:
                made = None
            if not callable(made):
                raise ValueError(
                    f"`metric` must be a metric, or the name of one. Received: {metric!r}."
                )
        super().__init__(name=name or called(metric))
        self.missing = tuple(missing)
        self._counted = self.add_variable((), "zeros", name="counted")
        self.metric: Any = None
        self._has_all = False  # That a batch has been seen of which all is known.
        if made is not None:
            self._take(made)

    def _take(self, metric):
        is_metric = isinstance(metric, keras.metrics.Metric)
        self.metric = metric if is_metric else keras.metrics.MeanMetricWrapper(metric)
        wrapper = keras.metrics.MeanMetricWrapper
        self._is_mean = getattr(type(self.metric), "update_state", None) is wrapper.update_state
        options = ("class_id", "top_k", "multi_label")
        of_one_class = any(getattr(self.metric, option, None) for option in options)
        self._counts_each_value = isinstance(self.metric, COUNT_EACH_VALUE) and not of_one_class
        # One that takes no weights cannot be told what counts not.
        weighs = "sample_weight" in inspect.signature(self.metric.update_state).parameters
        self._knows_the_unknown = getattr(self.metric, "knows_the_unknown", False) or not weighs
        self._weighs = weighs

    @property
    def _direction(self):
        # By which Keras knows which one is better; without it this has no such attribute, either.
        return "up" if self.metric is None else self.metric._direction

    def build_for(self, y_true: Tensor, y_pred: Tensor) -> None:
        """Chooses what is called "accuracy" by the shapes of labels and outputs, as Keras does."""
        if self.metric is None:
            kinds = (
                keras.metrics.BinaryAccuracy,
                keras.metrics.SparseCategoricalAccuracy,
                keras.metrics.CategoricalAccuracy,
            )
            self._take(by_shapes(y_true, y_pred, *kinds)())

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        if y_true is None:
            return
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        self.build_for(y_true, y_pred)
        if self._knows_the_unknown:
            weights = (sample_weight,) if self._weighs else ()
            self.metric.update_state(with_nan(y_true, self.missing), y_pred, *weights)
            return
        y_true = in_one_shape(y_true, y_pred)
        known = is_known(y_true, self.missing)
        if sample_weight is None and mask is None and surely_all(known):
            self._has_all = True
            self.metric.update_state(y_true, y_pred)
            return
        if self._is_mean:
            function, options = self.metric._fn, self.metric._fn_kwargs
            call = functools.partial(function, **options)
            values, known = known_values(call, function, y_true, y_pred, known, options)
            known = masked(known, mask)
            update = functools.partial(keras.metrics.Mean.update_state, self.metric, values)
        else:
            y_true, y_pred = filled(y_true, y_pred, known)
            if self._counts_each_value and has_several(y_true, y_pred):
                y_true, y_pred = (ops.expand_dims(each, axis=-1) for each in (y_true, y_pred))
            elif not getattr(self.metric, "sparse_y_pred", False):  # There is an axis of scores.
                known = of_rank(known, max(len(y_pred.shape) - 1, 1))
            update = functools.partial(self.metric.update_state, y_true, y_pred)
        self._counted.assign_add(ops.sum(ops.cast(known, "float32")))
        weights = ops.cast(known, self.metric.dtype)
        if sample_weight is not None:
            weights = ops.where(known, pixel_weights(sample_weight, weights), 0.0)
        update(sample_weight=weights)

    def result(self) -> Any:
        if self.metric is None:
            return ops.cast(float("nan"), "float32")
        found = tree.map_structure(ops.convert_to_tensor, self.metric.result())
        if self._knows_the_unknown or self._has_all:
            return found
        known = self._counted > 0
        return tree.map_structure(lambda value: ops.where(known, value, float("nan")), found)

    def reset_state(self) -> None:
        self._counted.assign(0.0)
        self._has_all = False
        if self.metric is not None:
            self.metric.reset_state()

    def get_config(self) -> Config:
        given = self._given
        return {
            "metric": given
            if isinstance(given, str)
            else keras.saving.serialize_keras_object(given),
            "missing": list(self.missing),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        metric = config["metric"]
        if not isinstance(metric, str):
            metric = keras.saving.deserialize_keras_object(metric)
        return cls(**{**config, "metric": metric})
