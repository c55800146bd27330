"""However tasks, layers and inputs are called, and wherever channels stand."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_mtl import MultiTaskModel, modulate
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated
from keras_mtl.towers import Tower, possible_cuts

IDENTITY = layers.Identity

pytestmark = pytest.mark.filterwarnings("ignore:SGD trains")


def chain(*names, width=4, **options):
    x = image = keras.Input((width,), **options)
    for name in names:
        x = layers.Dense(width, name=name)(x)
    return Tower(keras.Model(image, x), names[:-1])


def assert_trains(model, folder, x):
    tasks = model.tasks
    y = {task: np.zeros((len(x), *model.output[task].shape[1:]), "float32") for task in tasks}
    model.compile("sgd", dict.fromkeys(tasks, "mse"))
    model.fit(x, y, verbose=0)
    paths = [variable.path for variable in model.trainable_variables]
    assert len(set(paths)) == len(paths)
    model.save(folder / "model.keras")
    loaded = keras.models.load_model(folder / "model.keras")
    ours, theirs = (each.predict_on_batch(x) for each in (model, loaded))
    assert list(ours) == list(theirs) == tasks
    for task in tasks:
        np.testing.assert_allclose(ours[task], theirs[task], atol=1e-6)


@pytest.mark.parametrize(
    "stages, sharing, tasks",
    [
        (("one", "two"), CrossStitched(), ["5_o_Clock_Shadow", "No_Beard", "a.b"]),
        (("one", "head"), Branched.independent(), ["a", "b"]),
        (
            ("one", "two"),
            Branched({"one": [["a", "b"], ["a_b"]]}),
            ["a", "b", "a_b"],
        ),
        (("one", "two"), Branched.split("two"), ["shared", "b"]),
        (("one", "two"), CrossStitched(), ["stitch", "gate"]),
        (("one", "two"), Modulated(), ["gate", "b"]),
        (("b_one", "one", "two"), Branched.independent(), ["a", "a_b"]),
        (("one", "two"), Branched.independent(), ["a_b", "a-b", "a.b"]),
        (("one", "one_skipped"), Branched.hard_sharing(), ["a", "b"]),
        (("one", "two"), LatentShared(2, dropout=0.5), ["a.b", "a_b"]),
        (("one", "two"), AdaShared(), ["a.b", "a_b"]),
        (("one", "two"), AdaShared({"a.b": "10", "a_b": "01"}), ["a.b", "a_b"]),
    ],
    ids=lambda value: str(value) if isinstance(value, list) else "",
)
def test_names_that_meet(tmp_path, stages, sharing, tasks):
    model = MultiTaskModel(chain(*stages), sharing, {task: layers.Dense(2) for task in tasks})
    assert model.tasks == tasks and model.stages == list(stages)
    kinds = (CrossStitched, Modulated)
    assert list(model.units) == (list(stages) if isinstance(sharing, kinds) else [*model.units])
    assert_trains(model, tmp_path, np.ones((2, 4), "float32"))


def test_names_of_any_letters(tmp_path):
    """Keras' losses and metrics of several outputs need names that TensorFlow takes."""
    tasks = ["Big Lips", "größe", "名前"]
    heads = {task: layers.Dense(2) for task in tasks}
    model = MultiTaskModel(chain("one", "two"), CrossStitched(), heads)
    x = np.ones((2, 4), "float32")
    if keras.backend.backend() != "tensorflow":
        assert_trains(model, tmp_path, x)
    assert list(model.predict_on_batch(x)) == tasks


def test_a_model_with_a_dot_in_its_name_is_a_layer(tmp_path):
    """As those of `keras.applications` are called; PyTorch takes no dots in names."""
    image = keras.Input((4,))
    inner = keras.Model(image, layers.Dense(4, name="in")(image), name="mobilenetv2_1.00_32")
    image = keras.Input((4,))
    tower = Tower(keras.Model(image, layers.Dense(4, name="two")(inner(image))), [inner.name])
    model = MultiTaskModel(tower, Branched.independent(), {"a": IDENTITY(), "b": IDENTITY()})
    assert_trains(model, tmp_path, np.ones((2, 4), "float32"))


