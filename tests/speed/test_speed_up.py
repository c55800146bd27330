"""What is sped up against what Keras computes: one contract for all layers."""

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_mtl
from keras_mtl.gradients._backend import of_backend
from keras_mtl.layers import CeilMaxPooling2D
from keras_mtl.speed import _ops

BACKEND = keras.backend.backend()
# Where anything at all is done with a layer.
SPED_UP = {
    "torch": {
        *("AveragePooling2D", "BatchNormalization", "CeilMaxPooling2D", "Conv2D"),
        *("DepthwiseConv2D", "MaxPooling2D", "SeparableConv2D"),
    },
    "jax": {"Conv2D", "DepthwiseConv2D"},
    "tensorflow": {"Conv2D"},
}[BACKEND]


def pick(rng, *values):
    return values[rng.integers(len(values))]


def window(rng, name, sizes):
    """A window, its strides and padding, as arguments."""
    strides = pick(rng, 1, 2, (2, 1), (1, 3))
    return {
        name: (pick(rng, *sizes), pick(rng, *sizes)),
        "strides": strides,
        "padding": pick(rng, "same", "valid"),
    }


def convolution(rng):
    options = window(rng, "kernel_size", (1, 2, 3, 5))
    groups = pick(rng, 1, 1, 2, 4)
    if options["strides"] == 1:
        options["dilation_rate"] = pick(rng, 1, 2, (1, 2))
    return layers.Conv2D(
        groups * pick(rng, 2, 3),
        groups=groups,
        use_bias=pick(rng, True, False),
        activation=pick(rng, None, "relu"),
        **options,
    )


def separable(rng):
    return layers.SeparableConv2D(
        5,
        pick(rng, 1, 3),
        pick(rng, 1, 2),
        pick(rng, "same", "valid"),
        depth_multiplier=pick(rng, 1, 2),
        activation=pick(rng, None, "relu"),
        use_bias=pick(rng, True, False),
    )


def depthwise(rng):
    options = window(rng, "kernel_size", (1, 2, 3))
    options["strides"] = pick(rng, 1, 2)
    if options["strides"] == 1:
        options["dilation_rate"] = pick(rng, 1, 2)
    return layers.DepthwiseConv2D(
        depth_multiplier=pick(rng, 1, 3),
        use_bias=pick(rng, True, False),
        activation=pick(rng, None, "tanh"),
        **options,
    )


def normalization(rng):
    return layers.BatchNormalization(
        axis=pick(rng, -1, 3),
        momentum=pick(rng, 0.9, 0.5, 0.0),
        epsilon=pick(rng, 1e-3, 1e-5),
        center=pick(rng, True, False),
        scale=pick(rng, True, False),
        trainable=pick(rng, True, True, False),
        renorm=pick(rng, False, False, False, True),
    )


def pooling(kind):
    return lambda rng: kind(**window(rng, "pool_size", (2, 3)))


def ceil_pooling(rng):
    return CeilMaxPooling2D(*pick(rng, (3, 2, 0), (3, 2, 1), (2, 2, 0), (3, 1, 2), (5, 2, 3)))


KINDS = {
    "Conv2D": convolution,
    "DepthwiseConv2D": depthwise,
    "SeparableConv2D": separable,
    "BatchNormalization": normalization,
    "MaxPooling2D": pooling(layers.MaxPooling2D),
    "AveragePooling2D": pooling(layers.AveragePooling2D),
    "CeilMaxPooling2D": ceil_pooling,
}


def pair(layer, shape, rng):
    """A layer as it is, and a copy of it that is sped up, with weights drawn for both."""
    fast = type(layer).from_config(layer.get_config())
    layer.build(shape)
    fast.build(shape)
    weights = [rng.uniform(0.5, 1.5, w.shape).astype(w.dtype) for w in layer.weights]
    fast.set_weights(weights)
    keras_mtl.speed_up(fast)
    layer.set_weights(weights)
    return layer, fast


