"""Models whose tasks see pictures of their own in one step."""

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl.datasets import JoinedBatches
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated

TASKS = ("young", "kind", "age")  # In no order of the alphabet.
SHARINGS = {
    "hard": Branched.hard_sharing(),
    "split": Branched.split("two"),
    "independent": Branched.independent(),
    "tree": Branched({"one": [["young", "age"], ["kind"]]}),
    "basis": LatentShared(3),
    "gates": Modulated(),
    "policy": AdaShared({"young": "1", "kind": "0", "age": "1"}),
}


def tower():
    x = image = keras.Input((5,))
    x = keras.layers.Dense(4, "tanh", name="one")(x)
    x = keras.layers.Dense(4, "tanh", name="two")(x)
    return keras_mtl.towers.Tower(keras.Model(image, x), cuts=["one"])


def model_of(sharing, **options):
    regression, classes = keras_mtl.Task.regression, keras_mtl.Task.classification
    tasks = {"young": regression(), "kind": classes(3), "age": regression()}
    return keras_mtl.MultiTaskModel(tower(), sharing, tasks, **options)


def data(rng, rows=6):
    x = {task: rng.normal(size=(rows, 5)).astype("float32") for task in TASKS}
    y = {task: rng.normal(size=(rows, 1)) for task in TASKS}
    return x, {**y, "kind": rng.integers(0, 3, rows)}


@pytest.mark.parametrize("sharing", SHARINGS)
def test_a_task_sees_its_own_input_alone(rng, sharing, tmp_path):
    """As if the shared input were this one; the same from a file."""
    model = model_of(SHARINGS[sharing], own_inputs=True)
    shared = model_of(SHARINGS[sharing])
    shared.set_weights(model.get_weights())
    x, y = data(rng)
    found = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").predict(x, verbose=0)
    for task in TASKS:
        expected = shared.predict(x[task], verbose=0)[task]
        np.testing.assert_allclose(found[task], expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(again[task], expected, rtol=1e-5, atol=1e-6)
        alone = model.for_task(task)
        own = x if isinstance(alone.input, dict) else x[task]
        assert isinstance(alone.input, dict) == (sharing == "gates")
        np.testing.assert_allclose(alone.predict(own, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert list(model.tower("age").stages) == ["one", "two"] or sharing == "policy"


def test_gradients_are_those_of_all_inputs(rng):
    """What tasks share learns from all of them."""
    model = model_of(Branched.hard_sharing(), own_inputs=True)
    model.compile(keras.optimizers.SGD(0.1), metrics={})
    x, y = data(rng)
    gradients = keras_mtl.gradients.task_gradients(model, (x, y))
    first = model.stage("age", "one").layers[-1].kernel
    before = np.array(first)
    model.fit(x, y, batch_size=6, verbose=0)
    (path,) = {v.path for v in model.trainable_variables if v is first}
    total = sum(gradients[task][path] for task in TASKS)
    np.testing.assert_allclose(np.array(first), before - 0.1 * total, rtol=1e-4, atol=1e-6)
    assert all(np.abs(gradients[task][path]).max() > 0 for task in TASKS)


def test_sources_of_different_sizes(rng):
    """Each task has a batch size of its own."""
    model = model_of(Branched.split("two"), own_inputs=True)
    model.compile("sgd")
    sources = {
        task: (rng.normal(size=(rows, 5)), labels[:rows])
        for (task, labels), rows in zip(data(rng, 30)[1].items(), (30, 10, 7), strict=True)
    }
    batches = JoinedBatches(sources, {"young": 6, "kind": 2, "age": 3}, apart=True)
    images, targets = batches[0]
    assert [len(images[task]) for task in TASKS] == [6, 2, 3] and len(batches) == 5
    assert [len(targets[task]) for task in TASKS] == [6, 2, 3]
    history = model.fit(batches, shuffle=False, verbose=0).history
    assert np.isfinite([value for (value,) in history.values()]).all()


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: model_of(CrossStitched(), own_inputs=True),
            "`own_inputs` must be False with this sharing, which mixes .* 'stitch_one'",
        ),
        (
            lambda: model_of(AdaShared(), own_inputs=True),
            "`own_inputs` must be False with this sharing, which mixes ",
        ),
        (
            lambda: JoinedBatches({"a": (np.ones((4, 2)), {"b": np.ones(4)})}, 2, apart=True),
            r"`sources\['a'\]` must have images and labels of 'a' alone .*\"targets 'b'\"",
        ),
        (
            lambda: JoinedBatches({"a": (np.ones((4, 2)),) * 2}, 2, apart=True, alternate=True),
            "`alternate` must be False with `apart`. Received: True",
        ),
    ],
)
def test_what_would_mix_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.one_backend
def test_a_tower_of_several_inputs_is_refused():
    both = [keras.Input((3,), name=name) for name in "ab"]
    wide = keras.layers.Dense(2, name="end")(keras.layers.Concatenate(name="both")(both))
    several = keras_mtl.towers.Tower(keras.Model(both, wide), cuts=[])
    heads = {task: keras.layers.Dense(1) for task in TASKS}
    with pytest.raises(ValueError, match=r"`own_inputs` must be False where .*\['a', 'b'\]"):
        keras_mtl.MultiTaskModel(several, Branched.hard_sharing(), heads, own_inputs=True)
