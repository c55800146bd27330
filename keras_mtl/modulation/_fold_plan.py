"""Where the factors of gates can go: which layers' weights can take them."""

from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np
from keras import activations, layers

from keras_mtl.graphs.topological_nodes import topological_nodes
from keras_mtl.layers import CeilMaxPooling2D
from keras_mtl.modulation._channel_weights import takes_input_factors, takes_output_factors

# Layers through which factors of channels go unchanged, from input to output and back.
LINEAR = (
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
    *(layers.ZeroPadding1D, layers.ZeroPadding2D, layers.ZeroPadding3D),
    *(layers.Cropping1D, layers.Cropping2D, layers.Cropping3D),
    *(layers.UpSampling1D, layers.UpSampling2D, layers.UpSampling3D),
    *(layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D),
    layers.Identity,
)
# Through these go factors of zero or more.
HOMOGENEOUS = (
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D, CeilMaxPooling2D),
    *(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D),
    layers.LeakyReLU,
)


class Change(NamedTuple):
    """A layer (its name) whose weights take factors, (C,), of its "input" or "output"."""

    layer: str
    side: str
    factors: np.ndarray


def fold_plan(model, gates):
    """Finds weights that can take the place of gates.

    A gate's factors go back to the layer that makes the gated features, if nothing else reads
    them, or else forward to all layers that read the gated ones.

    Args:
        model: a functional model without models within it.
        gates: dict from the name of a layer that multiplies the channels of the last axis to its
            factors, (C,).

    Returns:
        A dict from the name of every gate that can go to its list of `Change`s.
    """
    graph = _Graph(model, gates)
    found = {}
    for name, factors in gates.items():
        changes = graph.changes(model.get_layer(name), factors)
        if changes:
            found[name] = changes
    return found


class _Graph:
    def __init__(self, model, gates):
        self.gates = gates
        self.producer, self.readers = {}, defaultdict(list)
        for node in topological_nodes(model):
            for tensor in node.output_tensors:
                self.producer[id(tensor)] = node
            for tensor in node.input_tensors:
                self.readers[id(tensor)].append(node)
        self.outputs = {id(tensor) for tensor in model.outputs}
        self.calls = Counter(id(node.operation) for node in topological_nodes(model))

    def changes(self, gate, factors):
        """Changes that take the place of a gate, which must be called once; or `None`."""
        if self.calls[id(gate)] > 1:
            return None
        return self.backward(gate.input, factors) or self.forward(gate.output, factors)

    def backward(self, tensor, factors):
        """Changes by which a tensor, of which there is one reader, comes multiplied; or `None`."""
        node = self.producer[id(tensor)]
        layer = node.operation
        alone = len(self.readers[id(tensor)]) == 1 and id(tensor) not in self.outputs
        if not alone or not self._is_simple(node):
            return None
        if takes_output_factors(layer, lambda activation: _commutes(activation, factors)):
            return [Change(layer.name, "output", factors)]
        if layer.name in self.gates or _hands_on(layer, factors):
            return self.backward(node.input_tensors[0], factors)
        return None

    def forward(self, tensor, factors):
        """Changes by which all readers answer as if a tensor were multiplied; or `None`."""
        readers = self.readers[id(tensor)]
        if not readers or id(tensor) in self.outputs:
            return None
        changes = []
        for node in readers:
            further = self._forward_into(node, factors)
            if further is None:
                return None
            changes += further
        return changes

    def _forward_into(self, node, factors):
        layer = node.operation
        if not self._is_simple(node):
            return None
        if takes_input_factors(layer):
            return [Change(layer.name, "input", factors)]
        (output,) = node.output_tensors
        if layer.name in self.gates or _hands_on(layer, factors):
            return self.forward(output, factors)
        if type(layer) is layers.Flatten and output.shape[-1] is not None:
            # Channels are the fastest index of what is flattened.
            return self.forward(output, np.resize(factors, output.shape[-1]))
        return None

    def _is_simple(self, node):
        """One input, one output, called once, channels last."""
        layer = node.operation
        rank = len(node.output_tensors[0].shape)
        return (
            self.calls[id(layer)] == 1
            and len(node.input_tensors) == len(node.output_tensors) == 1
            and getattr(layer, "data_format", None) in (None, "channels_last")
            and (type(layer) is not layers.BatchNormalization or layer.axis in (-1, rank - 1))
        )


def _hands_on(layer, factors):
    if type(layer) in LINEAR:
        return True
    if type(layer) is layers.ReLU:
        return _positive(factors) and layer.max_value is None and not layer.threshold
    if type(layer) is layers.Activation:
        return _commutes(layer.activation, factors)
    return type(layer) in HOMOGENEOUS and _positive(factors)


def _commutes(activation, factors):
    if activation in (None, activations.linear):
        return True
    return activation in (activations.relu, activations.leaky_relu) and _positive(factors)


def _positive(factors):
    return bool(np.all(factors >= 0))
