"""Where to cut a network, if nobody says."""

import math

import keras
from keras.layers import InputLayer

from keras_mtl._checks import check_integer
from keras_mtl.graphs.functional_models import as_functional, is_graph, with_inlined
from keras_mtl.search.cost import macs_before
from keras_mtl.towers import possible_cuts


def propose_cuts(model: keras.Model, stages: int = 4) -> list[str]:
    """Layers at which a network falls into stages of about equal cost.

    The cost is that of `cost`: multiply-accumulates. Of places that serve as well the network is
    cut at the narrowest, such as between its blocks; of those behind the normalisation, activation
    or pooling that follows the last product.

    Args:
        model: a functional (or built sequential) Keras model with one input and one output.
        stages: how many stages there are to be; there are fewer if the model has fewer places at
            which one tensor alone carries it.

    Returns:
        A list of names of layers, in the model's order, as `keras_mtl.towers.Tower` takes it.

    Raises:
        TypeError: `model` is no functional model.
        ValueError: `stages` is no positive integer; MACs cannot be counted, see `cost`.

    Example:

    >>> import keras, keras_mtl
    >>> net = keras.Sequential([keras.Input((16,))] + [
    ...     keras.layers.Dense(16, name=f"dense{n}") for n in range(8)])
    >>> keras_mtl.search.propose_cuts(net)
    ['dense1', 'dense3', 'dense5']
    """
    stages = check_integer("stages", stages, 1)
    model = as_functional(model, one_output=True)
    names = list(_names_within(model))
    if len(names) == len(set(names)):  # Else it would not be known which one is meant.
        model = with_inlined(model, names)
    before = macs_before(model)
    total = before[model.outputs[0]._keras_history.operation.name]
    places = [
        (before[name], math.prod(filter(None, tensor.shape[1:])), name)
        for name, tensor in possible_cuts(model).items()
        if 0 < before.get(name, 0) < total
    ]
    cuts = []
    for number in range(1, stages):
        target, room = total * number / stages, total / stages / 3
        near = [place for place in places if abs(place[0] - target) <= room]
        near = near or sorted(places, key=lambda place: abs(place[0] - target))[:1]
        narrowest = min((size for _, size, _ in near), default=0)
        cuts += [name for _, size, name in near if size == narrowest][-1:]
    return list(dict.fromkeys(cuts))


def _names_within(model):
    """Of all layers, also of those of the models within a model."""
    for layer in model.layers:
        if is_graph(layer):
            yield from _names_within(layer)
        elif not isinstance(layer, InputLayer):
            yield layer.name
