"""The losses of all outputs, over what is known, and their sum."""

import keras
from keras import ops


class OutputLosses:
    """What Keras asks for the loss, in place of its own, which knows of no missing labels.

    Args:
        losses: dict from output to a list of `KnownLoss`es.
        weights: dict from output to the weight of its losses; 1 where there is none.
    """

    built = True  # Keras would build its own from the shapes of the first batch.

    def __init__(self, losses, weights):
        self.losses = losses
        self.weights = weights
        several = len(losses) > 1
        self._means = {name: KnownMean(name=f"{name}_loss") for name in losses if several}

    @property
    def metrics(self):
        """The mean loss of each output, if there are several."""
        return list(self._means.values())

    def __call__(self, y_true, y_pred, sample_weight=None):
        total = ops.zeros(())
        for name, losses in self.losses.items():
            if y_true.get(name) is None:
                # Not left out: gradients of zero are what no label at all in a batch gives, too.
                nowhere = ops.zeros_like(y_pred[name], dtype="bool")
                total = total + ops.sum(ops.where(nowhere, y_pred[name], 0))
                continue
            of_output = y_true[name], y_pred[name], (sample_weight or {}).get(name)
            values, shares = zip(*(loss.measure(*of_output) for loss in losses), strict=True)
            value = sum(ops.cast(each, keras.config.floatx()) for each in values)
            if name in self._means:
                count = shares[0] * ops.cast(ops.shape(y_pred[name])[0], shares[0].dtype)
                self._means[name].update_state(value, sample_weight=count)
            weight = self.weights.get(name)
            total = total + (value if weight is None else value * weight)
        return total


class KnownMean(keras.metrics.Mean):
    """A mean that is NaN of nothing."""

    def result(self):
        return ops.where(self.count > 0, super().result(), float("nan"))
