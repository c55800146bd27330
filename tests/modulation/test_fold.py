"""Folding: whatever a model is made of, the plain model answers as the gated one for its task."""

import math
import warnings
from functools import partial as of

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

from keras_mtl import MultiTaskModel, fold, modulate
from keras_mtl.layers import CeilMaxPooling2D, L2Normalization, ModulationGate
from keras_mtl.search import cost
from keras_mtl.sharing import Branched, Modulated
from keras_mtl.towers import ResidualEmbedding, Tower

FLAT, LINE, MAP, SOLID = (4,), (7, 4), (6, 5, 4), (3, 4, 3, 4)
TASKS = 3
POSITIVE, SIGNED = 1, 2  # the tasks of whose gates none, and some, are negative


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


def randomize(model, rng):
    """Weights and statistics at which a mistake is seen: none near 0 or 1, outputs of order 1."""

    def draw(weight):
        shape = tuple(weight.shape)
        if weight.name == "gate" and len(shape) == 2:
            gates = rng.uniform(0.3, 2, shape)
            gates[:, 0] = 0
            gates[-1, 1::2] *= -1
            return gates
        if weight.name == "moving_variance":
            return rng.uniform(0.4, 2, shape)
        if weight.name == "gamma":
            return rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)
        if len(shape) < 2:
            return rng.normal(0, 0.6, shape)
        return rng.normal(0, (2 / math.prod(shape[:-1])) ** 0.5, shape)

    model.set_weights([draw(weight).astype("float32") for weight in model.weights])
    return model


def batch(rng, model):
    return {
        x.name: rng.normal(size=(2, *x.shape[1:])).astype("float32")
        for x in model.inputs
        if x.name != "task"
    }


def values(outputs):
    return [ops.convert_to_numpy(x) for x in keras.tree.flatten(outputs)]


def answers(model, task, inputs):
    """What a gated model says of a task, called as its inputs stand."""
    inputs = {**inputs, "task": np.full(2, task, "int32")}
    if isinstance(model.input, dict):
        return values(model(inputs))
    return values(model([inputs[x.name] for x in model.inputs]))


def folded_answers(folded, inputs):
    if isinstance(folded.input, dict):
        return values(folded(inputs))
    found = [inputs[x.name] for x in folded.inputs]
    return values(folded(found[0] if len(found) == 1 else found))


def names(model):
    return [layer.name for layer in model.layers]


