"""Cutting models into stages, against brute force on the graph."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

from keras_mtl.towers import Tower, possible_cuts


def chain(*names):
    image = keras.Input((4,))
    x = image
    for name in names:
        x = layers.Dense(4, name=name)(x)
    return keras.Model(image, x)


def residual():
    image = keras.Input((4,))
    x = layers.Dense(4, name="stem")(image)
    y = layers.Dense(4, activation="tanh", name="inside1")(x)
    y = layers.Dense(4, name="inside2")(y)
    x = layers.Add(name="sum")([x, y])
    return keras.Model(image, layers.Dense(2, name="top")(x))


def composed(tower, prefix="copy"):
    """A model that runs a copy of every stage, one after the other."""
    image = keras.Input(tower.input_shape)
    x = image
    for stage in tower.stages:
        x = tower.copy_stage(stage, prefix)(x)
    return keras.Model(image, x)


def randomize(model, rng, scale=1.0):
    """Weights that leave no layer as it was made, of a spread that keeps activations near 1."""
    model.set_weights(
        [
            # Positive, since variances are among them.
            scale * rng.uniform(0.1, 1.9, w.shape) / max(np.prod(w.shape[:-1]), 1) ** 0.5
            for w in model.get_weights()
        ]
    )


def assert_equal_outputs(one, other, x, tolerance=1e-5):
    one, other = (ops.convert_to_numpy(model(x, training=False)) for model in (one, other))
    assert np.abs(one).max() > 1e-3
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(one).max())


# Where a model can be cut


def test_every_layer_of_a_chain_is_a_cut():
    model = chain("a", "b", "c")
    assert list(possible_cuts(model)) == ["a", "b", "c"]
    assert all(possible_cuts(model)[name] is model.get_layer(name).output for name in "abc")


def test_a_skip_is_not_cut():
    model = residual()
    assert list(possible_cuts(model)) == ["stem", "sum", "top"]
    with pytest.raises(
        ValueError, match=r"Received: \['inside1', 'inside2'\].*'stem', 'sum', 'top"
    ):
        Tower(model, ["stem", "inside1", "inside2"])


def test_a_skip_from_the_input_is_not_cut():
    image = keras.Input((4,))
    x = layers.Dense(4, name="inside")(image)
    x = layers.Concatenate(name="join")([image, x])
    model = keras.Model(image, layers.Dense(2, name="top")(x))
    assert list(possible_cuts(model)) == ["join", "top"]


def test_a_layer_called_twice_is_not_divided():
    image = keras.Input((4,))
    twice = layers.Dense(4, name="twice")
    x = layers.Dense(4, name="first")(image)
    x = layers.Dense(4, name="between")(twice(x))
    x = layers.Dense(4, name="last")(twice(x))
    model = keras.Model(image, x)
    cuts = possible_cuts(model)
    assert list(cuts) == ["first", "twice", "last"]
    tower = Tower(model, ["first", "twice"])
    copy = tower.copy_stage("twice", "copy")
    assert copy.count_params() == 2 * 20  # once, not once a call


def test_operations_without_a_layer_can_be_cuts(rng):
    image = keras.Input((4,))
    x = layers.Dense(4, name="stem")(image)
    x = ops.tanh(x) + 2 * x
    model = keras.Model(image, layers.Dense(2, name="top")(x))
    stem, total, top = possible_cuts(model)
    assert (stem, top) == ("stem", "top")
    tower = Tower(model, [stem, total])
    assert_equal_outputs(model, composed(tower), rng.normal(size=(3, 4)).astype("float32"))


def test_a_layer_with_two_outputs_of_which_one_is_used(rng):
    image = keras.Input((5, 3))
    _, hidden, _ = layers.LSTM(4, return_state=True, name="lstm")(image)
    model = keras.Model(image, layers.Dense(2, name="top")(hidden))
    assert list(possible_cuts(model)) == ["lstm", "top"]
    tower = Tower(model, ["lstm"])
    assert_equal_outputs(model, composed(tower), rng.normal(size=(2, 5, 3)).astype("float32"))
    assert Tower(keras.Model(image, hidden), []).stages == ("lstm",)


def test_sequential(rng):
    model = keras.Sequential([keras.Input((4,)), *chain("a", "b", "c").layers[1:]])
    tower = Tower(model, ["b"])
    assert tower.stages == ("b", "c") and tower.input_shape == (4,)
    assert_equal_outputs(model, composed(tower), rng.normal(size=(3, 4)).astype("float32"))


@pytest.mark.parametrize("cuts", [["a", "b"], ["a", "b", "c"]])
def test_the_output_may_be_left_out_of_the_cuts(cuts):
    assert Tower(chain("a", "b", "c"), cuts).stages == ("a", "b", "c")


def test_no_cut_is_one_stage():
    assert Tower(chain("a", "b"), []).stages == ("b",)


@pytest.mark.parametrize(
    "cuts, message",
    [
        (["b", "nowhere"], r"Received: \['nowhere'\]. Possible cuts: \['a', 'b', 'c'\]"),
        (["b", "a"], r"order of the network. Received: \['b', 'a'\]; the order is \['a', 'b'"),
        (["a", "a"], "order of the network"),
        (["c", "a"], "order of the network"),
    ],
)
def test_wrong_cuts_are_refused(cuts, message):
    with pytest.raises(ValueError, match=message):
        Tower(chain("a", "b", "c"), cuts)


def two_outputs():
    image = keras.Input((4,))
    return keras.Model(image, [layers.Dense(2)(image), layers.Dense(2)(image)])


@pytest.mark.parametrize(
    "make",
    [
        two_outputs,
        lambda: keras.Sequential([layers.Dense(2)]),
        lambda: layers.Dense(2),
        lambda: "caffenet",
    ],
)
def test_models_of_another_kind_are_refused(make):
    with pytest.raises(TypeError, match="`model` must be a functional .* Received: "):
        Tower(make(), [])


def test_a_model_without_layers_is_refused():
    image = keras.Input((4,))
    with pytest.raises((TypeError, ValueError), match="`model`"):
        Tower(keras.Model(image, image), [])


# Copies of stages


def test_stages_compose_to_the_model(rng):
    model = residual()
    randomize(model, rng)
    tower = Tower(model, ["stem", "sum"])
    assert_equal_outputs(model, composed(tower), rng.normal(size=(3, 4)).astype("float32"))


def test_weights_are_copied_not_shared(rng):
    image = keras.Input((4,))
    x = layers.Dense(4, name="dense")(image)
    x = layers.BatchNormalization(name="norm")(x)
    model = keras.Model(image, layers.Dense(2, name="top")(x))
    randomize(model, rng)
    before = model.get_weights()
    copy = Tower(model, ["norm"]).copy_stage("norm", "copy")
    assert len(copy.get_weights()) == 2 + 4  # the moving statistics, too
    for ours, theirs in zip(copy.get_weights(), before, strict=False):
        np.testing.assert_array_equal(ours, theirs)
    copy.set_weights([np.zeros_like(weight) for weight in copy.get_weights()])
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_names_carry_the_prefix():
    copy = Tower(residual(), ["stem", "sum"]).copy_stage("sum", "depth")
    assert copy.name == "depth_sum"
    names = {layer.name for layer in copy.layers[1:]}
    assert names == {"depth_inside1", "depth_inside2", "depth_sum"}


def test_copies_keep_frozen_layers_and_dtypes():
    image = keras.Input((4,))
    x = layers.Dense(4, name="frozen", trainable=False)(image)
    model = keras.Model(image, layers.Dense(2, dtype="mixed_bfloat16", name="half")(x))
    copy = Tower(model, []).copy_stage("half", "copy")
    assert len(copy.trainable_weights) == 2 and len(copy.non_trainable_weights) == 2
    assert copy.get_layer("copy_half").dtype_policy.name == "mixed_bfloat16"


def test_unknown_stage_lists_the_known():
    with pytest.raises(ValueError, match=r"`stage` must .* \['a', 'b'\]. Received: stage='c'"):
        Tower(chain("a", "b"), ["a"]).copy_stage("c", "copy")


def with_dropout(seed, nested):
    image = keras.Input((64,))
    drop = layers.Dropout(0.5, seed=seed, name="drop")
    if nested:
        drop = keras.Sequential([keras.Input((64,)), drop], name="nested")
    return Tower(keras.Model(image, drop(image)), [])


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("seed", [None, 7])
def test_each_copy_drops_other_units(seed, nested):
    tower = with_dropout(seed, nested)
    stage = tower.stages[0]
    x = np.ones((8, 64), "float32")
    masks = [
        ops.convert_to_numpy(tower.copy_stage(stage, prefix)(x, training=True)) > 0
        for prefix in ("a", "b", "a")
    ]
    assert 0.2 < masks[0].mean() < 0.8
    assert (masks[0] != masks[1]).any()
    if seed is not None:
        np.testing.assert_array_equal(masks[0], masks[2])


def test_seeds_of_copies_are_seeds_on_every_backend():
    tower = with_dropout(seed=0, nested=False)
    prefixes = [f"task{i}" for i in range(20)]
    seeds = [tower.copy_stage("drop", each).get_layer(f"{each}_drop").seed for each in prefixes]
    assert len(set(seeds)) == 20 and 0 <= min(seeds) <= max(seeds) < 2**31


# Several inputs


def gated():
    """The first input is cut along; `gate` goes to the middle, `scale` to the last two stages."""
    image = keras.Input((4,), name="image")
    gate, scale = keras.Input((4,), name="gate"), keras.Input((1,), name="scale")
    x = layers.Dense(4, name="first")(image)
    x = layers.Multiply(name="gated")([x, layers.Dense(4, name="of_gate")(gate)])
    x = layers.Multiply(name="scaled")([layers.Dense(4, name="second")(x), scale])
    x = layers.Multiply(name="twice")([layers.Dense(2, name="third")(x), scale])
    return keras.Model([image, gate, scale], x)


def test_further_inputs_go_to_the_stages_that_use_them(rng):
    model = gated()
    assert list(possible_cuts(model)) == ["first", "gated", "second", "scaled", "third", "twice"]
    tower = Tower(model, ["first", "gated", "scaled"])
    found = {stage: tower.further_inputs(stage) for stage in tower.stages}
    assert found == {"first": (), "gated": (1,), "scaled": (2,), "twice": (2,)}
    batch = [rng.normal(size=(3, *x.shape[1:])).astype("float32") for x in model.inputs]
    batch = [ops.convert_to_tensor(x) for x in batch]
    x = batch[0]
    for stage in tower.stages:
        further = [batch[number] for number in tower.further_inputs(stage)]
        x = tower.copy_stage(stage, "copy")([x, *further] if further else x)
    np.testing.assert_allclose(
        ops.convert_to_numpy(x), ops.convert_to_numpy(model(batch)), rtol=1e-5, atol=1e-6
    )


def test_a_branch_of_a_further_input_is_cut_with_the_others():
    """The layer on the gate is not behind the image: no cut, and part of the stage it goes to."""
    tower = Tower(gated(), ["first", "gated"])
    names = [layer.name for layer in tower.copy_stage("gated", "copy").layers]
    assert "copy_of_gate" in names
    with pytest.raises(ValueError, match=r"Received: \['of_gate'\]"):
        Tower(gated(), ["of_gate"])


def test_tower_is_serialised(rng):
    tower = Tower(residual(), ["stem"])
    config = keras.saving.serialize_keras_object(tower)
    twin = keras.saving.deserialize_keras_object(config)
    assert twin.stages == tower.stages and twin.get_config()["cuts"] == ["stem", "top"]
    assert twin.model.count_params() == tower.model.count_params()


def test_every_cut_of_mobilenet_is_right(rng):
    model = keras.applications.MobileNetV2(
        weights=None, alpha=0.35, input_shape=(32, 32, 3), include_top=False
    )
    cuts = list(possible_cuts(model))
    # 17 inverted residual blocks, of which ten have a skip.
    assert {f"block_{i}_add" for i in (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)} < set(cuts)
    assert "block_2_expand_relu" not in cuts and "block_2_project_BN" not in cuts
    assert "block_3_expand_relu" in cuts and cuts[-1] == "out_relu"
    model.set_weights(
        [
            rng.normal(size=w.shape) * (2 / np.prod(w.shape[:-1])) ** 0.5
            if w.ndim > 1
            else rng.uniform(0.5, 1.5, w.shape)
            for w in model.get_weights()
        ]
    )
    image = keras.Input((32, 32, 3))
    both = keras.Model(image, [model(image), composed(Tower(model, cuts))(image)])
    whole, staged = both.predict(rng.normal(size=(1, 32, 32, 3)), verbose=0)
    assert whole.std() > 1e-2
    np.testing.assert_allclose(staged, whole, rtol=1e-4, atol=1e-5)


# Random graphs

WIDTH = 4


@st.composite
def graphs(draw):
    """Calls of a random graph: (layer, indices of one or two earlier calls); call 0 is the input.

    A layer is `dense<i>`, of which some are called again, or `sum<i>`.
    """
    calls = [("input", ())]
    for position in range(1, draw(st.integers(2, 9))):
        before = st.integers(max(0, position - 3), position - 1)
        if draw(st.booleans()):
            calls.append((f"sum{position}", (draw(before), draw(before))))
        else:
            known = [name for name, _ in calls if name.startswith("dense")]
            again = known and draw(st.integers(0, 3)) == 0
            name = draw(st.sampled_from(known)) if again else f"dense{position}"
            calls.append((name, (draw(before),)))
    return calls


def build(calls):
    made, tensors = {}, [keras.Input((WIDTH,))]
    for name, sources in calls[1:]:
        if name not in made:
            is_sum = name.startswith("sum")
            made[name] = layers.Add(name=name) if is_sum else layers.Dense(WIDTH, name=name)
        arguments = [tensors[source] for source in sources]
        tensors.append(made[name](arguments if len(arguments) > 1 else arguments[0]))
    return keras.Model(tensors[0], tensors[-1])


def reachable(calls, start, without=None):
    """The calls that `start` depends on, itself among them, on ways that avoid `without`."""
    found, todo = set(), [start]
    while todo:
        call = todo.pop()
        if call not in found and call != without:
            found.add(call)
            todo.extend(calls[call][1])
    return found


def cuts_by_brute_force(calls):
    last = len(calls) - 1
    used = reachable(calls, last)
    cuts = []
    for call in sorted(used - {0}):
        before = reachable(calls, call)
        behind = used - before
        dominates = 0 not in reachable(calls, last, without=call)
        divided = {calls[i][0] for i in before} & {calls[i][0] for i in behind}
        if dominates and not divided:
            cuts.append(calls[call][0])
    return cuts


@settings(deadline=None, max_examples=40)
@given(calls=graphs(), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_cuts_of_random_graphs(calls, seed, data):
    rng = np.random.default_rng(seed)
    model = build(calls)
    expected = cuts_by_brute_force(calls)
    assert list(possible_cuts(model)) == expected
    randomize(model, rng)
    chosen = data.draw(st.lists(st.sampled_from(expected), unique=True).map(sorted))
    tower = Tower(model, [name for name in expected if name in chosen])
    assert_equal_outputs(model, composed(tower), rng.normal(size=(2, WIDTH)).astype("float32"))


def with_shortcuts(size):
    image = keras.Input((size, size, 2))
    x = layers.Conv2D(3, 3, padding="same", name="stem")(image)
    x = layers.Conv2D(3, 3, padding="same", name="same")(x)
    x = layers.Conv2D(3, 3, strides=2, padding="same", name="strided")(x)
    shortcut = layers.Conv2D(4, 1, name="wider_shortcut")(x)
    x = layers.Conv2D(4, 3, padding="same", name="wider_conv")(x)
    x = layers.Add(name="wider")([x, shortcut])
    return Tower(keras.Model(image, x), ["stem", "same", "strided", "wider"])


@pytest.mark.parametrize("size", [8, None])
def test_shortcuts(size):
    tower = with_shortcuts(size)
    assert [tower.shortcut(stage) is not None for stage in tower.stages] == [0, 1, 0, 1]
    assert tower.shortcut("same") is tower.model.get_layer("stem").output
    assert tower.shortcut("wider") is tower.model.get_layer("wider_shortcut").output
    with pytest.raises(ValueError, match="`stage` must name a stage .*'wide'"):
        tower.shortcut("wide")


def test_a_copy_with_its_shortcut_has_the_weights_in_the_order_of_one_without(rng):
    tower = with_shortcuts(8)
    randomize(tower.model, rng)
    x = rng.normal(size=(1, 4, 4, 3)).astype("float32")
    plain, both = tower.copy_stage("wider", "a"), tower.copy_stage("wider", "b", shortcut=True)
    for one, other in zip(plain.get_weights(), both.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    output, shortcut = both(x)
    output, alone = (ops.convert_to_numpy(each) for each in (output, plain(x)))
    np.testing.assert_allclose(output, alone, rtol=1e-5, atol=1e-6)
    expected = tower.model.get_layer("wider_shortcut")(x)
    np.testing.assert_allclose(
        ops.convert_to_numpy(shortcut), ops.convert_to_numpy(expected), rtol=1e-5, atol=1e-6
    )
    assert tower.copy_stage("same", "c", shortcut=True).outputs[0].shape[-1] == 3


@pytest.mark.parametrize("copied", [False, True])
def test_a_projection_beside_a_further_input(rng, copied):
    image, gate = keras.Input((4,), name="image"), keras.Input((3,), name="gate")
    x = layers.Dense(4, name="stem")(image)
    shortcut = layers.Dense(3, name="gated_shortcut")(x)
    x = layers.Multiply(name="gated_inside")([layers.Dense(3, name="gated_dense")(x), gate])
    x = layers.Add(name="gated")([x, shortcut])
    # Of another shape than the output, for which it cannot stand in.
    y = layers.Dense(2, name="top_shortcut")(x)
    x = layers.Dense(3, name="top")(layers.Concatenate(name="top_join")([x, y]))
    tower = Tower(keras.Model([image, gate], x), ["stem", "gated"])
    randomize(tower.model, rng)
    assert tower.shortcut("stem") is tower.model.inputs[0] and tower.shortcut("top") is None
    stage = tower.copy_stage("gated", "a", shortcut=True) if copied else tower.stage("gated", True)
    features, gates = rng.normal(size=(2, 4)), rng.normal(size=(2, 3))
    output, shortcut = (ops.convert_to_numpy(each) for each in stage([features, gates]))
    kernels = {layer.name: layer.get_weights() for layer in tower.model.layers}
    expected = features @ kernels["gated_shortcut"][0] + kernels["gated_shortcut"][1]
    np.testing.assert_allclose(shortcut, expected, rtol=1e-5, atol=1e-6)
    expected += (features @ kernels["gated_dense"][0] + kernels["gated_dense"][1]) * gates
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)
    assert all(len(tower.stage(name, shortcut=True).outputs) == 1 for name in ("stem", "top"))


def test_cuts_are_one_name_or_a_list():
    image = keras.Input((4,))
    x = layers.Dense(3, name="stem")(image)
    model = keras.Model(image, layers.Dense(2, name="top")(x))
    assert Tower(model, "stem").stages == ("stem", "top")
    for cuts in (None, 3, [1]):
        with pytest.raises(ValueError, match="`cuts` must be a name or a list of names.*cuts="):
            Tower(model, cuts)
