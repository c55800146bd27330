"""The calls that make up a model."""


def topological_nodes(model):
    """The nodes of a functional model, inputs first (Keras counts depth from the output)."""
    by_depth = model._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