def folded_with_left(model, task, **options):
    """The folded model and the warning's text, which is empty if all gates went."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folded = fold(model, task, **options)
    texts = [str(each.message) for each in caught if "neighbouring" in str(each.message)]
    assert len(texts) <= 1
    return folded, "".join(texts)


def check(rng, model, task, left=(), tolerance=1e-5):
    """Folds, compares, and returns the folded model; `left` are the gates that must stay."""
    before = [weight.copy() for weight in model.get_weights()]
    inputs = batch(rng, model)
    expected = answers(model, task, inputs)
    folded, text = folded_with_left(model, task)
    found = folded_answers(folded, inputs)
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        size = max(1, np.abs(theirs).max())
        np.testing.assert_allclose(ours / size, theirs / size, atol=tolerance, rtol=0)
    assert np.abs(np.concatenate([x.ravel() for x in expected])).max() > 0.05
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not any(isinstance(layer, ModulationGate) for layer in folded._flatten_layers())
    assert [gate for gate in left if repr(gate) in text] == list(left)
    assert bool(text) == bool(left)
    staying = {x for x in names(folded) if x.startswith("gate")}
    assert staying == set(left)
    return folded


def stacked(shape, *stack):
    image = keras.Input(shape, name="image")
    x = image
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x)


def check_stack(rng, net, after, folds):
    """Both kinds of gates behind a layer; `folds` says of which they go."""
    model = randomize(modulate(net, TASKS, [after], relu=False), rng)
    inputs = batch(rng, model)
    several = [answers(model, task, inputs)[0] for task in range(TASKS)]
    assert np.abs(several[POSITIVE] - several[0]).max() > 1e-3  # or else nothing is tested
    for task, goes in zip((POSITIVE, SIGNED), folds, strict=True):
        folded = check(rng, model, task, left=() if goes else (f"gate_{after}",))
        if goes:
            assert names(folded) == names(net)
            assert [type(x) for x in folded.layers] == [type(x) for x in net.layers]
        else:
            assert len(folded.layers) == len(net.layers) + 1


@keras.saving.register_keras_serializable("test_fold")
class Standardized(layers.Conv2D):
    """Whatever its kernel is multiplied by, it uses another."""

    def convolution_op(self, inputs, kernel):
        mean, deviation = ops.mean(kernel, (0, 1, 2)), ops.std(kernel, (0, 1, 2))
        return super().convolution_op(inputs, (kernel - mean) / (3 * deviation))


def norm(**options):
    return layers.BatchNormalization(epsilon=0.02, **options)


ALWAYS, IF_POSITIVE, NEVER = (True, True), (True, False), (False, False)
DENSE, LINES = of(layers.Dense, 5), of(layers.Conv1D, 5, 3)
CONV, SMALL = of(layers.Conv2D, 5, 3), of(layers.Conv2D, 5, 2)
MEAN, FLATTEN, LEAKY = of(layers.AveragePooling2D, 2), layers.Flatten, layers.LeakyReLU
UNCENTRED = of(norm, center=False, beta_initializer="ones")  # An offset that would start at 1.
UNSCALED = of(norm, scale=False)
SLOPED, CAPPED = of(layers.ReLU, negative_slope=0.2), of(layers.ReLU, max_value=0.5)
LATE, RELU, TANH = of(layers.ReLU, threshold=0.2), layers.ReLU, of(layers.Activation, "tanh")
# As the only layer, in front of a gate or behind it.
PRODUCTS = {
    "dense": (FLAT, [DENSE]),
    "dense on a map": (MAP, [DENSE]),
    "Conv1D": (LINE, [LINES]),
    "Conv2D": (MAP, [CONV]),
    "Conv3D": (SOLID, [of(layers.Conv3D, 5, 2)]),
    "depthwise 1-D": (LINE, [of(layers.DepthwiseConv1D, 3, depth_multiplier=2)]),
    "depthwise": (MAP, [of(layers.DepthwiseConv2D, 3, depth_multiplier=2)]),
    "separable 1-D": (LINE, [of(layers.SeparableConv1D, 5, 3, depth_multiplier=2)]),
    "separable": (MAP, [of(layers.SeparableConv2D, 5, 3, depth_multiplier=2)]),
    "transposed 1-D": (LINE, [of(layers.Conv1DTranspose, 5, 3, strides=2)]),
    "transposed": (MAP, [of(layers.Conv2DTranspose, 5, 3, strides=2)]),
    "transposed 3-D": (SOLID, [of(layers.Conv3DTranspose, 5, 2)]),
    "norm": (MAP, [norm]),
    "norm of vectors": (FLAT, [norm]),
}
ALL = {name: (*case, ALWAYS) for name, case in PRODUCTS.items()}
# Between a gate and a convolution, on either side.
THROUGH = {
    "leaky ReLU": (LEAKY, IF_POSITIVE),
    "a slope": (SLOPED, IF_POSITIVE),
    "ReLU6": (CAPPED, NEVER),
    "a threshold": (LATE, NEVER),
    "Activation relu": (of(layers.Activation, "relu"), IF_POSITIVE),
    "Activation tanh": (TANH, NEVER),
    "max pooling": (of(layers.MaxPool2D, 2), IF_POSITIVE),
    "ceil pooling": (of(CeilMaxPooling2D, 2), IF_POSITIVE),
}
BEHIND = {f"through {name}": (MAP, [CONV, x], folds) for name, (x, folds) in THROUGH.items()}
BEFORE = {f"through {name}": (MAP, [x, SMALL], folds) for name, (x, folds) in THROUGH.items()}
BACKWARD = {
    **ALL,
    **BEHIND,
    "dense without bias": (FLAT, [of(layers.Dense, 5, use_bias=False)], ALWAYS),
    "dense with ReLU": (FLAT, [of(layers.Dense, 5, "relu")], IF_POSITIVE),
    "dense with leaky ReLU": (FLAT, [of(layers.Dense, 5, "leaky_relu")], IF_POSITIVE),
    "dense with ReLU6": (FLAT, [of(layers.Dense, 5, "relu6")], NEVER),
    "dense with tanh": (FLAT, [of(layers.Dense, 5, "tanh")], NEVER),
    "dense with a layer": (FLAT, [of(layers.Dense, 5, CAPPED())], NEVER),
    "Conv2D with ReLU": (MAP, [of(layers.Conv2D, 5, 3, activation="relu")], IF_POSITIVE),
    "groups": (MAP, [of(layers.Conv2D, 6, 3, groups=2)], ALWAYS),
    "a subclass": (MAP, [of(Standardized, 5, 3)], NEVER),
    "separable with ReLU": (
        *(MAP, [of(layers.SeparableConv2D, 5, 3, activation="relu")], IF_POSITIVE),
    ),
    "norm without scale": (MAP, [UNSCALED], ALWAYS),
    "norm with a scale that would start at 0": (
        *(MAP, [of(norm, scale=False, gamma_initializer="zeros")], ALWAYS),
    ),
    "norm with an offset that would start at 1": (MAP, [UNCENTRED], ALWAYS),
    "norm of rows": (MAP, [of(norm, axis=1)], NEVER),
    "norm of the axis 3": (MAP, [of(norm, axis=3, scale=False, center=False)], ALWAYS),
    "layer norm": (MAP, [layers.LayerNormalization], NEVER),
    "through norm and ReLU": (MAP, [CONV, UNSCALED, RELU], IF_POSITIVE),
    "through Activation linear": (MAP, [CONV, of(layers.Activation, "linear")], ALWAYS),
    "through mean pooling": (MAP, [SMALL, MEAN], ALWAYS),
    "through global max": (MAP, [CONV, layers.GlobalMaxPooling2D], IF_POSITIVE),
    "through a global mean": (MAP, [CONV, layers.GlobalAveragePooling2D], ALWAYS),
    "through the mean of rows": (
        *(MAP, [CONV, of(layers.GlobalAveragePooling2D, "channels_first")], NEVER),
    ),
    "through layers of maps": (
        MAP,
        [
            *(CONV, of(layers.ZeroPadding2D, 1), of(layers.UpSampling2D, 2)),
            *(of(layers.Cropping2D, 1), of(layers.Dropout, 0.5), of(layers.SpatialDropout2D, 0.5)),
            layers.Identity,
        ],
        ALWAYS,
    ),
    "through layers of lines": (
        LINE,
        [
            *(LINES, of(layers.ZeroPadding1D, 1), of(layers.UpSampling1D, 2)),
            *(of(layers.Cropping1D, 1), of(layers.SpatialDropout1D, 0.5)),
            *(of(layers.AveragePooling1D, 2), layers.GlobalAveragePooling1D),
        ],
        ALWAYS,
    ),
    "through maxima of lines": (
        *(LINE, [LINES, of(layers.MaxPooling1D, 2), layers.GlobalMaxPooling1D], IF_POSITIVE),
    ),
    "through reshaping": (*(MAP, [of(layers.Conv2D, 6, 3), of(layers.Reshape, (8, -1))], NEVER),),
}
FORWARD = {
    **ALL,
    **BEFORE,
    "dense": (FLAT, [of(layers.Dense, 5, "tanh")], ALWAYS),
    "Conv1D": (LINE, [of(layers.Conv1D, 5, 3, padding="causal")], ALWAYS),
    "Conv2D": (*(MAP, [of(layers.Conv2D, 5, 3, padding="same", activation="relu")], ALWAYS),),
    "groups": (MAP, [of(layers.Conv2D, 6, 3, groups=2)], NEVER),
    "a subclass": (MAP, [of(Standardized, 5, 3)], NEVER),
    "norm": (MAP, [norm, TANH], ALWAYS),
    "norm without scale": (
        *(MAP, [of(norm, scale=False, gamma_initializer="zeros"), layers.Softmax], ALWAYS),
    ),
    "norm without offset": (MAP, [UNCENTRED], ALWAYS),
    "norm without either": (MAP, [of(norm, center=False, scale=False)], ALWAYS),
    "norm of rows": (MAP, [of(norm, axis=1)], NEVER),
    "layer norm": (MAP, [layers.LayerNormalization, CONV], NEVER),
    "through ReLU": (MAP, [RELU, CONV], IF_POSITIVE),
    "through global max": (MAP, [layers.GlobalMaxPooling2D, DENSE], IF_POSITIVE),
    "through layers of maps": (
        MAP,
        [
            *(of(layers.ZeroPadding2D, 1), MEAN, of(layers.Dropout, 0.5)),
            *(of(layers.UpSampling2D, 2), of(layers.Cropping2D, 1), layers.Identity, CONV),
        ],
        ALWAYS,
    ),
    "through a global mean": (
        *(MAP, [of(layers.GlobalAveragePooling2D, keepdims=True), of(layers.Conv2D, 5, 1)]),
        ALWAYS,
    ),
    "through flattening": (MAP, [MEAN, FLATTEN, DENSE], ALWAYS),
    "through flattening to a norm": (LINE, [FLATTEN, norm, DENSE], ALWAYS),
    "through flattening by channels": (MAP, [of(FLATTEN, "channels_first"), DENSE], NEVER),
    "flattened features that go out": (LINE, [FLATTEN], NEVER),
    "through reshaping": (MAP, [of(layers.Reshape, (10, 12)), LINES], NEVER),
}


def on_all_backends(cases, *chosen):
    """Which gates go does not depend on the backend: some kinds compute on each, all on one."""
    assert set(chosen) <= set(cases)
    one = pytest.mark.one_backend
    return [case if case in chosen else pytest.param(case, marks=one) for case in cases]


@pytest.mark.parametrize(
    "case",
    on_all_backends(
        *(BACKWARD, "dense with leaky ReLU", "Conv1D", "groups", "depthwise", "separable"),
        *("transposed", "norm", "through norm and ReLU", "through ceil pooling"),
    ),
)
def test_a_gate_behind(rng, case):
    """The model's last layer is the gate: no reader could take its factors."""
    shape, stack, folds = BACKWARD[case]
    net = stacked(shape, *(make() for make in stack))
    check_stack(rng, net, net.layers[-1].name, folds)


