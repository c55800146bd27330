"""All layers of a model, those of the models within it as well."""

import keras


def layers_by_path(model, kind=keras.layers.Layer, prefix=""):
    """Pairs of a path and a layer of some class, such as `("tower/conv1", layer)`."""
    for layer in model.layers:
        if isinstance(layer, kind):
            yield f"{prefix}{layer.name}", layer
        if isinstance(layer, keras.Model):
            yield from layers_by_path(layer, kind, f"{prefix}{layer.name}/")
