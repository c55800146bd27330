"""What every layer of the library must do, heads among them; their tables say of which kinds."""

import functools
import inspect
import json
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

ROUNDING = {"mixed_float16": 5e-3, "mixed_bfloat16": 4e-2}


def draw(*shape):
    """Numbers of order 1, the same in every run."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


@dataclass
class Case:
    """A layer with options other than its defaults, and what is known of it."""

    kind: type
    options: dict[str, Any]
    inputs: tuple  # The arguments of its call: arrays, or lists of them.
    weights: int = 0  # Those that are trained.
    fixed: int = 0  # Those that are not.
    sizes: tuple | None = None  # Of each array without the batch; `None` is an unknown one.
    trained: int = 99  # How many of the arrays, of the first ones, get a gradient.
    macs: int | None = None  # `None` if it has no such method.
    dtype: str | None = None  # Of its outputs, whatever the policy; `None` for that of the policy.
    more: dict[str, Any] = field(default_factory=dict)

    def make(self, **options):
        return self.kind(**self.options, **options)

    def symbols(self):
        """Symbolic tensors in the place of the inputs, whose sizes may be unknown."""
        arrays = keras.tree.flatten(self.inputs)
        sizes = self.sizes or [array.shape[1:] for array in arrays]
        dtypes = [str(array.dtype) for array in arrays]
        return [keras.Input(size, dtype=each) for size, each in zip(sizes, dtypes, strict=True)]

    def call(self, layer, tensors):
        return keras.tree.flatten(layer(*keras.tree.pack_sequence_as(self.inputs, tensors)))


def value(tensor):
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def outputs_of(layer, *inputs):
    """What a layer, or a model, makes of arrays, one after the other."""
    call = layer
    if keras.backend.backend() == "jax":
        import jax  # compiles one graph instead of every operation

        call = jax.jit(layer)
    return keras.tree.flatten(call(*inputs))


def shake(layer):
    """Moves all weights away from where their initializers have them."""
    for weight in layer.weights:
        if weight.dtype == "int32":
            weight.assign(weight - 1)
        else:
            weight.assign(weight + ops.cast(0.1 * draw(*weight.shape), weight.dtype))


def check_table(cases, package, but=()):
    """Every class of a package is in its table, and every argument with more than its default."""
    public = {getattr(package, name) for name in package.__all__} - {*but}
    assert {case.kind for case in cases.values()} == {x for x in public if isinstance(x, type)}
    for kind in {case.kind for case in cases.values() if "__init__" in vars(case.kind)}:
        given = [case.options for case in cases.values() if case.kind is kind]
        for name, argument in inspect.signature(kind).parameters.items():
            if name not in ("kwargs", "name", "dtype", "reduction"):
                values = [options.get(name, argument.default) for options in given]
                assert any(each is not argument.default for each in values), (kind, name)


def check_configuration(case, _=None):
    """It can be written as JSON, holds every argument, and makes an equal object."""
    is_layer = issubclass(case.kind, keras.layers.Layer)
    common = dict(name="mine", trainable=False, dtype="mixed_bfloat16") if is_layer else {}
    made = case.make(**common)
    written = keras.saving.serialize_keras_object(made)
    assert written["registered_name"] == f"keras_mtl>{case.kind.__name__}"
    twin = keras.saving.deserialize_keras_object(json.loads(json.dumps(written)))
    assert type(twin) is case.kind and twin.name == made.name
    if is_layer:
        assert (made.name, made.trainable, twin.trainable) == ("mine", False, False)
        assert twin.dtype_policy == made.dtype_policy
    config = json.loads(json.dumps(made.get_config()))
    assert json.loads(json.dumps(twin.get_config())) == config
    assert json.loads(json.dumps(case.kind.from_config(made.get_config()).get_config())) == config
    assert set(inspect.signature(case.kind).parameters) - {"kwargs"} <= {*config, "dtype"}
    for name, option in case.options.items():
        if not isinstance(config[name], dict):  # What Keras writes in a form of its own.
            assert config[name] == json.loads(json.dumps(option)), name


def check_shapes(case, _):
    """Built by its call; shapes are what they are said to be, with all sizes and without some."""
    layer, symbols = case.make(), case.symbols()
    assert not layer.built
    outputs = case.call(layer, symbols)
    assert layer.built and len(layer.trainable_weights) == case.weights
    assert len(layer.non_trainable_weights) == case.fixed

    def said(tensors):
        shapes = keras.tree.pack_sequence_as(case.inputs, [tuple(x.shape) for x in tensors])
        shapes = layer.compute_output_shape(*shapes)
        return keras.tree.flatten(keras.tree.map_shape_structure(keras.KerasTensor, shapes))

    arrays = keras.tree.flatten(case.inputs)
    for number, symbol in enumerate(symbols):  # Of twice the size where it may be any.
        for axis, size in enumerate(symbol.shape[1:], 1):
            times = 2 if size is None else 1
            arrays[number] = np.concatenate([arrays[number]] * times, axis=axis)
    found = outputs_of(layer, *keras.tree.pack_sequence_as(case.inputs, arrays))
    for tensors, results in ((arrays, found), (symbols, outputs)):
        assert [x.shape for x in said(tensors)] == [tuple(x.shape) for x in results]
    for symbol, tensor in zip(outputs, found, strict=True):
        assert all(n in (None, m) for n, m in zip(symbol.shape, tensor.shape, strict=True))
        assert symbol.dtype == keras.backend.standardize_dtype(tensor.dtype)
    if keras.backend.backend() == "tensorflow":
        for ours, theirs in zip(_in_a_graph(case, layer, symbols, arrays), found, strict=True):
            np.testing.assert_allclose(value(ours), value(theirs), rtol=1e-4, atol=1e-5)
    assert hasattr(layer, "macs") == (case.macs is not None)
    if case.macs is not None:
        one = keras.tree.map_structure(lambda x: (1, *x.shape[1:]), case.inputs[0])
        assert layer.macs(one) == case.macs


def _in_a_graph(case, layer, symbols, arrays):
    """What is computed where sizes are unknown in earnest: elsewhere arrays tell theirs."""
    import tensorflow as tf

    kinds = [tf.TensorSpec(symbol.shape, symbol.dtype) for symbol in symbols]
    return tf.function(lambda *tensors: case.call(layer, tensors), input_signature=kinds)(*arrays)


def check_files_and_training(case, tmp_path):
    """A file keeps weights and outputs; a step moves its weights and those in front of it."""
    layer, symbols = case.make(), case.symbols()
    fronts = [
        keras.layers.Dense(x.shape[-1], kernel_initializer="identity")(x)
        if number < case.trained and x.dtype == "float32"
        else x
        for number, x in enumerate(symbols)
    ]
    model = keras.Model(symbols, case.call(layer, fronts))
    shake(layer)
    model.summary(print_fn=lambda *_, **__: None)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(value(ours), value(theirs))
    arrays = keras.tree.flatten(case.inputs)
    expected = [value(x) for x in outputs_of(layer, *case.inputs)]
    for ours, theirs in zip(expected, outputs_of(loaded, arrays), strict=True):
        np.testing.assert_allclose(value(theirs), ours, rtol=1e-4, atol=1e-5)
    loaded.compile("sgd", ["mse"] * len(expected))
    before = [value(weight) for weight in loaded.trainable_weights]
    loaded.fit(arrays, [np.ones_like(x) for x in expected], batch_size=len(arrays[0]), verbose=0)
    for old, weight in zip(before, loaded.trainable_weights, strict=True):
        assert np.isfinite(value(weight)).all() and (value(weight) != old).any(), weight.path


def check_precision(policy, case, _):
    """Outputs have the documented type, near those in full; products are in half precision."""
    full, half = case.make(), case.make(dtype=policy)
    case.call(full, case.symbols())
    symbols = case.call(half, case.symbols())
    shake(full)
    half.set_weights(full.get_weights())
    found = outputs_of(half, *case.inputs)
    assert {x.dtype for x in symbols} == {case.dtype or half.compute_dtype}
    assert {keras.backend.standardize_dtype(x.dtype) for x in found} == {x.dtype for x in symbols}
    for ours, tensor in zip(outputs_of(full, *case.inputs), found, strict=True):
        size = max(1, np.abs(value(ours)).max())
        np.testing.assert_allclose(value(tensor), value(ours), atol=ROUNDING[policy] * size, rtol=0)
    assert {weight.dtype for weight in half.weights} <= {"float32", "int32"}
    products = [layer for layer in half._flatten_layers() if hasattr(layer, "kernel")]
    assert {layer.compute_dtype for layer in products} <= {half.compute_dtype}


CHECKS = {
    "configuration": check_configuration,
    "shapes": check_shapes,
    "files and training": check_files_and_training,
    **{policy: functools.partial(check_precision, policy) for policy in ROUNDING},
}
"""Of a case and a folder for files."""


def contract(cases, on_one=()):
    """Every case with every check, of which some run on one backend, as do some cases."""
    one, there = pytest.mark.one_backend, ("configuration", "mixed_bfloat16")
    return [
        pytest.param(name, check, marks=[one] * (name in on_one or check in there))
        for name in cases
        for check in CHECKS
    ]
