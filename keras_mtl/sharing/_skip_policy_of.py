"""Finding the policy of a model."""

from keras_mtl.graphs.layers_by_path import layers_by_path
from keras_mtl.layers import SkipPolicy


def skip_policy_of(model):
    """The one `SkipPolicy` of a model; a `ValueError` if there is none, or another number."""
    policies = [layer for _, layer in layers_by_path(model, SkipPolicy)]
    if len(policies) != 1:
        raise ValueError(
            "The model must have one SkipPolicy, as a model with `AdaShared()` has. "
            f"Received: {model.name!r} with {len(policies)}."
        )
    return policies[0]