def everything(layer, x, cotangent_rng, training):
    """Outputs, gradients of all that has one, and the state afterwards, as arrays."""
    variables = [*layer.trainable_variables, *layer.non_trainable_variables]
    others = [v.value for v in layer.non_trainable_variables]
    options = {"training": training} if isinstance(layer, layers.BatchNormalization) else {}

    def run(primals):
        values = zip(variables, [*primals[1:], *others], strict=True)
        # Not `stateless_call`, which leaves out the casts of mixed precision.
        with keras.StatelessScope(values) as scope:
            outputs = layer(primals[0], **options)
        return [outputs], [scope.get_current_value(v) for v in layer.non_trainable_variables]

    primals = [ops.convert_to_tensor(x), *(v.value for v in layer.trainable_variables)]
    (outputs,), state, pullback = of_backend().vjp(run, primals)
    cotangent = ops.cast(cotangent_rng.normal(size=outputs.shape), outputs.dtype)
    gradients = pullback([cotangent])
    found = [outputs, *gradients, *state]
    return [ops.convert_to_numpy(ops.cast(each, "float64")) for each in found]


def assert_same(layer, fast, x, tolerance, training=False):
    theirs, ours = (
        everything(each, x, np.random.default_rng(1), training) for each in (layer, fast)
    )
    for a, b in zip(theirs, ours, strict=True):
        scale = np.abs(a).max(initial=1e-30)
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * max(scale, 1e-3))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", sorted(SPED_UP))
def test_results_gradients_and_statistics_are_those_of_keras(kind, seed):
    rng = np.random.default_rng(seed)
    layer = KINDS[kind](rng)
    shape = (pick(rng, 1, 3), int(rng.integers(7, 12)), int(rng.integers(7, 12)), 4)
    layer, fast = pair(layer, shape, rng)
    assert "call" in vars(fast) or "convolution_op" in vars(fast)
    # Of few values, so that there are ties in the windows of a pooling.
    x = (rng.integers(-4, 5, shape) / 4 + pick(rng, 0, 1)).astype("float32")
    for training in (False, True):
        assert_same(layer, fast, x, 5e-6, training)


@pytest.mark.skipif(BACKEND == "tensorflow", reason="has none of it on the CPU")
@pytest.mark.parametrize("kind", sorted(SPED_UP - {"CeilMaxPooling2D"}))
def test_channels_may_come_first(kind):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        layer = KINDS[kind](rng)
        config = {**layer.get_config(), "data_format": "channels_first"}
        if kind == "BatchNormalization":
            config = {**layer.get_config(), "axis": 1}
        layer, fast = pair(type(layer).from_config(config), (2, 4, 9, 8), rng)
        x = rng.normal(size=(2, 4, 9, 8)).astype("float32")
        assert_same(layer, fast, x, 3e-6, training=True)


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16", "mixed_float16", "bfloat16"])
@pytest.mark.parametrize("kind", sorted(SPED_UP))
def test_other_precisions_are_those_of_keras(kind, dtype):
    rng = np.random.default_rng(3)
    config = {**KINDS[kind](rng).get_config(), "dtype": dtype}
    layer = type(KINDS[kind](rng)).from_config(config)
    layer, fast = pair(layer, (2, 8, 8, 4), rng)
    x = ops.cast(rng.normal(size=(2, 8, 8, 4)), layer.compute_dtype)
    double = 3e-6 if BACKEND == "jax" else 1e-12  # Which JAX is not asked for here.
    tolerance = {"float64": double, "mixed_float16": 3e-3}.get(dtype, 2e-2)
    if kind != "BatchNormalization" or dtype != "bfloat16":
        assert fast(x).dtype == layer(x).dtype
    assert_same(layer, fast, x, tolerance)


def test_a_lone_filter_learns_from_a_lone_small_picture():
    """On PyTorch Keras 3.15 fails: "slow_conv2d: grad_weight must be contiguous"."""
    layer = layers.Conv2D(1, 3)
    layer.build((1, 8, 8, 4))
    keras_mtl.speed_up(layer)
    found = everything(layer, np.ones((1, 8, 8, 4), "float32"), np.random.default_rng(0), True)
    assert found[2].shape == (3, 3, 4, 1) and np.all(found[2] == found[2][0, 0, 0, 0])


def test_a_vector_is_normalized_as_a_map_is(rng):
    for shape in ((6, 5), (6, 3, 5)):
        layer, fast = pair(layers.BatchNormalization(), shape, rng)
        assert_same(layer, fast, rng.normal(size=shape).astype("float32"), 3e-6, training=True)


