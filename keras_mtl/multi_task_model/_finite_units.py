"""Whether what a sharing learns stays finite."""

import keras
import numpy as np
from keras import ops

from keras_mtl.layers import CrossStitch, ModulationGate


class FiniteUnits(keras.callbacks.Callback):
    """Ends a training whose alphas or gates are no numbers any more.

    Other callbacks end as at any end. The error that says why is then in `error`.
    """

    error = None

    def on_epoch_end(self, epoch, logs=None):
        for stage, unit in self.model.units.items():
            if not isinstance(unit, (CrossStitch, ModulationGate)):
                continue
            (weight,) = unit.weights
            if not np.isfinite(ops.convert_to_numpy(ops.cast(weight, "float32"))).all():
                self.model.stop_training = True
                self.error = FloatingPointError(
                    f"The {weight.name} of {unit.name!r}, behind the stage {stage!r}, is not "
                    f"finite after epoch {epoch + 1}. Lower the learning rate, which the optimizer "
                    f"multiplies by up to {weight.learning_rate_multiplier:g} for it "
                    "(`learning_rate_multiplier`), or look for infinities in the data."
                )