def test_an_input_may_be_called_as_a_layer_would_be(tmp_path):
    heads = {"a": layers.Dense(1), "b": layers.Dense(1)}
    model = MultiTaskModel(chain("one", name="a_head"), Branched.independent(), heads)
    assert_trains(model, tmp_path, np.ones((2, 4), "float32"))


def test_the_user_s_name_of_an_input_is_kept():
    heads = {"a": layers.Dense(1), "b": layers.Dense(1)}
    model = MultiTaskModel(chain("one", name="image"), Branched.independent(), heads)
    model.compile("sgd", {"a": "mse", "b": "mse"})
    x, y = np.ones((2, 4), "float32"), np.ones((2, 1))
    model.fit({"image": x}, {"a": y, "b": y}, verbose=0)
    model.fit(x, {"a": y, "b": y}, verbose=0)
    assert [x.name for x in MultiTaskModel(chain("one"), Branched.independent(), heads).inputs] == [
        "inputs"
    ]


# Inputs beside the one that is cut


def image_and_metadata(kind, depth=4):
    """A picture through three layers, beside metadata through a deep network of its own."""
    image, metadata = keras.Input((4,), name="image"), keras.Input((3,), name="metadata")
    side = metadata
    for number in range(depth):
        side = layers.Dense(4, name=f"side{number}")(side)
    x = layers.Dense(4, name="one")(image)
    x = layers.Dense(4, name="two")(x)
    x = layers.Concatenate(name="both")([x, side])
    x = layers.Dense(4, name="three")(x)
    inputs = {"image": image, "metadata": metadata} if kind is dict else [image, metadata]
    return keras.Model(inputs, x)


@pytest.mark.parametrize("kind", [list, dict])
def test_a_side_branch_counts_at_no_cut(kind, rng):
    model = image_and_metadata(kind)
    assert list(possible_cuts(model, along="image")) == ["one", "two", "both", "three"]
    tower = Tower(model, ["one", "two"], along="image")
    joint = MultiTaskModel(
        tower, CrossStitched(["one"], alpha=(1.0, 0.0)), {"a": IDENTITY(), "b": IDENTITY()}
    )
    x = {"image": rng.random((2, 4)), "metadata": rng.random((2, 3))}
    expected = model.predict_on_batch(x if kind is dict else list(x.values()))
    for output in joint.predict_on_batch(x).values():
        np.testing.assert_allclose(output, expected, atol=1e-6)
    again = MultiTaskModel(joint.tower("b"), Branched.hard_sharing(), {"a": IDENTITY()})
    np.testing.assert_allclose(again.predict_on_batch(x)["a"], expected, atol=1e-6)


def test_the_metadata_can_be_cut_as_well():
    cuts = possible_cuts(image_and_metadata(dict, depth=2), along="metadata")
    assert list(cuts) == ["side0", "side1", "both", "three"]


@pytest.mark.one_backend
def test_of_a_dict_no_input_is_the_first():
    model = image_and_metadata(dict)
    with pytest.raises(ValueError, match=r"`along` must name the input.*\['image', 'metadata'\]"):
        Tower(model, ["one"])
    with pytest.raises(ValueError, match="`along` must name an input of the model.*'picture'"):
        Tower(model, ["one"], along="picture")
    assert Tower(image_and_metadata(list), ["one"]).stages == ("one", "three")


def blocks_under_a_mask(cast):
    """Two blocks, each of which reads what is made of a mask."""
    tokens = keras.Input((5, 4), name="tokens")
    mask = keras.Input((5,), dtype="int32", name="mask")
    shared = cast(mask) if cast else None
    x = tokens
    for name in ("one", "two"):
        own = shared if cast else keras.ops.cast(mask, "float32")
        x = layers.Dense(4, name=f"{name}_dense")(x)
        x = layers.Multiply(name=name)([x, layers.Reshape((5, 1), name=f"{name}_mask")(own)])
    return keras.Model([tokens, mask], x)