@pytest.mark.parametrize(
    "case",
    on_all_backends(
        *(FORWARD, "dense", "Conv2D", "depthwise", "separable", "transposed", "norm without scale"),
        *("through a slope", "through layers of maps", "through flattening to a norm"),
    ),
)
def test_a_gate_in_front_of(rng, case):
    """The gate stands on the input: nothing in front of it could take its factors."""
    shape, stack, folds = FORWARD[case]
    net = stacked(shape, layers.Identity(name="start"), *(make() for make in stack))
    check_stack(rng, net, "start", folds)


# The graph


def residual_net():
    """Conv, block with a sum, block with a sum, dense: where gates can go and where not."""
    image = keras.Input(MAP, name="image")
    x = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    x = layers.ReLU(name="relu")(norm(scale=False, name="norm")(x))
    for number in "12":
        y = layers.Conv2D(4, 3, padding="same", name=f"branch{number}")(x)
        y = layers.ReLU(name=f"branch{number}_relu")(norm(name=f"branch{number}_norm")(y))
        x = layers.Add(name=f"sum{number}")([x, y])
    x = layers.Dense(3, name="dense")(layers.Flatten(name="flatten")(x))
    return keras.Model(image, x, name="residual")


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (["conv"], []),
        (["relu"], []),
        (["branch1", "branch1_relu", "branch2_norm"], []),
        # Its two readers are the next block's convolution and sum, its maker a sum.
        (["sum1"], ["gate_sum1"]),
        (["sum2"], []),
        (["conv", "norm", "relu", "sum1", "sum2", "flatten", "dense"], ["gate_sum1"]),
    ],
)
def test_sums(rng, after, left):
    net = residual_net()
    model = randomize(modulate(net, TASKS, after), rng)
    folded = check(rng, model, 0, left)
    assert len(folded.layers) == len(net.layers) + len(left)
    if not left:
        assert cost(folded).macs == cost(net).macs
    assert folded.name == "modulated_residual_0"


