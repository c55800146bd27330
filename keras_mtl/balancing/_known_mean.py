"""The mean in the logs of what is known in some steps only."""

import keras
from keras import ops


class KnownMean(keras.metrics.Mean):
    """A mean that is NaN, not 0, of nothing."""

    def result(self):
        return ops.where(self.count > 0, super().result(), float("nan"))
