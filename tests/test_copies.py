"""Copies of layers: towers, heads, gates and files keep what stands in no configuration."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras.src.utils import module_utils

import keras_mtl
from keras_mtl import MultiTaskModel, fold, geometry, heads, modulate
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated
from keras_mtl.towers import Tower

SHARINGS = {
    "independent": Branched.independent(),
    "hard": Branched.hard_sharing(),
    "split": Branched.split("two"),
    "stitched": CrossStitched(["one"], alpha=(1.0, 0.0)),
    "latent": LatentShared(3),
    "learned": AdaShared(),
    "fixed": AdaShared({"a": "1", "b": "1"}),
    "modulated": Modulated(["one"]),
}


def tower_of(*before, middle=(), size=4):
    """Two stages of a convolution each, the second of which can be skipped."""
    image = x = keras.Input((size, size, 3), name="image")
    for layer in before:
        x = layer(x)
    x = layers.Conv2D(4, 3, padding="same", name="one")(x)
    for layer in middle:
        x = layer(x)
    return Tower(keras.Model(image, layers.Conv2D(4, 1, name="two")(x)), ["one"])


def pooled(units, **options):
    return keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(units, **options)])


def model_of(tower, sharing="independent", **of_heads):
    return MultiTaskModel(tower, SHARINGS[sharing], of_heads or {"a": pooled(2), "b": pooled(1)})


def images(rng, count=2, size=4):
    return rng.random((count, size, size, 3)).astype("float32")


def saved(model, folder, **options):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras", **options)


def assert_same(ours, theirs, **tolerance):
    assert list(ours) == list(theirs)
    for task in ours:
        np.testing.assert_allclose(ours[task], theirs[task], **{"atol": 1e-6, **tolerance})


# What stands in neither configuration nor weights


@pytest.mark.parametrize("nested", [False, True])
def test_an_adapted_normalization_is_adapted_in_every_copy(rng, nested):
    normalization = layers.Normalization()
    x = images(rng, 8) * 7 + 3
    normalization.adapt(x)
    first = keras.Sequential([normalization]) if nested else normalization
    tower = tower_of(first)
    expected = ops.convert_to_numpy(tower.model(x))
    heads = {"a": layers.Identity(), "b": layers.Identity()}
    model = MultiTaskModel(tower, CrossStitched(alpha=(1.0, 0.0)), heads)
    np.testing.assert_allclose(model.predict_on_batch(x)["b"], expected, atol=1e-5)
    other = MultiTaskModel(tower_of(layers.Normalization()), Branched.independent(), heads)
    if not nested:
        other.initialize_from(model)
        np.testing.assert_allclose(other.predict_on_batch(x)["b"], expected, atol=1e-5)
    gated = modulate(tower.model, 2, after=["one"])
    batch = [x, np.zeros(8, "int32")]
    np.testing.assert_allclose(gated.predict_on_batch(batch), expected, atol=1e-5)
    np.testing.assert_allclose(fold(gated, 0).predict_on_batch(x), expected, atol=1e-5)


def test_a_lookup_has_its_table_in_every_copy(monkeypatch):
    monkeypatch.setattr(module_utils.tensorflow, "_available", None)  # Keras' lookups need it.
    lookup = layers.IntegerLookup(output_mode="one_hot")
    lookup.adapt(np.array([3, 5, 9]))
    words = keras.Input((1,), dtype="int32")
    try:
        net = keras.Model(words, layers.Dense(2, name="one")(lookup(words)))
    except Exception as error:  # Keras itself has no symbolic lookup here.
        pytest.skip(f"{type(error).__name__}: {error}")
    x = np.array([[9], [3], [7]])
    model = MultiTaskModel(
        Tower(net, []), Branched.independent(), {"a": layers.Identity(), "b": layers.Identity()}
    )
    np.testing.assert_allclose(model.predict_on_batch(x)["b"], net.predict_on_batch(x), atol=1e-6)


class OwnHead(keras.Model):
    """No `build`: its weights are made when it is called."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.pool = layers.GlobalAveragePooling2D()
        self.score = layers.Dense(units)

    def call(self, x):
        return self.score(self.pool(x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Doubled(layers.Layer):
    """Takes nothing, not even a name."""

    def __init__(self):
        super().__init__()

    def call(self, x):
        return 2 * x


class Scaled(layers.Layer):
    """A layer that Keras does not know, of a function that it does not know."""

    def __init__(self, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)

    def call(self, x):
        return self.activation(x)

    def get_config(self):
        config = {"activation": keras.activations.serialize(self.activation)}
        return {**super().get_config(), **config}


def halved(x):
    return x / 2


def small(weights):
    return 0.25 * ops.sum(ops.square(weights))


def test_a_head_that_is_a_model_of_its_own_trains_and_comes_back(rng, tmp_path):
    trained = OwnHead(3)
    trained(np.ones((1, 4, 4, 4), "float32"))
    model = model_of(tower_of(), a=OwnHead(), b=trained)
    for ours, theirs in zip(model.head("b").get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    model.compile("sgd", {"a": "mse", "b": "mse"})
    x = images(rng)
    model.fit(x, {"a": np.ones((2, 2)), "b": np.ones((2, 3))}, verbose=0)
    loaded = saved(model, tmp_path, custom_objects={"OwnHead": OwnHead})
    assert_same(loaded.predict_on_batch(x), model.predict_on_batch(x))


def test_functions_and_layers_that_keras_does_not_know_are_copied_as_they_are(rng, tmp_path):
    offset = 3.0  # What a function reads from around it is not in its code.
    first = layers.Lambda(lambda x: x + offset)
    inner = keras.Sequential([Scaled(halved), Doubled(), Scaled(lambda x: x - offset)])
    tower = tower_of(first, middle=[inner])
    x = images(rng)
    expected = ops.convert_to_numpy(tower.model(x))
    model = model_of(
        tower, a=layers.Identity(), b=pooled(1, activation=halved, kernel_regularizer=small)
    )
    np.testing.assert_allclose(model.predict_on_batch(x)["a"], expected, atol=1e-6)
    (kernel, _) = model.head("b").get_weights()
    np.testing.assert_allclose(float(model.losses[0]), 0.25 * (kernel**2).sum(), rtol=1e-5)
    gated = modulate(tower.model, 1, after=["one"])
    batch = [x, np.zeros(2, "int32")]
    np.testing.assert_allclose(gated.predict_on_batch(batch), expected, atol=1e-6)


class Unsayable(layers.Layer):
    def __init__(self, table, **kwargs):
        super().__init__(**kwargs)
        self.table = table

    def call(self, x):
        return x


class Forgetful(keras.Model):
    """Keras would note `units=2`, whatever is given."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.score = layers.Dense(units)

    def call(self, x):
        return self.score(x)


class ForgetfulGraph(keras.Model):
    def __init__(self, activation="relu", **kwargs):
        image = keras.Input((4, 4, 4))
        super().__init__(image, layers.Dense(2, activation=activation)(image), **kwargs)


@pytest.mark.one_backend
def test_a_layer_without_a_configuration_is_named():
    for head in (Forgetful(3), keras.Sequential([Forgetful(3)]), ForgetfulGraph("tanh")):
        with pytest.raises(TypeError, match="Forgetful.* has arguments, but no `get_config`"):
            model_of(tower_of(), a=head)
    with pytest.raises(TypeError, match="the layer 'strange' of class Unsayable.*get_config"):
        model_of(tower_of(Unsayable(object(), name="strange")))


@pytest.mark.parametrize("nested", [False, True])
def test_all_tasks_see_one_draw_of_an_augmentation(rng, nested):
    draw = layers.RandomTranslation(0.5, 0.5, fill_mode="constant")
    first = keras.Sequential([draw]) if nested else draw
    tower = tower_of(first, layers.Dropout(0.0), size=8)
    model = model_of(tower, a=layers.Identity(), b=layers.Identity())
    outputs = model(images(rng, 4, size=8), training=True)
    np.testing.assert_array_equal(*(ops.convert_to_numpy(outputs[task]) for task in "ab"))
    again = model(images(rng, 4, size=8), training=True)
    assert not np.array_equal(*(ops.convert_to_numpy(each["a"]) for each in (outputs, again)))


def test_noise_is_a_task_s_own_wherever_it_stands(rng):
    tower = tower_of(layers.Dropout(0.5, seed=1), middle=[layers.GaussianNoise(1.0, seed=2)])
    model = model_of(tower, a=layers.Identity(), b=layers.Identity())
    outputs = model(images(rng), training=True)
    assert not np.array_equal(*(ops.convert_to_numpy(outputs[task]) for task in "ab"))


# Files hold what the layers are now


def test_what_is_set_on_a_layer_is_in_the_file(rng, tmp_path):
    middle = [layers.BatchNormalization(name="norm"), layers.Dropout(0.1, name="drop")]
    of_heads = {
        "a": layers.Conv2D(2, 1, activation="relu"),
        "b": heads.SegmentationHead(3, (4, 4), 1),
        "c": layers.TimeDistributed(layers.Dense(2)),
    }
    model = MultiTaskModel(tower_of(middle=middle), Branched.independent(), of_heads)
    model.head("a").activation = keras.activations.tanh
    model.head("a").kernel_regularizer = keras.regularizers.L2(0.5)
    model.head("b").score.activation = keras.activations.sigmoid
    model.head("c").layer.trainable = False
    stage = model.stage("a", "two")
    stage.get_layer("a_norm").momentum = 0.5
    stage.get_layer("a_drop").rate = 0.7
    loaded = saved(model, tmp_path)
    x = images(rng)
    assert_same(loaded.predict_on_batch(x), model.predict_on_batch(x))
    assert loaded.head("a").kernel_regularizer.l2 == 0.5
    assert loaded.head("b").score.activation is keras.activations.sigmoid
    assert not loaded.head("c").layer.trainable and loaded.head("c").trainable
    assert loaded.stage("a", "two").get_layer("a_norm").momentum == 0.5
    assert loaded.stage("a", "two").get_layer("a_drop").rate == 0.7
    # And in the next model that is made of these parts.
    again = MultiTaskModel(
        model.tower("a"), Branched.independent(), {task: model.head(task) for task in "abc"}
    )
    assert again.head("b").score.activation is keras.activations.sigmoid
    assert again.stage("a", "two").get_layer("a_drop").rate == 0.7


@pytest.mark.parametrize("of_heads", ["plain", "detection"])
def test_a_quantized_model_comes_back(rng, tmp_path, of_heads):
    image = keras.Input((5,))
    tower = Tower(keras.Sequential([image, layers.Dense(4, name="one")]), [])
    kinds = {
        "plain": {"a": layers.Dense(2), "b": layers.Dense(1)},
        "detection": {"a": heads.AttributesHead(2), "b": heads.DetectionHead(2)},
    }
    model = MultiTaskModel(tower, Branched.hard_sharing(), kinds[of_heads])
    model.quantize("int8")
    loaded = saved(model, tmp_path)
    x = rng.random((2, 5)).astype("float32")
    assert_same(loaded.predict_on_batch(x), model.predict_on_batch(x))
    assert loaded.stage("a", "one").layers[-1].quantization_mode == "int8"


@keras.saving.register_keras_serializable("tests")
class Backbone(keras.Model):
    """Names its layers anew whenever it is made, as backbones of Keras Hub do."""

    def __init__(self, width=4, **kwargs):
        image = keras.Input((4, 4, 3))
        x = layers.Conv2D(width, 1)(image)
        super().__init__(image, layers.Conv2D(width, 1)(layers.ReLU()(x)), **kwargs)
        self.width = width

    def get_config(self):
        return {"width": self.width}


def test_a_tower_whose_class_names_its_layers_comes_back(rng, tmp_path):
    net = Backbone()
    cut = net.layers[1].name
    tower = Tower(net, [cut])
    model = MultiTaskModel(tower, CrossStitched([cut]), {"a": pooled(2), "b": pooled(1)})
    x = images(rng)
    assert_same(saved(model, tmp_path).predict_on_batch(x), model.predict_on_batch(x))
    assert Tower.from_config(tower.get_config()).stages == tower.stages
    assert model.tower("b").stages == tower.stages


class Holder(layers.Layer):
    """A layer of parts, of which its configuration says nothing, not even its own name."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.last = self.parts()

    def build(self, shape):
        for part in (self.first, self.last):
            part.build(shape)
            shape = part.compute_output_shape(shape)

    def call(self, x):
        return self.last(self.first(x))


class OfRecurrent(Holder):
    def parts(self):
        return layers.LSTM(2, return_sequences=True), layers.Bidirectional(layers.GRU(2))


class OfLambda(Holder):
    def parts(self):
        return layers.Lambda(lambda x: x + 1), layers.Dense(2, activation=lambda x: x)


class Lazy(layers.Layer):
    def build(self, shape):
        self.inner = layers.Dense(4)
        self.inner.build(shape)

    def call(self, x):
        return self.inner(x)

    def compute_output_shape(self, shape):
        return (*shape[:-1], 4)


class OfLazy(Holder):
    def parts(self):
        return Lazy(), layers.Dense(2, activation="tanh")


OWN = {each.__name__: each for each in (OfRecurrent, OfLambda, OfLazy)}
SEQUENCE_HEADS = {
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(2)),
    "cells": lambda: layers.RNN([layers.LSTMCell(2), layers.LSTMCell(2)]),
    **{name: each for name, each in OWN.items()},
}


@pytest.mark.parametrize("head", SEQUENCE_HEADS)
def test_heads_of_parts_are_made_and_come_back_as_in_plain_keras(rng, tmp_path, head):
    image = keras.Input((5, 3))
    tower = Tower(keras.Model(image, layers.Dense(3, name="one")(image)), [])
    model = MultiTaskModel(tower, Branched.hard_sharing(), {"a": SEQUENCE_HEADS[head]()})
    x = rng.random((2, 5, 3)).astype("float32")
    loaded = saved(model, tmp_path, custom_objects={**OWN, "Lazy": Lazy})
    assert_same(loaded.predict_on_batch(x), model.predict_on_batch(x))
    assert loaded.head("a").name == "a_head"
    if head == "OfLazy":
        assert model.head("a").first.inner.activation is keras.activations.linear


def test_what_is_frozen_in_a_head_that_is_not_built_stays_frozen():
    head = OwnHead()
    head.score.trainable = False
    assert not model_of(tower_of(), a=head).head("a").trainable_variables


def test_a_layer_that_is_called_twice_is_one_in_the_tower_of_a_model(rng):
    image = keras.Input((4,))
    twice = layers.Dense(4, name="twice")
    tower = Tower(keras.Model(image, layers.Dense(4, name="one 1")(twice(twice(image)))), [])
    model = MultiTaskModel(tower, Modulated(), {"a": layers.Identity(), "b": layers.Identity()})
    assert list(model.units) == model.stages == list(model.tower("a").stages) == ["one 1"]
    x = rng.random((2, 4)).astype("float32")
    np.testing.assert_allclose(
        fold(model, "a").predict_on_batch(x), model.predict_on_batch(x)["a"], atol=1e-6
    )


# Two properties of all that there is


def hard(tower):
    one = {"a": layers.Identity(), "b": layers.Identity()}
    return MultiTaskModel(tower, Branched.hard_sharing(), one)


def changed(model, rng):
    """The model, on whose layers all that a user may set has been set at random."""
    activations = [keras.activations.tanh, keras.activations.sigmoid, halved_and_known]
    for layer in model._flatten_layers():
        if hasattr(layer, "rate"):
            layer.rate = float(rng.uniform(0.1, 0.9))
        if hasattr(layer, "epsilon"):
            layer.epsilon = float(rng.uniform(0.1, 0.9))
        if getattr(layer, "activation", None) not in (None, keras.activations.linear):
            layer.activation = activations[rng.integers(len(activations))]
        if hasattr(layer, "negative_slope"):
            layer.negative_slope = float(rng.uniform(0.1, 0.9))
        if rng.random() < 0.3:
            layer.trainable = not layer.trainable
    model.make_predict_function(force=True)
    return model


@keras.saving.register_keras_serializable("tests")
def halved_and_known(x):
    return x / 2


def assert_comes_back_changed(model, x, folder, rng):
    loaded = saved(changed(model, rng), folder)
    assert_same(loaded.predict_on_batch(x), model.predict_on_batch(x), rtol=1e-5)
    flags = [[layer.trainable for layer in each._flatten_layers()] for each in (model, loaded)]
    assert flags[0] == flags[1]
    trained = [len(each.trainable_variables) for each in (model, loaded)]
    assert trained[0] == trained[1]


MIDDLE = {
    "roi": None,
    "lrn": lambda: [keras_mtl.layers.LocalResponseNormalization()],
    "pool": lambda: [keras_mtl.layers.CeilMaxPooling2D(2, 1)],
    "l2": lambda: [keras_mtl.layers.L2Normalization()],
    "usual": lambda: [
        layers.BatchNormalization(),
        layers.LeakyReLU(),
        layers.Dropout(0.2),
        layers.SeparableConv2D(4, 3, activation="relu"),
    ],
}
MIDDLE.pop("roi")


@pytest.mark.parametrize("middle", MIDDLE)
def test_every_layer_is_shared_and_comes_back(rng, tmp_path, middle):
    tower, x = tower_of(middle=MIDDLE[middle]()), images(rng)
    model = hard(tower)
    np.testing.assert_allclose(
        model.predict_on_batch(x)["b"], tower.model.predict_on_batch(x), atol=1e-6
    )
    assert_comes_back_changed(model, x, tmp_path, rng)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_every_sharing_starts_as_the_tower_and_comes_back(rng, tmp_path, sharing):
    tower, x = tower_of(middle=[layers.Dropout(0.3)]), images(rng)
    identity = {"a": layers.Identity(), "b": layers.Identity()}
    model = MultiTaskModel(tower, SHARINGS[sharing], identity)
    if sharing not in ("latent", "learned"):
        for output in model.predict_on_batch(x).values():
            np.testing.assert_allclose(output, tower.model.predict_on_batch(x), atol=1e-5)
    assert_comes_back_changed(model, x, tmp_path, rng)


HEADS = {
    "segmentation": lambda: heads.SegmentationHead(3, (8, 8), 2, dropout=0.2),
    "normals": lambda: heads.NormalsHead(geometry.NormalsCodebook.default(), (8, 8), 2),
    "depth": lambda: heads.DepthHead((8, 8), 2),
    "map": lambda: heads.MapHead((8, 8), 2),
    "aspp_segmentation": lambda: heads.ASPPSegmentationHead(3, (8, 8)),
    "aspp_normals": lambda: heads.ASPPNormalsHead((8, 8)),
    "aspp_depth": lambda: heads.ASPPDepthHead((8, 8)),
    "aspp_map": lambda: heads.ASPPMapHead((8, 8)),
    "attributes": lambda: heads.AttributesHead(3, dropout=0.2),
    "detection": lambda: heads.DetectionHead(3, dropout=0.2),
}


@pytest.mark.parametrize("head", HEADS)
def test_every_head_comes_back(rng, tmp_path, head):
    model = MultiTaskModel(tower_of(), Branched.independent(), {"a": HEADS[head]()})
    assert_comes_back_changed(model, images(rng), tmp_path, rng)


def test_no_head_is_forgotten():
    made = {type(make()).__name__ for make in HEADS.values()}
    known = {name for name in heads.__all__ if name.endswith("Head")}
    assert known - made == {"FCNHead", "ASPPHead"} & known


APPLICATIONS = {
    "MobileNet": ((32, 32), "conv_pw_3_relu"),
    "MobileNetV2": ((32, 32), "block_3_project_BN"),
    "MobileNetV3Small": ((32, 32), None),
    "EfficientNetB0": ((32, 32), "block2a_project_bn"),
    "EfficientNetV2B0": ((32, 32), None),
    "ResNet50": ((32, 32), "conv2_block1_out"),
    "ResNet50V2": ((32, 32), "conv2_block1_out"),
    "DenseNet121": ((32, 32), "pool2_conv"),
    "ConvNeXtTiny": ((32, 32), None),
    "VGG16": ((32, 32), "block1_pool"),
    "Xception": ((71, 71), None),
    "InceptionV3": ((75, 75), None),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_every_application_of_keras_is_shared_and_comes_back(rng, tmp_path, name):
    size, cut = APPLICATIONS[name]
    net = getattr(keras.applications, name)(input_shape=(*size, 3), include_top=False, weights=None)
    if cut is None:
        cuts = list(keras_mtl.towers.possible_cuts(net))
        cut = cuts[len(cuts) // 3]
    tower = Tower(net, [cut])
    x = rng.random((1, *size, 3)).astype("float32")
    model = hard(tower)
    expected = net.predict_on_batch(x)
    np.testing.assert_allclose(
        model.predict_on_batch(x)["b"], expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
    )
    assert_comes_back_changed(model, x, tmp_path, rng)
