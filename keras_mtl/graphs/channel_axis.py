"""Where the channels of a tensor are."""

import keras

from keras_mtl.graphs.functional_models import is_graph


def channel_axis(tensor):
    """The axis of the channels of a Keras tensor: 1 where the layers that made it say so, or -1.

    Layers that have no say, such as activations and sums, leave the axis where it was.
    """
    axis, _ = _axis_or_source(tensor, len(tensor.shape))
    return axis or -1


def _axis_or_source(tensor, rank):
    """The axis, or `None` and the tensor of the model's inputs at which the search has come."""
    while len(tensor.shape) == rank > 2:
        operation, node_index, tensor_index = tensor._keras_history
        made_from = operation._inbound_nodes[node_index].input_tensors
        if is_graph(operation):
            axis, source = _axis_or_source(operation.outputs[tensor_index], rank)
            if axis is not None:
                return axis, None
            number = [source is x for x in operation.inputs].index(True)
            tensor = made_from[number]
            continue
        if getattr(operation, "data_format", None) is not None:
            return (1 if operation.data_format == "channels_first" else -1), None
        if isinstance(operation, keras.layers.BatchNormalization):
            return (1 if operation.axis % rank == 1 else -1), None
        if isinstance(operation, (keras.layers.Dense, keras.layers.EinsumDense)):
            return -1, None
        if not made_from:
            return None, tensor
        tensor = made_from[0]
    return -1, None