@pytest.mark.one_backend
@pytest.mark.parametrize("between, folds", [(RELU, (True, False)), (layers.Softmax, NEVER)])
def test_a_gate_that_two_convolutions_read(rng, between, folds):
    """One of them behind a layer that lets it through, or not."""
    image = keras.Input(MAP, name="image")
    x = layers.Dropout(0.5)(layers.Identity(name="start")(image))
    outputs = layers.Add()([layers.Conv2D(3, 3)(x), layers.Conv2D(3, 3)(between()(x))])
    check_stack(rng, keras.Model(image, outputs), "start", folds)


# Graphs: each gives models, the task for which they are folded, and the gates that must stay.


def gate(x, task, name="gate", **options):
    return ModulationGate(TASKS, name=name, **options)(x, task)


def two_inputs(shape=FLAT):
    return keras.Input(shape, name="image"), keras.Input((), dtype="int32", name="task")


def features_that_are_read_before_the_gate_too():
    """What makes them must not change, but what reads the gated ones can."""
    image, task = two_inputs()
    x = layers.Dense(4, name="before")(image)
    gated = gate(x, task)
    yield keras.Model([image, task], [layers.Dense(3)(gated), x]), POSITIVE, []
    yield keras.Model([image, task], [gated, layers.Dense(3)(x)]), POSITIVE, ["gate"]
    yield keras.Model([image, task], [layers.Dense(3)(gated), gated]), POSITIVE, []
    yield keras.Model([image, task], [layers.Add()([x, gated])]), POSITIVE, ["gate"]


def features_that_go_out_between_the_gate_and_its_neighbours():
    image, task = two_inputs()
    x = layers.Dense(4, name="first")(image)
    middle = layers.ReLU(name="middle")(x)
    start = layers.Identity(name="start")(image)
    passed = layers.ReLU(name="passed")(start)
    net = keras.Model(image, [middle, layers.Dense(3)(middle), passed, layers.Dense(3)(passed)])
    # `modulate` gates an output behind the layer, too.
    yield modulate(net, TASKS, ["middle", "start"]), 0, ["gate_start"]
    yield keras.Model([image, task], [x, gate(middle, task)]), 0, ["gate"]


def layers_that_are_called_twice_take_no_factors():
    image, task = two_inputs()
    shared = layers.Dense(4, name="shared")
    yield keras.Model([image, task], shared(gate(shared(image), task))), 0, ["gate"]
    # Between two calls in a row of one ReLU a gate finds its way no more either.
    relu = layers.ReLU(name="twice")
    gated = gate(relu(layers.Dense(4)(image)), task)
    yield keras.Model([image, task], relu(gated)), 0, ["gate"]


def a_shared_layer_with_a_gate_behind_every_call():
    pair = [keras.Input(FLAT, name=name) for name in ("left", "right")]
    shared = layers.Dense(4, name="shared")
    net = keras.Model(pair, [layers.Dense(2, name=f"out_{x.name}")(shared(x)) for x in pair])
    yield modulate(net, TASKS, ["shared"]), 0, ["gate_shared"]


