"""The features of each task, of one batch of all."""

import keras
from keras import ops


def split_tasks(features, count):
    """A list of the features of each of so many tasks, which stand one after the other."""
    return SplitTasks(count)(features)


@keras.saving.register_keras_serializable("keras_mtl")
class SplitTasks(keras.Operation):
    """What `ops.split` does, which PyTorch's exporter to ONNX binds to the batch size it sees."""

    def __init__(self, count, name=None):
        super().__init__(name=name)
        self.count = count

    def call(self, features):
        shape = (self.count, -1, *ops.shape(features)[1:])
        return list(ops.unstack(ops.reshape(features, shape), self.count))

    def compute_output_spec(self, features):
        batch, *rest = features.shape
        shape = (batch and batch // self.count, *rest)
        return [keras.KerasTensor(shape, features.dtype) for _ in range(self.count)]
