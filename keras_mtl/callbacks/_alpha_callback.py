"""What alphas are recorded: common to all ways of keeping them."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_mtl.callbacks._recorder import Recorder
from keras_mtl.graphs.layers_by_path import layers_by_path
from keras_mtl.layers import CrossStitch
from keras_mtl.multi_task_model import MultiTaskModel


class Mixing(NamedTuple):
    """With what weights one task takes in the features of one task (itself or another)."""

    layer: str
    task: str
    from_task: str
    alpha: np.ndarray  # (channels,), or (1,) of a unit for the whole layer


class AlphaCallback(Recorder):
    """Records the alphas of all `CrossStitch` units of a model: `record` gets their `Mixing`s."""

    def read(self, model: keras.Model) -> list[Mixing]:
        units = dict(layers_by_path(model, CrossStitch))
        if not units:
            raise ValueError(
                f"{type(self).__name__}: the model must have CrossStitch units. "
                f"Received: {model.name!r}."
            )
        return [mixing for path, unit in units.items() for mixing in _mixings(model, path, unit)]


def _mixings(model, path, unit):
    alpha = ops.convert_to_numpy(unit.alpha)
    known = isinstance(model, MultiTaskModel) and len(model.tasks) == len(alpha)
    tasks = model.tasks if known else range(len(alpha))
    for task, row in zip(tasks, alpha, strict=True):
        for other, values in zip(tasks, row, strict=True):
            yield Mixing(path, str(task), str(other), np.atleast_1d(values))