@pytest.mark.parametrize("kind", [layers.MaxPooling2D, layers.AveragePooling2D])
def test_padding_is_taken_in_any_case(rng, kind):
    layer, fast = pair(kind(3, 2, "SAME"), (2, 8, 8, 3), rng)
    assert_same(layer, fast, rng.normal(size=(2, 8, 8, 3)).astype("float32"), 1e-6)


@pytest.mark.parametrize("size", [(4, 2, 2, 3), (0, 2, 2, 3), (1, 1, 1, 3)])
def test_statistics_of_little_are_those_of_keras(size):
    """A channel that is dead or hardly varies, no examples, or a lone one."""
    options = {"epsilon": 0.0} if size[0] == 4 else {}
    layer, fast = pair(layers.BatchNormalization(**options), size, np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=size).astype("float32") * [1, 1e-4, 0]
    states = []
    for each in (layer, fast):
        each(x.astype("float32"), training=True)
        states.append([ops.convert_to_numpy(v) for v in each.non_trainable_variables])
    for theirs, ours in zip(*states, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)


def test_inputs_may_be_of_another_precision_than_the_layer(rng):
    for dtype, given in (("mixed_float16", "float32"), ("float32", "float64")):
        layer, fast = pair(layers.BatchNormalization(autocast=False, dtype=dtype), (4, 5), rng)
        fast.autocast = False  # Which the configuration does not hold.
        x = ops.cast(rng.normal(size=(4, 5)), given)
        assert fast(x, training=True).dtype == layer(x, training=True).dtype


@pytest.mark.skipif(BACKEND != "jax", reason="Keras itself refuses it")
def test_a_map_may_be_empty():
    layer = layers.Conv2D(4, 1)
    layer.build((1, 8, 8, 3))
    keras_mtl.speed_up(layer)
    assert layer(np.ones((1, 0, 8, 3), "float32")).shape == (1, 0, 8, 4)


def test_a_mask_counts(rng):
    layer, fast = pair(layers.BatchNormalization(), (4, 3, 3, 5), rng)
    x = rng.normal(size=(4, 3, 3, 5)).astype("float32")
    mask = rng.random((4, 3, 3)) < 0.5
    a, b = (each(x, training=True, mask=ops.convert_to_tensor(mask)) for each in (layer, fast))
    np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


@pytest.mark.skipif(BACKEND == "torch", reason="takes none")
@pytest.mark.parametrize(
    "options, by_patches",
    [
        (dict(kernel_size=6, padding="same"), True),
        (dict(kernel_size=(11, 7), strides=(4, 2)), True),
        (dict(kernel_size=6, groups=2), True),
        (dict(kernel_size=6, activation="relu", use_bias=False), True),
        (dict(kernel_size=3, dilation_rate=2), False),
    ],
)
def test_a_product_of_patches_is_the_convolution(rng, monkeypatch, options, by_patches):
    calls, patches = [], _ops.by_patches
    monkeypatch.setattr(_ops, "LARGE_KERNEL", 0)
    monkeypatch.setattr(_ops, "KERNEL_TO_MAP", 0)
    monkeypatch.setattr(_ops, "KERNEL_TO_MAP_ON_JAX", 0)
    monkeypatch.setattr(_ops, "by_patches", lambda *args: calls.append(1) or patches(*args))
    shape = (2, 14, 13, 4)
    layer, fast = pair(layers.Conv2D(8, **options), shape, rng)
    assert_same(layer, fast, rng.normal(size=shape).astype("float32"), 1e-5)
    assert bool(calls) == by_patches


@pytest.mark.skipif(BACKEND == "torch", reason="takes none")
@pytest.mark.parametrize(
    "side, kernel, where",
    [
        (13, (6, 6, 256, 4096), {"jax", "tensorflow"}),
        (8, (1, 1, 4096, 4096), {"jax", "tensorflow"}),
        (24, (1, 1, 64, 256), {"jax", "tensorflow"}),
        (3, (3, 3, 512, 512), {"jax"}),
        (96, (7, 7, 3, 64), set()),
        (64, (3, 3, 1024, 512), set()),
        (27, (3, 3, 192, 384), set()),
    ],
)
def test_which_kernels_are_products(side, kernel, where):
    layer = layers.Conv2D(kernel[3], kernel[:2])
    inputs = (4, side, side, kernel[2])
    assert _ops.takes_patches(layer, inputs, kernel) == (BACKEND in where)
    # As PyTorch and JAX have the batch of a model that is exported.
    assert _ops.takes_patches(layer, (object(), *inputs[1:]), kernel) in (True, False)
    layer.dilation_rate = (2, 2)
    assert not _ops.takes_patches(layer, inputs, kernel)