def a_gated_model_that_is_called_twice():
    """As for pairs of images, each of which is embedded by the same weights."""
    net = stacked(FLAT, layers.Dense(4, "relu", name="hidden"), layers.Dense(3, name="last"))
    embed = modulate(net, TASKS, ["hidden", "last"])
    image, task = two_inputs()
    pair = [image, keras.Input(FLAT, name="other")]
    outputs = layers.Subtract()([embed([x, task]) for x in pair])
    yield keras.Model([*pair, task], outputs), 0, ["gate_hidden", "gate_last"]


def readers_with_several_outputs():
    image, task = two_inputs(LINE)
    x = gate(layers.Conv1D(4, 2)(image), task)
    yield keras.Model([image, task], layers.LSTM(3, return_state=True)(x)), SIGNED, []
    x = gate(layers.Identity()(image), task)
    yield keras.Model([image, task], ops.split(x, 2, axis=-1)), 0, ["gate"]


def operations_that_are_no_layers():
    image = keras.Input(FLAT, name="image")
    x = layers.Dense(4, name="first")(image)
    net = keras.Model(image, layers.Dense(3)(ops.tanh(2 * x + 1)) + 1)
    yield modulate(net, TASKS, ["first"], relu=False), SIGNED, []


def gates_along_another_axis():
    net = stacked(LINE, layers.Conv1D(5, 2, name="conv"), layers.Dense(3))
    for axis, left in ((1, ["gate_conv"]), (-2, ["gate_conv"]), (2, [])):
        yield modulate(net, TASKS, ["conv"], axis=axis), 0, left


def gates_in_a_row():
    """Three gates, all of which one layer takes, once behind and once in front."""
    for first, last, stay in (
        (norm(scale=False), layers.Softmax(), False),
        (layers.Identity(), norm(scale=False), False),
        (layers.Identity(), layers.Softmax(), True),
    ):
        image, task = two_inputs(MAP)
        x, gates = first(image), ["gate0", "gate1", "gate2"]
        for name in gates:
            x = gate(x, task, name, relu=False)
        yield keras.Model([image, task], last(x)), SIGNED, gates * stay


def backbone():
    return stacked(
        *(MAP, layers.Conv2D(5, 3, name="conv"), norm(scale=False, name="norm")),
        *(layers.ReLU(name="relu"), layers.GlobalAveragePooling2D(name="pool")),
    )


def a_backbone_that_is_a_layer_of_the_modulated_model():
    """The gate's factors find the convolution within the nested model."""
    image = keras.Input(MAP, name="image")
    inner = keras.Sequential([layers.Conv2D(5, 3), norm(), layers.ReLU()], name="inner")
    within = keras.Model(image, layers.MaxPooling2D(2)(inner(image)), name="within")
    net = keras.Model(image, layers.Softmax()(layers.Dense(3)(within(image))))
    yield modulate(net, TASKS, ["within"]), 0, []


def two_backbones_with_operations_of_equal_names():
    """As of two that come from files."""
    nets = []
    for name in ("a", "b"):
        keras.utils.clear_session()
        image = keras.Input(FLAT, name="image")
        x = ops.tanh(2 * layers.Dense(4, name="dense")(image) + 1)
        nets.append(modulate(keras.Model(image, x[:, 1:]), TASKS, ["dense"], name=name))
    image, task = two_inputs()
    outputs = layers.Add()([net([image, task]) for net in nets])
    yield keras.Model([image, task], outputs), 0, []


GRAPHS = {
    graph.__name__: graph
    for graph in (
        *(a_gated_model_that_is_called_twice, a_shared_layer_with_a_gate_behind_every_call),
        *(a_backbone_that_is_a_layer_of_the_modulated_model, gates_along_another_axis),
        *(features_that_are_read_before_the_gate_too, gates_in_a_row),
        *(features_that_go_out_between_the_gate_and_its_neighbours, readers_with_several_outputs),
        *(layers_that_are_called_twice_take_no_factors, operations_that_are_no_layers),
        two_backbones_with_operations_of_equal_names,
    )
}


@pytest.mark.parametrize(
    "graph",
    on_all_backends(
        *(GRAPHS, "operations_that_are_no_layers", "two_backbones_with_operations_of_equal_names"),
        "a_backbone_that_is_a_layer_of_the_modulated_model",
    ),
)
def test_graphs(rng, graph):
    for model, task, left in GRAPHS[graph]():
        folded = check(rng, randomize(model, rng), task, left)
        count = int("shared" in {layer.name for layer in model.layers})
        assert sum(name == "shared" for name in names(folded)) == count


def test_masks(rng):
    words = keras.Input((6,), name="words", dtype="int32")
    task = keras.Input((), dtype="int32", name="task")
    x = gate(layers.Dense(5)(layers.Embedding(9, 4, mask_zero=True)(words)), task)
    model = randomize(keras.Model([words, task], layers.GlobalAveragePooling1D()(x)), rng)
    found = np.array([[3, 2, 0, 0, 0, 0], [1, 1, 2, 8, 0, 0]])
    expected = values(model([found, np.zeros(2, "int32")]))[0]
    np.testing.assert_allclose(values(fold(model, 0)(found))[0], expected, atol=1e-5)