def test_blocks_that_cast_a_mask_can_be_cut_between(rng):
    for model in (blocks_under_a_mask(None), blocks_under_a_mask(layers.Activation("relu"))):
        assert "one" in possible_cuts(model)
    model = blocks_under_a_mask(None)
    tower = Tower(model, ["one"])
    x = [rng.random((2, 5, 4)), np.array([[1, 1, 0, 0, 1]] * 2)]
    joint = MultiTaskModel(tower, Branched.independent(), {"a": IDENTITY(), "b": IDENTITY()})
    outputs = joint.predict_on_batch({"tokens": x[0], "mask": x[1]})
    np.testing.assert_allclose(outputs["b"], model.predict_on_batch(x), atol=1e-6)


@pytest.mark.one_backend
def test_a_side_branch_with_weights_is_not_cut_in_two():
    embedding = keras.Sequential(
        [keras.Input((5,)), layers.Rescaling(1.0), layers.Dense(5)], name="embedding"
    )
    assert "one" not in possible_cuts(blocks_under_a_mask(embedding))


# A model used as a layer


@pytest.mark.parametrize("training", [None, False])
def test_a_cut_may_be_in_a_model_that_is_a_layer(rng, training):
    image = keras.Input((8, 8, 3))
    inner_image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv")(inner_image)
    x = layers.BatchNormalization(name="norm")(x)
    inner = keras.Model(inner_image, layers.Conv2D(4, 3, name="last")(x), name="backbone")
    x = layers.Rescaling(2.0)(image)
    x = inner(x, training=training) if training is not None else inner(x)
    model = keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(x))
    tower = Tower(model, ["norm", "last"])
    assert tower.stages == ("norm", "last", "pool")
    joint = MultiTaskModel(
        tower, CrossStitched(["norm"], alpha=(1.0, 0.0)), {"a": IDENTITY(), "b": IDENTITY()}
    )
    x = rng.random((2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(joint.predict_on_batch(x)["b"], model.predict_on_batch(x), atol=1e-6)
    # What the inner model was called with goes for its layers, in training as well.
    ours = keras.ops.convert_to_numpy(joint(x, training=True)["b"])
    theirs = keras.ops.convert_to_numpy(model(x, training=True))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.one_backend
def test_a_cut_that_is_nowhere_lists_those_that_are():
    with pytest.raises(ValueError, match=r"Received: \['nowhere'\]. Possible cuts: \['one', 't"):
        Tower(chain("one", "two").model, ["nowhere"])


# Channels first


def channels_first(by_layer):
    options = {"data_format": "channels_first"} if by_layer else {}
    image = keras.Input((3, 6, 5))
    x = layers.Conv2D(4, 1, name="one", **options)(image)
    x = layers.Activation("relu", name="act")(x)
    x = layers.Conv2D(2, 1, name="two", **options)(x)
    x = layers.BatchNormalization(axis=1, name="norm")(x)
    return keras.Model(image, x)


@pytest.mark.parametrize("by_layer", [True, False])
def test_units_and_gates_take_the_axis_of_the_layers(by_layer):
    """TensorFlow computes no convolutions of channels first on the CPU, but builds them."""
    before = keras.config.image_data_format()
    if not by_layer:
        keras.config.set_image_data_format("channels_first")
    try:
        model = channels_first(by_layer)
    finally:
        keras.config.set_image_data_format(before)
    tower = Tower(model, ["one", "act", "two"])
    heads = {"a": IDENTITY(), "b": IDENTITY()}
    stitched = MultiTaskModel(tower, CrossStitched(), heads)
    channels = {"one": 4, "act": 4, "two": 2, "norm": 2}
    found = {stage: unit.alpha.shape[-1] for stage, unit in stitched.units.items()}
    assert found == channels
    gated = MultiTaskModel(tower, Modulated(), heads)
    assert {stage: unit.gate.shape[-1] for stage, unit in gated.units.items()} == channels
    assert modulate(model, 2, after="act").get_layer("gate_act").gate.shape == (2, 4)
