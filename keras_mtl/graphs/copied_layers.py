"""Copies of layers, made as a model's graph is run again."""

import keras

from keras_mtl.graphs.copy_layer import copy_layer
from keras_mtl.graphs.copy_state import copy_state


class CopiedLayers:
    """Calls copies in place of the layers: each has the configuration and the weights of its own.

    A layer that is called twice has one copy. Layers of one name, such as those of two models
    within a model, get a number. Operations that are no layers are called as they are, if they keep
    their name.

    Attributes:
        renamed: dict from names of layers to other ones for their copies; it may change between
            calls.
    """

    def __init__(self):
        self.renamed = {}
        self._copies = {}
        self._names = set()

    def __call__(self, operation, *args, **kwargs):
        """The result of the copy's call; arguments as of the layer's."""
        if id(operation) in self._copies:
            return self._copies[id(operation)](*args, **kwargs)
        copy = self._copies[id(operation)] = self._copy(operation)
        result = copy(*args, **kwargs)
        if isinstance(copy, keras.layers.Layer):
            copy_state(operation, copy, settings=True)
        return result

    def _copy(self, operation):
        name = self.free_name(self.renamed.get(operation.name, operation.name))
        if not isinstance(operation, keras.layers.Layer) and name == operation.name:
            return operation
        return copy_layer(operation, name)

    def free_name(self, name):
        """The name, with a number if a copy has it; from now on it is taken."""
        numbered = (f"{name}_{number}" for number in range(2, len(self._names) + 3))
        free = next(each for each in (name, *numbered) if each not in self._names)
        self._names.add(free)
        return free