@pytest.mark.one_backend
def test_kernels_of_several_parts_take_no_factors(rng):
    """Low-rank additions and whole numbers."""
    net = stacked(FLAT, layers.Dense(5, name="low_rank"), layers.Dense(3, name="last"))
    net.get_layer("low_rank").enable_lora(2)
    model = randomize(modulate(net, TASKS, ["low_rank", "last"]), rng)
    folded = check(rng, model, 0)
    assert folded.get_layer("low_rank").lora_rank == 2
    net = stacked(FLAT, layers.Dense(5, name="first"), layers.Dense(3, name="last"))
    randomize(net, rng).quantize("int8")
    model = modulate(net, TASKS, ["first", "last"])
    for name in ("gate_first", "gate_last"):
        weight = model.get_layer(name).gate
        weight.assign(rng.uniform(0.3, 2, weight.shape))
    check(rng, model, 0, ["gate_first", "gate_last"])


# Kinds of gates


def test_projections_become_dense_layers(rng):
    net = stacked(MAP, layers.Conv2D(5, 3, name="conv"), layers.Dense(3, name="last"))
    model = randomize(modulate(net, TASKS, ["conv", "last"], per_channel=False), rng)
    folded = check(rng, model, 2, ["gate_conv", "gate_last"])
    assert isinstance(folded.get_layer("gate_conv"), layers.Dense)
    # A channel gate does not pass a projection.
    x = gate(model.get_layer("gate_conv").output, model.input[1])
    mixed = keras.Model(model.input, layers.Dense(2)(x))
    check(rng, randomize(mixed, rng), SIGNED, ["gate_conv"])
    along_rows = modulate(net, TASKS, ["conv"], per_channel=False, axis=1)
    with pytest.raises(ValueError, match="projections along the last axis.*axis=1 of 'gate_conv'"):
        fold(along_rows, 0)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "make", [UNCENTRED, of(layers.Conv2D, 4, 3), of(layers.SeparableConv2D, 4, 3)]
)
def test_a_layer_between_two_gates_takes_both(rng, make):
    net = stacked(MAP, layers.Identity(name="start"), make(name="middle"))
    model = randomize(modulate(net, TASKS, ["start", "middle"], relu=False), rng)
    assert names(check(rng, model, SIGNED)) == names(net)


def test_relu_shuts_negative_gates(rng):
    net = stacked(MAP, layers.Conv2D(5, 3), layers.ReLU(name="relu"), layers.Dense(3))
    model = randomize(modulate(net, TASKS, ["relu"]), rng)
    folded = check(rng, model, SIGNED)
    row = model.get_layer("gate_relu").gate[SIGNED]
    shut = ops.convert_to_numpy(row) <= 0
    kernel, bias = folded.layers[1].get_weights()
    assert shut.sum() == 3 and (~kernel.any((0, 1, 2)) == shut).all() and not bias[shut].any()


def test_gates_of_one_give_the_network_back(rng):
    net = randomize(residual_net(), rng)
    folded = fold(modulate(net, TASKS, ["relu", "branch1", "sum2"]), 1)
    assert folded.count_params() == net.count_params() + 4  # the factors of the norm's channels
    inputs = batch(rng, net)
    ours, theirs = (folded_answers(model, inputs)[0] for model in (folded, net))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


# Models within models


def test_a_modulated_backbone_under_a_head(rng):
    inner = modulate(backbone(), TASKS, ["conv", "pool"], name="inner")
    image, task = two_inputs(MAP)
    head = keras.Sequential([layers.Dense(6, "relu"), layers.Dropout(0.5)], name="head")
    x = head(inner([layers.Rescaling(0.5)(image), task], training=False))
    model = keras.Model([image, task], layers.Dense(2)(x), name="whole")
    folded = check(rng, randomize(model, rng), SIGNED)
    # Rescaling, conv, norm, ReLU, pool, two of the head, dense: no model is within it.
    assert len(folded.layers) == 1 + 8 and folded.name == "whole_2"


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "plain, after",
    [(1, [["norm", "pool"], ["conv", "relu"]]), (0, [["norm", "pool"], ["norm", "pool"]])],
)
def test_backbones_with_layers_of_equal_names(rng, plain, after):
    """The second ones have gates of equal names, too."""
    image, task = two_inputs(MAP)
    features = [backbone()(image)] * plain
    for number, gates in enumerate(after):
        net = modulate(backbone(), TASKS, gates, name=f"net{number}")
        features.append(net([image, task]))
    x = layers.Concatenate()(features)
    model = randomize(keras.Model([image, task], layers.Dense(3)(x)), rng)
    folded = check(rng, model, 0)
    assert len(set(names(folded))) == len(folded.layers) == (2 + plain) * 4 + 3


