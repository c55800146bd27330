"""The model that tower, sharing and heads make: weights, targets, training, saving."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl import MultiTaskModel
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import NormalsHead, SegmentationHead
from keras_mtl.layers import CrossStitch
from keras_mtl.losses import NormalsCodebookCrossentropy, SegmentationCrossentropy
from keras_mtl.optimizers import SGD
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import Tower

SIZE = 8
CLASSES = 5
TASKS = ("segmentation", "normals")
SHARINGS = {
    "stitched": lambda: CrossStitched(),
    "hard": lambda: Branched.hard_sharing(),
    "split": lambda: Branched.split(at="two"),
    "independent": lambda: Branched.independent(),
}


def small_tower(width=4):
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(width, 3, padding="same", activation="relu", name="one")(image)
    x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu", name="two")(x)
    return Tower(keras.Model(image, x), ["one"])


def heads_of(tasks=("segmentation", "normals")):
    options = dict(output_size=(SIZE, SIZE), strides=2)
    every = {
        "segmentation": SegmentationHead(CLASSES, **options),
        "normals": NormalsHead(NormalsCodebook.default(), **options),
    }
    return {task: every[task] for task in tasks}


def model_of(sharing="stitched", tasks=("segmentation", "normals"), width=4):
    sharing = SHARINGS[sharing]() if isinstance(sharing, str) else sharing
    return MultiTaskModel(small_tower(width), sharing, heads_of(tasks))


def compiled(model, rate=0.01):
    losses = {
        "segmentation": SegmentationCrossentropy(),
        "normals": NormalsCodebookCrossentropy(NormalsCodebook.default()),
    }
    model.compile(SGD(rate, momentum=0.9), loss={task: losses[task] for task in model.tasks})
    return model


def examples(rng, count=4):
    normals = rng.normal(size=(count, SIZE, SIZE, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[:, :2] = 0.0  # unknown
    labels = rng.integers(0, CLASSES, size=(count, SIZE, SIZE))
    labels[:, -1] = 255  # void
    images = rng.normal(size=(count, SIZE, SIZE, 3)).astype("float32")
    targets = {"segmentation": labels.astype("uint8"), "normals": normals.astype("float32")}
    return images, targets


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 2

    def __getitem__(self, index):
        rows = slice(2 * index, 2 * index + 2)
        return self.x[rows], {task: target[rows] for task, target in self.y.items()}


def randomize(model, rng):
    model.set_weights([rng.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
    return model


def outputs(model, x):
    return {task: ops.convert_to_numpy(out) for task, out in model(x, training=False).items()}


def assert_same(one, other):
    assert set(one) == set(other)
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def state(model):
    return {weight.path: ops.convert_to_numpy(weight).copy() for weight in model.weights}


# What the model is


def test_one_named_output_a_task(rng):
    model = model_of()
    assert isinstance(model, keras.Model)
    assert model.tasks == ["segmentation", "normals"] and model.stages == ["one", "two"]
    x, _ = examples(rng)
    found = model.predict(x, verbose=0)
    assert {task: output.shape[1:] for task, output in found.items()} == {
        "segmentation": (SIZE, SIZE, CLASSES),
        "normals": (SIZE, SIZE, 20),
    }
    for task, output in found.items():
        assert tuple(model.output[task].shape) == (None, *output.shape[1:])


def test_parts_are_copied(rng):
    x, y = examples(rng)
    tower, heads = small_tower(), heads_of()
    first = compiled(MultiTaskModel(tower, CrossStitched(), heads))
    before = tower.model.get_weights()
    first.fit(x, y, verbose=0)
    for old, new in zip(before, tower.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    second = MultiTaskModel(tower, Branched.hard_sharing(), heads)
    assert second.head("normals") is not first.head("normals")


def test_weights_of_built_heads_are_where_their_copies_start(rng):
    head = layers.Dense(3)
    head.build((None, SIZE // 2, SIZE // 2, 4))
    sequential = keras.Sequential([keras.Input((SIZE // 2, SIZE // 2, 4)), layers.Dense(3)])
    model = MultiTaskModel(small_tower(), CrossStitched(), {"a": head, "b": sequential})
    for task, original in (("a", head), ("b", sequential)):
        for ours, theirs in zip(
            model.head(task).get_weights(), original.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_parts_are_found_by_name():
    model = model_of()
    assert model.stage("normals", "two").name == "normals_two"
    with pytest.raises(
        ValueError, match=r"`task` must be .* \['segmentation', 'normals'\].*'depth'"
    ):
        model.stage("depth", "two")
    with pytest.raises(ValueError, match=r"`stage` must be .* \['one', 'two'\].*'three'"):
        model.stage("normals", "three")
    with pytest.raises(ValueError, match="`task` must be one of .*Received: task='depth'"):
        model.head("depth")


@pytest.mark.parametrize("heads", [{}, None, [layers.Dense(1)]])
def test_heads_must_be_a_dict(heads):
    with pytest.raises(ValueError, match="`tasks` must be a dict"):
        MultiTaskModel(small_tower(), CrossStitched(), heads)


@pytest.mark.parametrize(
    "parts, message",
    [
        ({"sharing": CrossStitched}, r"`sharing` must be an instance .* `CrossStitched\(...\)`"),
        ({"sharing": None}, "`sharing` must be .* sharing=None"),
        ({"sharing": "hard_sharing"}, "`sharing` must be .* sharing='hard_sharing'"),
        ({"tower": keras.Sequential([keras.Input((4,))])}, "`tower` must be .*Sequential"),
        ({"tower": Tower}, r"`tower` must be an instance .* such as `Tower\("),
        (
            {"tasks": {"a": layers.Dense}},
            r"`tasks\['a'\]` must be an instance of Task or Layer, such",
        ),
        ({"tasks": {"a": layers.Dense(1), "b": 5}}, r"`tasks\['b'\]` must be .*=5"),
        ({"tasks": {"a": None}}, r"`tasks\['a'\]` must be .*=None"),
        ({"tasks": {"a": lambda x: x}}, r"`tasks\['a'\]` must be .*lambda"),
    ],
)
def test_parts_must_be_of_their_kind(parts, message):
    right = {"tower": small_tower(), "sharing": CrossStitched(), "tasks": {"a": layers.Dense(1)}}
    with pytest.raises(TypeError, match=message):
        MultiTaskModel(**{**right, **parts})


@pytest.mark.parametrize("task", ["", "a/b", "_a", " a", "a ", "a\nb", 3])
def test_task_names_must_be_names(task):
    with pytest.raises(ValueError, match="must start with a letter or a digit") as error:
        MultiTaskModel(small_tower(), Branched.independent(), {task: layers.Dense(1)})
    assert repr(task) in str(error.value)


# initialize_from


@pytest.mark.parametrize("sharing", SHARINGS)
def test_one_task_networks_give_their_weights(rng, sharing):
    donors = {
        task: randomize(model_of("independent", [task]), rng)
        for task in ("segmentation", "normals")
    }
    model = model_of(sharing)
    assert model.initialize_from(donors["normals"], donors["segmentation"]) is model
    for task, donor in donors.items():
        for ours, theirs in zip(
            model.head(task).get_weights(), donor.head(task).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    x, _ = examples(rng)
    if sharing == "independent":
        for task, donor in donors.items():
            np.testing.assert_array_equal(outputs(model, x)[task], outputs(donor, x)[task])
    if sharing == "hard":  # the first task's tower carries all
        assert_same(
            {"segmentation": outputs(model, x)["segmentation"]},
            outputs(donors["segmentation"], x),
        )


def test_stitched_gives_stitched_its_alphas(rng):
    donor = randomize(model_of("stitched"), rng)
    model = model_of("stitched").initialize_from(donor)
    assert_same(state(model), state(donor))


def test_split_gives_its_shared_stage_to_every_task(rng):
    donor = randomize(model_of("split"), rng)
    model = model_of("independent").initialize_from(donor)
    x, _ = examples(rng)
    assert_same(outputs(model, x), outputs(donor, x))


def test_the_first_model_wins(rng):
    one, other = (randomize(model_of("independent"), rng) for _ in range(2))
    assert_same(state(model_of("independent").initialize_from(one, other)), state(one))


def alphas(model):
    return [ops.convert_to_numpy(layer.alpha) for layer in units(model)]


def units(model):
    return [layer for layer in model.layers if isinstance(layer, CrossStitch)]


def test_files_of_one_task_networks_give_their_weights(rng, tmp_path):
    donors = [randomize(model_of(tasks=[task], sharing="hard"), rng) for task in TASKS]
    for task, donor in zip(TASKS, donors, strict=True):
        compiled(donor).save(tmp_path / f"{task}.keras")
    by_file = model_of().initialize_from(*(tmp_path / f"{task}.keras" for task in TASKS))
    by_model = model_of().initialize_from(*donors)
    for path, weight in state(by_file).items():
        np.testing.assert_array_equal(weight, state(by_model)[path])


def test_a_file_of_another_model_is_refused(tmp_path):
    keras.Sequential([keras.Input((3,)), layers.Dense(2)]).save(tmp_path / "other.keras")
    model = model_of()
    for method in (model.initialize_from, model.initialize_towers_from):
        with pytest.raises(
            TypeError, match="path of a `.keras` file of one. Received: <Sequential"
        ):
            method(tmp_path / "other.keras")


def test_all_towers_start_from_one_network(rng):
    donor = randomize(model_of(tasks=["normals"], sharing="hard"), rng)
    model = randomize(model_of(), rng)
    before = state(model)
    model.initialize_towers_from(donor)
    for task in TASKS:
        for stage in model.stages:
            for ours, theirs in zip(
                model.stage(task, stage).get_weights(),
                donor.stage("normals", stage).get_weights(),
                strict=True,
            ):
                np.testing.assert_array_equal(ours, theirs)
    after = state(model)
    for path in before:
        if path.startswith("stitch") or "head" in path:
            np.testing.assert_array_equal(before[path], after[path])
    with pytest.raises(ValueError, match="`task` must be one of .*Received: task='age'"):
        model.initialize_towers_from(donor, task="age")


def test_alphas_of_other_tasks_are_not_taken_over(rng):
    """A unit mixes certain tasks: another pair's alphas, or a trio's, mean something else."""
    start = alphas(model_of("stitched"))

    def head():
        return SegmentationHead(CLASSES, output_size=(SIZE, SIZE), strides=2)

    def stitched(*tasks):
        heads = {task: head() for task in tasks}
        return MultiTaskModel(small_tower(), CrossStitched(), heads)

    for donor_tasks in (("a", "c"), ("a", "b", "c")):
        donor = randomize(stitched(*donor_tasks), rng)
        model = stitched("a", "b").initialize_from(donor, randomize(stitched("b", "d"), rng))
        for found, expected in zip(alphas(model), start, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "donors, message",
    [
        (lambda: [model_of("independent", ["normals"])], r"tasks \['segmentation'\].*\['normals'"),
        (lambda: [], "no weights for the tasks"),
        (lambda: [model_of(width=6)], "weights of the same shapes. segmentation_head has"),
        (
            lambda: [model_of("independent", ["segmentation"]), model_of(width=6)],
            "weights of the same shapes. normals_head has",
        ),
        (
            # The rows of its alphas are those of other tasks.
            lambda: [model_of("stitched", ("normals", "segmentation"))],
            r"stitch_one mixes them: \['segmentation', 'normals'\]. Received: \['normals', ",
        ),
    ],
)
def test_nothing_is_changed_if_a_donor_does_not_fit(rng, donors, message):
    model = randomize(model_of(), rng)
    before = state(model)
    with pytest.raises(ValueError, match=message):
        model.initialize_from(*donors())
    assert_same(state(model), before)


# Targets


def broken(y, task, change):
    target = np.array(y[task])
    return {**y, task: change(target)}


def with_value(value):
    def change(target):
        target[-1, 3, 3] = value
        return target

    return change


WRONG = {
    "unknown task": (lambda y: {**y, "depth": y["normals"]}, r"`y` has unknown tasks \['depth'\]"),
    "no task": (
        lambda y: {},
        r"`y` must have labels of one of \['segmentation', 'normals'\] at least, .* loss. Received",
    ),
    "label too large": (
        lambda y: broken(y, "segmentation", with_value(CLASSES)),
        r"`y\['segmentation'\]` must hold labels from 0 to 4, or -1 or 255 .* Received: \[5\]",
    ),
    "label below zero": (
        lambda y: broken(y, "segmentation", lambda t: with_value(-2)(t.astype("int32"))),
        r"`y\['segmentation'\]` .* Received: \[-2\]",
    ),
    "labels that are no integers": (
        lambda y: broken(y, "segmentation", lambda t: t.astype("bool")),
        r"`y\['segmentation'\]` must hold integer labels. Received: dtype=bool",
    ),
    "infinity": (
        lambda y: broken(y, "normals", with_value(np.inf)),
        r"`y\['normals'\]` must be finite.* Received: 1 infinite",
    ),
    "length": (
        lambda y: broken(y, "normals", with_value((0.0, 0.0, 2.0))),
        r"`y\['normals'\]` must be unit vectors.* Received: 1 pixels .* 2.000",
    ),
    "pixels of 8 bits": (
        lambda y: broken(y, "normals", lambda t: (127.5 * (t + 1)).astype("uint8")),
        r"`y\['normals'\]` must be unit vectors",
    ),
    "axes": (
        lambda y: broken(y, "normals", lambda t: t[..., :2]),
        r"`y\['normals'\]` must have shape \(…, 3\)",
    ),
}


@pytest.fixture(scope="module")
def model():
    return compiled(model_of())


@pytest.mark.parametrize("case", WRONG)
def test_wrong_targets_are_refused(rng, model, case):
    change, message = WRONG[case]
    x, y = examples(rng)
    wrong = change(y)
    before = state(model)
    ways = {
        "arrays": lambda: model.fit(x, wrong, verbose=0),
        "names": lambda: model.fit(x=x, y=wrong, verbose=0),
        "batches": lambda: model.fit(Batches(x[2:], {k: v[2:] for k, v in wrong.items()})),
        "validation": lambda: model.fit(x, y, validation_data=(x, wrong), verbose=0),
        "validation batches": lambda: model.fit(
            x, y, validation_data=Batches(x[2:], {k: v[2:] for k, v in wrong.items()})
        ),
    }
    for way, fit in ways.items():
        with pytest.raises(ValueError, match=message):
            fit()
            pytest.fail(f"{case} by {way} passed")
    assert_same(state(model), before)


def test_targets_of_several_tasks_must_be_a_dict(rng, model):
    x, y = examples(rng)
    for wrong in (y["normals"], list(y.values())):
        message = rf"`y` must be a dict .*\['segmentation', 'normals'\].*{type(wrong).__name__}"
        with pytest.raises(ValueError, match=message):
            model.fit(x, wrong, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, validation_data=(x, wrong), verbose=0)


def test_some_tasks_may_have_no_loss(rng):
    x, y = examples(rng)
    model = model_of()
    model.compile("sgd", loss={"segmentation": SegmentationCrossentropy(), "normals": None})
    model.fit(x, {"segmentation": y["segmentation"]}, verbose=0)
    with pytest.raises(ValueError, match=r"`y` must have labels of one of \['segmentation'\]"):
        model.fit(x, {"normals": y["normals"]}, verbose=0)


def test_right_targets_pass(rng, model):
    x, y = examples(rng)
    model.fit(x, y, validation_data=(x, y), verbose=0)
    wide = {"segmentation": y["segmentation"][..., None].astype("int64"), "normals": y["normals"]}
    model.fit(Batches(x, wide), validation_data=Batches(x, y), verbose=0)


# Training


def test_multiplier_moves_the_alphas_further(rng):
    x, y = examples(rng)
    start = randomize(model_of(), rng)
    moves = {}
    for multiplier in (1.0, 100.0):
        model = model_of(CrossStitched(learning_rate_multiplier=multiplier))
        model.initialize_from(start)
        before = np.concatenate(alphas(model), axis=None)
        compiled(model, rate=1e-4).fit(x, y, epochs=1, batch_size=4, verbose=0)
        moves[multiplier] = np.concatenate(alphas(model), axis=None) - before
    assert np.abs(moves[1.0]).max() > 0
    # float32 alphas near 1 resolve steps to 1e-7.
    np.testing.assert_allclose(moves[100.0], 100 * moves[1.0], rtol=0.02, atol=2e-5)


def test_callbacks_of_the_user_run(rng, tmp_path):
    x, y = examples(rng)
    model = compiled(model_of())
    seen = []
    model.fit(
        x,
        y,
        epochs=2,
        verbose=0,
        validation_data=(x, y),
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs)),
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.01 / (epoch + 1)),
            keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
        ],
    )
    assert len(seen) == 2 and {"loss", "normals_loss", "val_segmentation_loss"} < set(seen[0])
    assert float(ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.005)
    assert keras.models.load_model(tmp_path / "best.keras").tasks == model.tasks


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def test_mixed_precision_trains_and_comes_back(rng, tmp_path, policy):
    policy("mixed_bfloat16")
    x, y = examples(rng)
    model = compiled(model_of())
    history = model.fit(x, y, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert {keras.backend.standardize_dtype(w.dtype) for w in model.weights} == {"float32"}
    assert model.stage("normals", "two").output.dtype == "bfloat16"
    assert model.output["normals"].dtype == "float32"
    model.save(tmp_path / "mixed.keras")
    expected = outputs(model, x)
    policy("float32")  # the file knows its precision, whatever the policy of the day
    assert_same(outputs(keras.models.load_model(tmp_path / "mixed.keras"), x), expected)


@pytest.mark.parametrize("sharing", SHARINGS)
def test_a_plain_model_of_the_user_trains(rng, sharing):
    """A network with batch normalisation and a skip, heads of two kinds, stock losses."""
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", name="one")(image)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu", name="one_done")(x)
    y = layers.Conv2D(4, 3, padding="same")(x)
    x = layers.Add(name="two")([x, y])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    sharing = Branched.split(at="two") if sharing == "split" else SHARINGS[sharing]()
    model = MultiTaskModel(
        tower=Tower(keras.Model(image, x), cuts=["one_done", "two", "pool"]),
        sharing=sharing,
        tasks={"age": layers.Dense(1), "species": layers.Dense(3, activation="softmax")},
    )
    model.compile(
        SGD(0.002, momentum=0.9),
        loss={"age": "mse", "species": "sparse_categorical_crossentropy"},
        metrics={"species": ["accuracy"]},
    )
    x = rng.normal(size=(8, 16, 16, 3)).astype("float32")
    y = {"age": x.mean((1, 2, 3))[:, None], "species": rng.integers(0, 3, size=8)}
    before = state(model)
    losses = model.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    after = state(model)
    assert all((before[path] != after[path]).any() for path in before if "bias" not in path)
    assert set(model.evaluate(x, y, return_dict=True, verbose=0)) >= {"loss", "species_accuracy"}


# Configuration and files


@pytest.mark.parametrize("sharing", SHARINGS)
def test_configuration_comes_back(rng, sharing):
    model = model_of(sharing)
    twin = MultiTaskModel.from_config(model.get_config())
    assert twin.tasks == model.tasks and twin.name == model.name
    assert [(w.path, w.shape) for w in twin.weights] == [(w.path, w.shape) for w in model.weights]
    twin.set_weights(model.get_weights())
    x, _ = examples(rng)
    assert_same(outputs(twin, x), outputs(model, x))


@pytest.mark.parametrize("sharing", SHARINGS)
def test_a_saved_model_goes_on_as_if_it_had_not_been_saved(rng, tmp_path, sharing):
    x, y = examples(rng)
    model = compiled(model_of(sharing))
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, MultiTaskModel) and loaded.tasks == model.tasks
    assert_same(outputs(loaded, x), outputs(model, x))
    for each in (model, loaded):
        each.fit(x, y, epochs=2, shuffle=False, verbose=0)
    ours, theirs = state(model), state(loaded)
    for path in ours:
        np.testing.assert_allclose(theirs[path], ours[path], rtol=1e-5, atol=1e-6, err_msg=path)


def test_frozen_stages_are_frozen_in_the_file(rng, tmp_path):
    x, y = examples(rng)
    model = model_of()
    model.stage("normals", "one").trainable = False
    model.head("segmentation").trainable = False
    compiled(model).fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    frozen = {weight.path for weight in model.non_trainable_weights}
    assert {weight.path for weight in loaded.non_trainable_weights} == frozen
    assert {path.split("/")[0] for path in frozen} == {"normals_one", "segmentation_head"}
    before = state(loaded)
    loaded.fit(x, y, verbose=0)
    after = state(loaded)
    assert {path for path in after if (after[path] == before[path]).all()} == frozen


def test_freeze_keeps_a_stage_of_every_task(rng):
    x, y = examples(rng)
    model = compiled(model_of().freeze("one"))
    before = state(model)
    model.fit(x, y, verbose=0)
    after = state(model)
    moved = {path.split("/")[0] for path in after if (after[path] != before[path]).any()}
    assert moved == {
        *("segmentation_two", "normals_two", "stitch_one", "stitch_two"),
        *("segmentation_head", "normals_head"),
    }
    with pytest.raises(ValueError, match=r"`stage` must be one of \['one', 'two'\].*'ten'"):
        model.freeze("two", "ten")
    assert model.stage("normals", "two").trainable


def test_frozen_layers_of_the_tower_stay_frozen():
    image = keras.Input((4,))
    x = layers.Dense(3, trainable=False, name="one")(image)
    tower = Tower(keras.Model(image, layers.Dense(3, name="two")(x)), ["one"])
    model = MultiTaskModel(tower, CrossStitched(), {"a": layers.Dense(1), "b": layers.Dense(1)})
    assert not model.stage("a", "one").trainable_weights
    twin = MultiTaskModel.from_config(model.get_config())
    assert not twin.stage("a", "one").trainable_weights and twin.stage("a", "two").trainable_weights
    model.trainable = False
    assert not MultiTaskModel.from_config(model.get_config()).trainable_weights


def test_clone_model_gives_a_plain_functional_model(rng):
    """Keras clones the graph and knows nothing of the class: `from_config` gives the class, too."""
    model = randomize(model_of(), rng)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    x, _ = examples(rng)
    found, expected = outputs(clone, x), outputs(model, x)
    for task in expected:  # The clone runs as Keras has it.
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-5, atol=1e-6)


# Several outputs of a head, several inputs of a tower


@keras.saving.register_keras_serializable("tests")
class Extent(layers.Layer):
    """A head with two outputs."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.low, self.high = layers.Dense(1, name="low"), layers.Dense(2, name="high")

    def build(self, input_shape):
        self.low.build(input_shape)
        self.high.build(input_shape)

    def call(self, inputs):
        return {"low": self.low(inputs), "high": self.high(inputs)}

    def compute_output_shape(self, input_shape):
        return {"low": (input_shape[0], 1), "high": (input_shape[0], 2)}

    def check_targets(self, targets, name, output):
        if targets.min() < 0:
            raise ValueError(f"{name} is the {output} one")


