"""What every layer of the library must do, in one call."""

import keras
import numpy as np
from keras import ops


def check_layer(layer, inputs, tmp_path, *, weights=0):
    """Checks shapes, configuration, saving, mixed precision and one step of training.

    Args:
        layer: an unbuilt layer.
        inputs: a NumPy array, or a list of them for a layer that is called on a list.
        tmp_path: folder for the saved model.
        weights: number of weights the layer must have.
    """
    several = isinstance(inputs, list)
    batch = inputs if several else [inputs]
    symbolic = [keras.Input(array.shape[1:]) for array in batch]
    outputs = layer(symbolic if several else symbolic[0])
    model = keras.Model(symbolic, outputs)
    assert len(layer.weights) == weights

    results = keras.tree.flatten(layer(inputs))
    shapes = layer.compute_output_shape(
        [array.shape for array in inputs] if several else inputs.shape
    )
    shapes = shapes if several else [shapes]
    assert [tuple(result.shape) for result in results] == [tuple(shape) for shape in shapes]
    for result, tensor in zip(results, keras.tree.flatten(outputs), strict=True):
        assert tuple(result.shape)[1:] == tuple(tensor.shape)[1:]

    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()

    path = tmp_path / f"{layer.name}.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    for ours, theirs in zip(
        keras.tree.flatten(model(batch)), keras.tree.flatten(loaded(batch)), strict=True
    ):
        np.testing.assert_array_equal(ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs))

    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_float16"})
    for result in keras.tree.flatten(half(inputs)):
        assert keras.backend.standardize_dtype(result.dtype) in ("float16", "float32")
        assert np.isfinite(ops.convert_to_numpy(result)).all()

    _check_training(type(layer).from_config(layer.get_config()), batch, several)


def _check_training(layer, batch, several):
    """One step moves the layer's weights and, through its gradient, those of a layer before it."""
    symbolic = [keras.Input(array.shape[1:]) for array in batch]
    before_it = [keras.layers.Dense(each.shape[-1])(each) for each in symbolic]
    outputs = keras.tree.flatten(layer(before_it if several else before_it[0]))
    model = keras.Model(symbolic, outputs)
    model.compile("sgd", loss=["mse"] * len(outputs) if len(outputs) > 1 else "mse")
    before = [ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    targets = [np.ones(tuple(output.shape)[1:], "float32") for output in outputs]
    targets = [np.stack([target] * len(batch[0])) for target in targets]
    model.fit(batch, targets if len(targets) > 1 else targets[0], verbose=0)
    for old, weight in zip(before, model.trainable_weights, strict=True):
        assert np.abs(ops.convert_to_numpy(weight) - old).max() > 0, weight.path
