"""The losses of all outputs, over what is known, and their sum."""

from typing import Any

import keras
from keras import ops


class OutputLosses:
    """What Keras asks for the loss, in place of its own, which knows of no missing labels.

    Args:
        losses: dict from output to a list of `KnownLoss`es.
        weights: dict from output to the weight of its losses; 1 where there is none.
    """

    combine: Any = None
    """What makes one of the losses by output, in place of their sum."""
    built = True  # Keras would build its own from the shapes of the first batch.

    def __init__(self, losses, weights):
        self.losses = losses
        self.weights = weights
        self._has_all = True
        self._means = {name: KnownMean(name=f"{name}_loss") for name in losses}

    @property
    def metrics(self):
        """The mean loss of each output."""
        return list(self._means.values())

    def correction(self):
        """By how much the mean over batches of the sum, as Keras has it, is below that over labels.

        A batch with few labels of a task, or none, counts there as one with all.
        """
        if self._has_all:
            return 0.0
        pairs = ((self.weights.get(name), mean) for name, mean in self._means.items())
        return sum(
            mean.correction() * (1.0 if weight is None else weight) for weight, mean in pairs
        )

    def __call__(self, y_true, y_pred, sample_weight=None):
        found = self.by_output(y_true, y_pred, sample_weight)
        return sum(found.values(), ops.zeros(())) if self.combine is None else self.combine(found)

    def by_output(self, y_true, y_pred, sample_weight=None):
        """A dict from output to its loss times its weight."""
        found = {}
        for name, losses in self.losses.items():
            if y_true.get(name) is None:
                # Not left out: gradients of zero are what no label at all in a batch gives, too.
                nowhere = ops.zeros_like(y_pred[name], dtype="bool")
                found[name] = ops.sum(ops.where(nowhere, y_pred[name], 0))
                self._has_all = False
                self._means[name].update_state(0.0, 0.0, ops.shape(y_pred[name])[0])
                continue
            of_output = y_true[name], y_pred[name], (sample_weight or {}).get(name)
            values, shares = zip(*(loss.measure(*of_output) for loss in losses), strict=True)
            value = sum(ops.cast(each, keras.config.floatx()) for each in values)
            self._has_all = self._has_all and isinstance(shares[0], float)
            self._means[name].update_state(value, shares[0], ops.shape(y_pred[name])[0])
            weight = self.weights.get(name)
            found[name] = value if weight is None else value * weight
        return found


class KnownMean(keras.metrics.Metric):
    """The mean of a loss over what is known; NaN of nothing."""

    def __init__(self, name):
        super().__init__(name=name)
        # The sum over known labels and their number, in rows; the same of all rows.
        self._sums = self.add_variable((4,), "zeros", name="sums")

    def update_state(self, value, share, rows):
        """Adds the mean of a batch, in which a share of so many rows is known."""
        rows = ops.cast(rows, self.dtype)
        value, known = ops.cast(value, self.dtype), ops.cast(share, self.dtype) * rows
        self._sums.assign_add(ops.stack([value * known, known, value * rows, rows]))

    def result(self):
        total, count = self._sums[0], self._sums[1]
        return ops.where(count > 0, ops.divide_no_nan(total, count), float("nan"))

    def correction(self):
        """What the mean over known labels is above that over rows."""
        means = ops.divide_no_nan(self._sums[::2], self._sums[1::2])
        above = means[0] - means[1]
        return ops.where(ops.isfinite(above), above, 0.0)  # Of what has diverged.
