"""The way from a tensor back to the image."""


def way_back(tensor):
    """What made a tensor and as which of its outputs, in pairs, along first inputs to the image."""
    while True:
        operation, node_index, index = tensor._keras_history
        yield operation, index
        before = operation._inbound_nodes[node_index].input_tensors
        if not before:
            return
        tensor = before[0]
