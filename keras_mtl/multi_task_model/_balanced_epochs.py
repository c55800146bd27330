"""What happens to a balancing behind each epoch."""

import warnings

import keras
from keras import ops


class BalancedEpochs(keras.callbacks.Callback):
    """Tells a balancing that an epoch has ended, and what was wrong with the losses in it.

    Other callbacks end as at any end. The error that says why is then in `error`.
    """

    error = None

    def on_epoch_begin(self, epoch, logs=None):
        balancing = self.model.balancing
        if balancing is not None:
            self._before = ops.convert_to_numpy(balancing.faults)

    def on_epoch_end(self, epoch, logs=None):
        balancing = self.model.balancing
        if balancing is None:
            return
        counts = ops.convert_to_numpy(balancing.faults) - self._before
        not_finite, below = [
            {task: int(count) for task, count in zip(balancing.tasks, row, strict=True) if count}
            for row in counts
        ]
        if not_finite:
            message = (
                f"Losses were not finite in epoch {epoch + 1}, in so many steps, of which the "
                f"tasks were left out: {not_finite}."
            )
            if balancing.on_nan == "error":
                self._end(FloatingPointError(message))
            else:
                warnings.warn(message, stacklevel=2)
        if below:
            self._end(
                FloatingPointError(
                    f"`balancing` {balancing.name!r} needs losses of at least 0. Received: losses "
                    f"below it in so many steps of epoch {epoch + 1}: {below}."
                )
            )
        balancing.end_epoch()

    def _end(self, error):
        self.model.stop_training = True
        self.error = error
