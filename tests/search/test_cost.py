"""Counts of parameters and multiply-accumulates: published networks, and cases by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl import MultiTaskModel
from keras_mtl.heads import FCNHead
from keras_mtl.layers import (
    BilinearDeconvolution,
    CeilMaxPooling2D,
    CrossStitch,
    LocalResponseNormalization,
)
from keras_mtl.search import cost
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import CaffeNet, Tower


@pytest.fixture
def shapes_only():
    """Builds networks without values in their weights: a count must not need them."""

    def network(build, **options):
        with keras.StatelessScope(initialize_variables=False):
            return build(**options)

    yield network
    # Keras would make up for the values in the next scope that it opens.
    keras.utils.clear_session()


def one_layer(layer, *shape):
    image = keras.Input(shape)
    return keras.Model(image, layer(image))


# Published counts


@pytest.mark.parametrize("fully_convolutional", [False, True])
def test_caffenet(shapes_only, fully_convolutional):
    model = shapes_only(CaffeNet, fully_convolutional=fully_convolutional)
    assert cost(model) == (60_965_224, 724_406_816)


def test_caffenet_without_groups(shapes_only):
    found = cost(shapes_only(CaffeNet, groups=1))
    assert found.parameters == 62_378_344
    # Half of conv2, conv4 and conv5 is added.
    halves = 27 * 27 * 256 * 48 * 25 + 13 * 13 * (384 * 192 + 256 * 192) * 9
    assert found.macs == 724_406_816 + halves


def test_mobilenet(shapes_only):
    model = shapes_only(keras.applications.MobileNetV2, weights=None)
    found = cost(model)
    assert found.parameters == 3_538_984
    assert round(found.macs / 1e6) == 301  # Sandler et al., CVPR 2018, Table 4: 300 M


def test_resnet(shapes_only):
    """He et al., CVPR 2016, Table 1: 3.8 G multiply-adds; all of its convolutions counted."""
    model = shapes_only(keras.applications.ResNet50, weights=None)
    found = cost(model)
    assert found.parameters == 25_636_712
    assert 3.8e9 < found.macs < 3.9e9


# Layer by layer, by hand

CASES = {
    "conv": (layers.Conv2D(5, 3), (8, 6, 4), 6 * 4 * 5 * 4 * 9),
    "channels first": (
        layers.Conv2D(5, 3, data_format="channels_first"),
        (4, 8, 6),
        6 * 4 * 5 * 4 * 9,
    ),
    "strides": (layers.Conv2D(5, 3, strides=2, padding="same"), (8, 6, 4), 4 * 3 * 5 * 4 * 9),
    "dilation": (layers.Conv2D(5, 3, dilation_rate=2), (8, 6, 4), 4 * 2 * 5 * 4 * 9),
    "groups": (layers.Conv2D(6, 3, groups=2), (8, 6, 4), 6 * 4 * 6 * 2 * 9),
    "conv1d": (layers.Conv1D(5, 3), (8, 4), 6 * 5 * 4 * 3),
    "conv3d": (layers.Conv3D(2, 3), (5, 4, 3, 4), 3 * 2 * 1 * 2 * 4 * 27),
    "depthwise": (layers.DepthwiseConv2D(3, depth_multiplier=2), (8, 6, 4), 6 * 4 * 8 * 9),
    "depthwise1d": (layers.DepthwiseConv1D(3), (8, 4), 6 * 4 * 3),
    "separable": (layers.SeparableConv2D(5, 3), (8, 6, 4), 6 * 4 * (4 * 9 + 4 * 5)),
    "separable1d": (layers.SeparableConv1D(5, 3), (8, 4), 6 * (4 * 3 + 4 * 5)),
    "transposed": (layers.Conv2DTranspose(5, 4, strides=2), (8, 6, 4), 8 * 6 * 4 * 5 * 16),
    "transposed1d": (layers.Conv1DTranspose(5, 4, strides=2), (8, 4), 8 * 4 * 5 * 4),
    "dense": (layers.Dense(5), (7,), 35),
    "dense of a map": (layers.Dense(5), (8, 6, 7), 8 * 6 * 35),
    "einsum": (layers.EinsumDense("abc,cde->abde", (None, 2, 5)), (6, 7), 6 * 7 * 2 * 5),
    "einsum over two": (layers.EinsumDense("...cd,cde->...e", 5), (6, 3, 7), 6 * 3 * 7 * 5),
    "einsum by channel": (layers.EinsumDense("abc,cd->abcd", (None, 7, 5)), (6, 7), 6 * 7 * 5),
    "deconvolution": (BilinearDeconvolution((8, 8), strides=4, crop=2), (3, 2, 5), 6 * 5 * 49),
    "fcn head": (FCNHead(5, (8, 8), strides=4, crop=2), (3, 3, 7), 9 * (7 * 5 + 5 * 49)),
    "sequential": (keras.Sequential([layers.Dense(5), layers.Dense(2)]), (7,), 35 + 10),
    "norms": (layers.LayerNormalization(axis=(1, 2)), (8, 6), 0),
    "batch norm": (layers.BatchNormalization(), (8, 6, 4), 0),
    "lrn": (LocalResponseNormalization(), (8, 6, 4), 0),
    "pool": (CeilMaxPooling2D(), (8, 6, 4), 0),
    "prelu": (layers.PReLU(), (8, 6), 0),
    "embedding": (layers.Embedding(10, 4), (6,), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_by_hand(case):
    layer, shape, expected = CASES[case]
    model = one_layer(layer, *shape)
    assert cost(model) == (model.count_params(), expected)


@pytest.mark.parametrize("towers", [2, 3])
def test_stitch_multiplies_every_pair_of_towers(towers):
    inputs = [keras.Input((8, 6, 4)) for _ in range(towers)]
    model = keras.Model(inputs, CrossStitch()(inputs))
    assert cost(model) == (towers**2 * 4, towers**2 * 8 * 6 * 4)


def test_attention():
    query, value = keras.Input((6, 10)), keras.Input((9, 7))
    layer = layers.MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5, output_shape=4)
    model = keras.Model([query, value], layer(query, value))
    projections = 6 * 10 * 2 * 3 + 9 * 7 * 2 * 3 + 9 * 7 * 2 * 5 + 6 * 2 * 5 * 4
    assert cost(model).macs == projections + 6 * 9 * 2 * (3 + 5)


def test_attention_within_rows():
    x = keras.Input((4, 6, 10))
    layer = layers.MultiHeadAttention(num_heads=2, key_dim=3, attention_axes=2)
    model = keras.Model(x, layer(query=x, value=x, key=x))
    assert cost(model).macs == 4 * (4 * 6 * 10 * 2 * 3 + 6 * 6 * 2 * (3 + 3))


# Graphs


def test_layers_called_twice_and_models_within_models():
    inner_input = keras.Input((None, None, 3))
    conv = layers.Conv2D(3, 3, padding="same", use_bias=False)
    inner = keras.Model(inner_input, conv(conv(inner_input)))
    image = keras.Input((8, 8, 3))
    x = inner(image)
    x = layers.MaxPooling2D(2)(x)
    x = inner(x) + conv(x)
    model = keras.Model(image, x)
    one = 3 * 3 * 9
    assert cost(model) == (one, one * (2 * 64 + 3 * 16))


def test_several_inputs_of_a_given_shape():
    a, b = keras.Input((None, None, 3), name="a"), keras.Input((None, 2), name="b")
    conv, dense = layers.Conv2D(4, 1), layers.Dense(5)
    model = keras.Model({"a": a, "b": b}, [conv(a), dense(b)])
    found = cost(model, [(8, 6, 3), (7, 2)])
    assert found.macs == 8 * 6 * 3 * 4 + 7 * 2 * 5


def test_unknown_sizes():
    model = one_layer(layers.Conv2D(4, 3, padding="same"), None, None, 3)
    assert cost(model, (8, 6, 3)).macs == 8 * 6 * 4 * 3 * 9
    wrong = (None, (8, None, 3), (8, 6, 4), (8, 6), (8, 6, 3, 1))
    for shape in wrong:
        with pytest.raises(ValueError, match=r"`input_shape` must .*\(None, None, 3\).*Received"):
            cost(model, shape)


def test_model_stays_as_it_was():
    model = one_layer(layers.Conv2D(4, 3), 8, 8, 3)
    cost(model)
    assert model.layers[-1].output is model.outputs[0]  # a second call would make this an error


def test_only_functional_models():
    class Plain(keras.Model):
        pass

    for model in (Plain(), keras.Sequential([layers.Dense(3)]), layers.Dense(3)):
        with pytest.raises(TypeError, match="`model` must be a functional"):
            cost(model)


# Unknown layers


class Scores(layers.Layer):
    def build(self, shape):
        self.table = self.add_weight(shape=(shape[-1], 5))

    def call(self, x):
        return ops.matmul(x, self.table)


class CountedScores(Scores):
    def macs(self, input_shape):
        assert input_shape == (1, 6, 4)
        return 6 * 4 * 5


def test_unknown_layers_are_refused_unless_they_say_it():
    with pytest.raises(ValueError, match=r"macs\(input_shape\).*'mine', a Scores with.*\(4, 5\)"):
        cost(one_layer(Scores(name="mine"), 6, 4))
    assert cost(one_layer(CountedScores(), 6, 4)).macs == 6 * 4 * 5
    mine = Scores()
    mine.macs = lambda input_shape: 7
    assert cost(one_layer(mine, 6, 4)).macs == 7


def test_products_of_activations_are_refused():
    x = keras.Input((6, 4))
    for product in (ops.matmul(x, ops.transpose(x, (0, 2, 1))), layers.Dot(2)([x, x])):
        with pytest.raises(ValueError, match="a (Matmul|Dot) with weights"):
            cost(keras.Model(x, product))


# Multi-task models


def small_tower():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="one")(image)
    x = layers.Conv2D(4, 3, padding="same", name="two")(x)
    return Tower(keras.Model(image, x), ["one"])


def model_of(sharing, tasks="ab"):
    heads = {task: FCNHead(5, (8, 8), strides=1) for task in tasks}
    return MultiTaskModel(small_tower(), sharing, heads)


def test_independent_towers_cost_twice_one():
    one, two = (cost(model_of(Branched.independent(), tasks)) for tasks in ("a", "ab"))
    assert two == tuple(2 * np.array(one))


def test_what_sharing_saves():
    stages = {"one": 64 * 4 * 3 * 9, "two": 64 * 4 * 4 * 9}
    head = 64 * (4 * 5 + 5)
    shared = cost(model_of(Branched.hard_sharing(), "abc"))
    assert shared.macs == sum(stages.values()) + 3 * head
    stitched = cost(model_of(CrossStitched(["one"]), "abc"))
    assert stitched.macs == 3 * (sum(stages.values()) + head) + 9 * 64 * 4