def extents(sharing):
    image, gate = keras.Input((4,), name="image"), keras.Input((6,), name="gate")
    x = layers.Dense(6, name="first")(image)
    x = layers.Multiply(name="gated")([x, gate])
    tower = Tower(keras.Model([image, gate], x), ["first"])
    return MultiTaskModel(tower, sharing, {"extent": Extent(), "score": layers.Dense(1)})


@pytest.mark.parametrize("sharing", [Branched.split(at="gated"), CrossStitched(["first"])])
def test_heads_with_several_outputs_and_towers_with_several_inputs(rng, tmp_path, sharing):
    model = extents(sharing)
    assert sorted(model.output) == ["extent_high", "extent_low", "score"]
    assert sorted(model.outputs_of("extent")) == ["extent_high", "extent_low"]
    assert model.outputs_of("score") == ["score"]
    x = {"image": rng.normal(size=(5, 4)), "gate": rng.normal(size=(5, 6))}
    y = {"extent_low": np.ones((5, 1)), "extent_high": np.ones((5, 2)), "score": np.ones((5, 1))}
    model.compile("sgd", loss=dict.fromkeys(y, "mse"))
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name, found in loaded.predict(x, verbose=0).items():
        np.testing.assert_allclose(found, model.predict(x, verbose=0)[name], rtol=1e-5)
    with pytest.raises(ValueError, match=r"y\['extent_high'\] is the high one"):
        model.fit(x, {**y, "extent_high": -y["extent_high"]}, verbose=0)
    with pytest.raises(ValueError, match=r"unknown tasks \['extent'\]. Known.*'extent_low'"):
        model.fit(x, {"extent": y["score"]}, verbose=0)


def test_two_outputs_of_one_name_are_refused():
    image = keras.Input((4,))
    tower = Tower(keras.Model(image, layers.Dense(6)(image)), [])
    heads = {"extent": Extent(), "extent_low": layers.Dense(1)}
    with pytest.raises(ValueError, match=r"`tasks`.*twice: \['extent_low'\]"):
        MultiTaskModel(tower, Branched.independent(), heads)
