"""Weighted means of what a metric is updated with."""

from keras import ops

from keras_mtl.metrics._wide_counter import WideCounter


class WeightedMean:
    """Mean of a non-negative value over all that a metric has seen: pixels, say, or triplets.

    Args:
        metric: The `keras.Metric` that owns the variables.
    """

    def __init__(self, metric):
        self.total = WideCounter(metric, (), "total")
        self.weight = WideCounter(metric, (), "weight")

    def add(self, values, weights):
        """Add float32 tensors of one shape: values, and how much each counts."""
        self.total.add(ops.sum(values * weights))
        self.weight.add(ops.sum(weights))

    def result(self):
        """Scalar tensor; NaN before anything counts."""
        weight = self.weight.value()
        return ops.where(weight > 0, ops.divide_no_nan(self.total.value(), weight), float("nan"))