def small_network():
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    return keras.Model(image, layers.MaxPooling2D(2, name="pool")(x))


def sped_up(model):
    return {each.name for each in model.layers if {"call", "convolution_op"} & vars(each).keys()}


ALL = {
    "torch": {"conv", "norm", "depthwise", "pool"},
    "jax": {"conv", "depthwise"},
    "tensorflow": {"conv"},
}[BACKEND]


def test_the_layers_stay_what_they_are(tmp_path, rng):
    model = keras_mtl.speed_up(small_network())
    plain = small_network()
    assert sped_up(model) == ALL and sped_up(plain) == set()
    assert [type(each) for each in model.layers] == [type(each) for each in plain.layers]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert sped_up(again) == set()
    x = rng.normal(size=(2, 12, 12, 3)).astype("float32")
    np.testing.assert_allclose(model.predict(x, verbose=0), again.predict(x, verbose=0), atol=1e-6)
    assert sped_up(keras.models.clone_model(model)) == set()
    keras_mtl.speed_up(again)
    again.load_weights(tmp_path / "model.keras")
    np.testing.assert_allclose(model.predict(x, verbose=0), again.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("fast", [True, False])
def test_a_model_is_as_fast_as_its_tower_says(tmp_path, fast):
    model = keras_mtl.MultiTaskModel(
        keras_mtl.towers.Tower(small_network(), cuts=["norm"], fast=fast),
        keras_mtl.sharing.Branched.hard_sharing(),
        {"a": layers.Conv2D(1, 1), "b": layers.Dense(1)},
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, again):
        assert each.fast == fast
        assert bool(sped_up(each.stage("a", "norm"))) == fast
        assert bool(sped_up(each) == {"a_head"}) == fast
    assert again.tower("a").fast == fast


def test_a_sped_up_model_is_a_layer_of_another_and_is_freed(rng):
    model = keras_mtl.speed_up(small_network())
    image = keras.Input((12, 12, 3))
    outer = keras.Model(image, layers.Flatten()(model(image)))
    assert outer(rng.normal(size=(2, 12, 12, 3)).astype("float32")).shape == (2, 16)
    gone = weakref.ref(model)
    del model, outer, image
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "multi", "scaled"])
def test_training_goes_as_that_of_keras(rng, optimizer):
    """The state of an optimizer lies as the kernels do; numbers do not depend on it."""

    def made(fast):
        sgd = keras.optimizers.SGD(0.1, momentum=0.9)
        multi = keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(sgd, {"conv": keras.optimizers.Adam(0.01)})
        )
        optimizers = {
            "sgd": sgd,
            "adam": keras.optimizers.Adam(0.01, use_ema=True),
            "multi": multi,
            "scaled": keras.optimizers.LossScaleOptimizer(sgd),
        }
        model = keras_mtl.MultiTaskModel(
            keras_mtl.towers.Tower(tower, cuts=["norm"], fast=fast),
            keras_mtl.sharing.CrossStitched(after=["norm"]),
            {"a": head(), "b": head()},
        )
        model.compile(optimizers[optimizer], {"a": "mse", "b": "mse"})
        return model

    def head():
        return keras.Sequential([layers.Flatten(), layers.Dense(1)])

    tower = small_network()
    x = rng.normal(size=(4, 12, 12, 3)).astype("float32")
    y = {"a": x[:, 0, 0, :1], "b": x[:, 0, 1, :1]}
    fast, plain = made(True), made(False)
    plain.set_weights(fast.get_weights())
    for _ in range(3):
        for model in (fast, plain):
            model.train_on_batch(x, y)
    for a, b in zip(fast.weights, plain.weights, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(a), ops.convert_to_numpy(b), atol=2e-4, rtol=2e-4
        )
    if BACKEND == "torch" and optimizer in ("sgd", "adam"):
        kernel = next(
            v
            for v in fast.variables
            if v.path.endswith("norm_conv/kernel") or v.path.endswith("_conv/kernel")
        )
        states = [s for s in fast.optimizer.variables if s.shape == kernel.shape]
        assert states and {s.value.stride() for s in states} == {kernel.value.stride()}
        assert not kernel.value.is_contiguous()
