"""The layers that a layer is made of."""

import keras


def layers_within(layer):
    """The layer and all within it, outer ones first; none of an operation that is no layer.

    What a model holds beside its network, such as a balancing, is left out.
    """
    layers = layer._flatten_layers() if isinstance(layer, keras.layers.Layer) else []
    if not isinstance(layer, keras.Model):
        return layers
    return [each for each in layers if not getattr(each, "beside_the_network", False)]


def held_by(layer):
    """The layers that a layer holds, in the order in which it was given them."""
    return layer.layers if isinstance(layer, keras.Model) else layer._layers