def test_inputs_and_outputs_that_are_dicts(rng):
    image, word = keras.Input(MAP, name="picture"), keras.Input(FLAT, name="a_word")
    x = layers.Add(name="both")([layers.Conv2D(4, 3)(image), layers.Reshape((1, 1, 4))(word)])
    outputs = {"z": layers.Dense(2)(x), "a": layers.Dense(3)(layers.GlobalMaxPooling2D()(x))}
    net = keras.Model({"picture": image, "a_word": word}, outputs)
    model = randomize(modulate(net, TASKS, ["both"]), rng)
    folded = check(rng, model, 0)
    assert set(folded.input) == {"picture", "a_word"} and set(folded.output) == {"z", "a"}
    assert tuple(folded.output["z"].shape)[1:] == (4, 3, 2)


def test_several_inputs_and_outputs_in_lists(rng):
    pair = [keras.Input(FLAT, name="second"), keras.Input((3,), name="first")]
    x = layers.Concatenate(name="both")(pair)
    net = keras.Model(pair, [layers.Dense(2)(x), layers.Dense(3)(x)])
    folded = check(rng, randomize(modulate(net, TASKS, ["both"]), rng), 0)
    assert [x.name for x in folded.inputs] == ["second", "first"]
    # The task may stand anywhere among the inputs.
    task = keras.Input((1,), dtype="int64", name="task")
    outputs = [gate(layers.Dense(4)(pair[0]), task), layers.Dense(2)(pair[1])]
    model = randomize(keras.Model([pair[0], task, pair[1]], outputs), rng)
    inputs = batch(rng, model)
    expected = values(model([inputs["second"], np.ones((2, 1), "int64"), inputs["first"]]))
    for ours, theirs in zip(folded_answers(fold(model, 1), inputs), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


# Models with an output for every task


def multi_task_model(heads, sharing=None):
    tower = stacked(
        *(MAP, layers.Conv2D(4, 3, name="conv"), norm(name="norm"), layers.ReLU(name="relu")),
        *(layers.GlobalAveragePooling2D(name="pool"), layers.Dense(6, "relu", name="dense")),
    )
    sharing = sharing or Modulated()
    return MultiTaskModel(Tower(tower, ["conv", "norm", "relu", "pool"]), sharing, heads)


def two_answers():
    x = keras.Input((6,))
    return keras.Model(x, {"kind": layers.Dense(3)(norm()(x)), "size": layers.Dense(1)(x)})


@pytest.mark.parametrize("per_channel", [True, False])
def test_every_task_of_a_multi_task_model(rng, per_channel):
    model = multi_task_model(
        {"age": layers.Dense(1), "thing": two_answers()},
        Modulated(["norm", "dense"], per_channel, relu=False),
    )
    randomize(model, rng)
    before = model.get_weights()
    x = rng.normal(size=(2, *MAP)).astype("float32")
    expected = {name: ops.convert_to_numpy(y) for name, y in model(x).items()}
    for task in model.tasks:
        folded, text = folded_with_left(model, task)
        assert folded.name == f"multi_task_model_{task}"
        outputs = folded(x)
        assert not any(isinstance(layer, ModulationGate) for layer in folded.layers)
        assert isinstance(outputs, dict) == (task == "thing")
        of_task = model.outputs_of(task)
        outputs = outputs if task == "thing" else {"age": outputs}
        assert set(outputs) == set(of_task)
        for name in of_task:
            np.testing.assert_allclose(
                ops.convert_to_numpy(outputs[name]), expected[name], atol=1e-5
            )
        # The factors of the last task's dense layer cannot go back through its ReLU if negative,
        # but into the readers.
        assert bool(text) == (not per_channel)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_one_task_costs_what_it_does_without_gates(rng):
    heads = {"age": layers.Dense(1), "kind": layers.Dense(5)}
    model, hard = multi_task_model(heads), multi_task_model(heads, Branched.hard_sharing())
    randomize(model, rng)
    folded = fold(model, "age", name="age_alone")
    of_other_head = 6 * 5
    assert cost(folded).macs == cost(hard).macs - of_other_head
    assert folded.name == "age_alone"
    assert folded.count_params() == hard.count_params() - 6 * 5 - 5


# The folded model as a model


def test_saves_and_comes_back(rng, tmp_path):
    model = randomize(modulate(residual_net(), TASKS, ["relu", "sum1", "sum2"]), rng)
    x = batch(rng, model)["image"]
    for name, saved, inputs in (
        ("gated", model, [x, np.array([0, 2], "int32")]),
        ("folded", folded_with_left(model, 1)[0], x),
    ):
        saved.save(tmp_path / f"{name}.keras")
        loaded = keras.models.load_model(tmp_path / f"{name}.keras")
        found, expected = values(loaded(inputs))[0], values(saved(inputs))[0]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)  # As Keras has it.
    reloaded = keras.models.load_model(tmp_path / "gated.keras")
    check(rng, reloaded, 2, ["gate_sum1"])


