"""Where the channels of a tensor are."""

import keras

from keras_mtl._functional_models import is_graph


def channel_axis(tensor):
    """The axis of the channels of a Keras tensor: 1 where the layers that made it say so, or -1.

    Layers that have no say, such as activations and sums, leave the axis where it was.
    """
    rank = len(tensor.shape)
    while len(tensor.shape) == rank > 2:
        operation, node_index, tensor_index = tensor._keras_history
        if is_graph(operation):
            tensor = operation.outputs[tensor_index]
            continue
        if getattr(operation, "data_format", None) is not None:
            return 1 if operation.data_format == "channels_first" else -1
        axis = getattr(operation, "axis", None)
        if isinstance(operation, keras.layers.BatchNormalization) and isinstance(axis, int):
            return 1 if axis % rank == 1 else -1
        made_from = operation._inbound_nodes[node_index].input_tensors
        if not made_from or isinstance(operation, (keras.layers.Dense, keras.layers.EinsumDense)):
            break
        tensor = made_from[0]
    return -1