def test_trains_without_changing_the_modulated_model(rng):
    net = stacked(FLAT, layers.Dense(5, name="first"), norm(scale=False), layers.Dense(2))
    net.layers[1].trainable = False
    model = randomize(modulate(net, TASKS, ["first"]), rng)
    before = model.get_weights()
    folded = fold(model, 0)
    assert [layer.trainable for layer in folded.layers[1:]] == [False, True, True]
    folded.compile("sgd", loss="mse")
    folded.fit(batch(rng, model)["image"], np.ones((2, 2)), verbose=0)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.abs(folded.layers[3].get_weights()[0] - before[-2]).max() > 0


def test_the_graph_of_the_modulated_model_is_as_it_was(rng):
    model = randomize(modulate(residual_net(), TASKS, ["relu", "sum2"]), rng)
    x, tasks = batch(rng, model)["image"], np.array([0, 2], "int32")
    before = values(model([x, tasks]))[0]
    fold(model, 0)
    fold(model, 1)
    inner = keras.Model(model.input, model.get_layer("gate_relu").output)
    assert values(inner([x, tasks]))[0].shape == (2, 6, 5, 4)
    np.testing.assert_array_equal(values(model([x, tasks]))[0], before)
    assert len(keras.models.clone_model(model).layers) == len(model.layers)


@pytest.mark.parametrize("after", [["relu"], ["sum1"]])
def test_mixed_precision(rng, after):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = randomize(modulate(residual_net(), TASKS, after), rng)
        left = ["gate_sum1"] if after == ["sum1"] else []
        folded = check(rng, model, 0, left, tolerance=1e-2)
    finally:
        keras.config.set_dtype_policy(before)
    assert {layer.compute_dtype for layer in folded.layers[1:]} == {"float16"}
    assert {weight.dtype for weight in folded.weights} == {"float32"}


@pytest.mark.one_backend
def test_the_papers_network(rng):
    net = ResidualEmbedding((48, 48, 3), width=1 / 16, size=8)
    model = randomize(modulate(net, 7, ["block3", "block4", "embedding"]), rng)
    # The sum that block4 reads twice over a convolution and pool is one path: all gates go.
    folded = check(rng, model, 5)
    assert names(folded)[1:] == names(net)[1:]
    assert isinstance(folded.layers[-1], L2Normalization)


# What is refused


@pytest.mark.one_backend
def test_unknown_tasks():
    model = modulate(stacked(FLAT, layers.Dense(2, name="dense")), TASKS, ["dense"])
    for task in (-1, TASKS, "age", 1.0, True):
        with pytest.raises(ValueError, match=r"`task` must be an integer from 0 to 2"):
            fold(model, task)
    with pytest.raises(ValueError, match=r"`task` must be one of \['age'\]. Received: task='sex'"):
        fold(multi_task_model({"age": layers.Dense(1)}), "sex")


@pytest.mark.one_backend
def test_models_without_gates():
    net = stacked(FLAT, layers.Dense(2))
    for model in (net, modulate(net, TASKS, [])):
        with pytest.raises(ValueError, match="`model` must have a ModulationGate"):
            fold(model, 0)
    heads = {"age": layers.Dense(1)}
    with pytest.raises(ValueError, match="sharing Modulated. Received: Branched"):
        fold(multi_task_model(heads, Branched.hard_sharing()), "age")
    with pytest.raises(ValueError, match="`model` must have a ModulationGate"):
        fold(multi_task_model(heads, Modulated([])), "age")


@pytest.mark.one_backend
def test_things_that_are_no_functional_models():
    for thing in (keras.Sequential([layers.Dense(2)]), layers.Dense(2), None):
        with pytest.raises(TypeError, match="`model` must be a functional"):
            fold(thing, 0)


@pytest.mark.one_backend
def test_other_readers_of_the_task():
    image, task = keras.Input(FLAT, name="image"), keras.Input((), dtype="int32", name="task")
    gate, embedding = ModulationGate(TASKS), layers.Embedding(TASKS, 4)
    embedded = layers.Add()([gate(image, task), embedding(task)])
    through_a_layer = ModulationGate(TASKS)(image, layers.Identity()(task))
    through_an_operation = ModulationGate(TASKS)(image, task + 0)
    for outputs in (embedded, through_a_layer, through_an_operation, [gate(image, task), task]):
        with pytest.raises(ValueError, match="no layers but gates that read the task"):
            fold(keras.Model([image, task], outputs), 0)


@pytest.mark.one_backend
def test_gates_that_make_the_features_of_all_tasks():
    image = keras.Input(FLAT)
    model = keras.Model(image, ModulationGate(2, name="all")(image))
    with pytest.raises(ValueError, match="task of every example. Received: 'all'"):
        fold(model, 0)
