"""What decides a network is in its hash, and draws nothing from elsewhere."""

import functools

import keras
import numpy as np
import pytest
from small_studies import examples, network, tasks

import keras_mtl
from keras_mtl import Task
from keras_mtl.study import Contender, hard_sharing, split
from keras_mtl.study._digest import digest
from keras_mtl.study._fresh_weights import fresh_weights, is_untrained

pytestmark = pytest.mark.one_backend


def pretrained(trainable=False):
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Normalization(name="norm"), keras.layers.Dense(5)]
    )
    inner.get_layer("norm").adapt(np.arange(20.0).reshape(5, 4))
    inner.layers[-1].trainable = trainable
    image = keras.Input((4,))
    return keras.Model(image, keras.layers.Dense(3, name="new")(inner(image))), inner


def test_what_is_frozen_or_adapted_stays_as_it_is_at_every_depth():
    model, inner = pretrained()
    fresh = fresh_weights(model, 0)
    for ours, theirs in zip(fresh.layers[1].get_weights(), inner.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(fresh.layers[-1].get_weights()[0], model.layers[-1].get_weights()[0])
    x = np.ones((1, 4), "float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(fresh.layers[1](x)), keras.ops.convert_to_numpy(inner(x))
    )


def test_whether_a_network_has_been_trained():
    model, inner = pretrained()
    assert is_untrained(model) is True
    inner.layers[-1].set_weights([each + 0.5 for each in inner.layers[-1].get_weights()])
    assert is_untrained(model) is False  # Though it is frozen.
    image = keras.Input((4,))
    without = keras.Model(image, keras.layers.Dense(3, use_bias=False)(image))
    assert is_untrained(without) is None


def test_where_it_cannot_be_seen_it_must_be_said(make):
    image = keras.Input((4,))
    without = keras.Model(image, keras.layers.Dense(3, use_bias=False, name="dense0")(image))
    with pytest.raises(ValueError, match="`weights` must be 'keep' or 'draw'"):
        make(backbone=without, cuts=[])
    assert make(backbone=without, cuts=[], weights="keep").backbone.weights == "keep"


def made(factor):
    def changed(x, y, rng):
        return factor * x, y

    return changed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (made(1.0), made(2.0)),
        (functools.partial(made, 1.0), functools.partial(made, 2.0)),
        (np.zeros(2000), np.eye(1, 2000, 1000)[0]),
        (keras_mtl.augmentation.RandomHorizontalFlip, keras_mtl.augmentation.ColorJitter),
        (lambda x: x + 1, lambda x: x + 2),
        (hard_sharing().twin_of_it, split("a").twin_of_it),
    ],
    ids=["closure", "partial", "array", "class", "lambda", "method"],
)
def test_what_differs_has_another_digest(one, other):
    assert digest({"it": one}) != digest({"it": other})
    assert digest({"it": one}) == digest({"it": one})


def test_stages_are_known_by_their_place(make, tmp_path):
    """A notebook that has made one more layer before gives other names to the same network."""

    def unnamed(seed):
        x = image = keras.Input((4,))
        for _ in range(3):
            x = keras.layers.Dense(6, "tanh")(x)
        return keras.Model(image, x)

    models = [unnamed(0) for _ in range(2)]
    for model in models:
        model.set_weights([np.ones(weight.shape, "float32") for weight in model.weights])
    names = [[layer.name for layer in model.layers[1:]] for model in models]
    hashes = []
    for model, (first, second, third) in zip(models, names, strict=True):
        study = make(
            backbone=model,
            cuts=[first, second],
            contenders=[split(second), split(third)],
            folder=tmp_path / first,
        )
        hashes.append([each.hash for each in study.trainings])
    assert hashes[0] == hashes[1] and len(set(hashes[0])) == len(hashes[0])


def test_the_same_cell_again_is_the_same_study(make):
    def cell():
        image = keras.Input((4,))
        features = keras.layers.Dense(6, name="dense0")(image)
        model = keras.Model(image, keras.layers.Dense(6, name="dense1")(features))
        model.set_weights([np.ones(weight.shape, "float32") for weight in model.weights])
        return model

    first, second = (make(backbone=cell()) for _ in range(2))
    assert [each.hash for each in first.trainings] == [each.hash for each in second.trainings]


def test_heads_that_have_learned_are_in_the_hash_and_others_are_drawn(make):
    def head(add):
        made = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
        made.set_weights([np.ones(weight.shape) + add for weight in made.weights])
        return made

    def hashes(head):
        study = make(tasks={"age": Task.regression(head=head), "species": tasks()["species"]})
        return [each.hash for each in study.trainings]

    assert hashes(head(0.5)) == hashes(head(0.5)) != hashes(head(1.5))
    fresh = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    study = make(tasks={"age": Task.regression(head=fresh), "species": tasks()["species"]})
    kernels = []
    for training in study.trainings:
        if training.schedule == "rising" and training.outputs == (("age", "age"),):
            kernels.append(training.built(study, training.sharing).head("age").get_weights()[0])
    assert len(kernels) == 2 and not np.array_equal(*kernels)


def test_a_loss_is_the_same_quantity_in_all_networks(make):
    """Not with the penalties on weights in those that Keras scores as of one output alone."""
    penalty = keras.regularizers.L2(1.0)
    image = keras.Input((4,))
    features = keras.layers.Dense(6, kernel_regularizer=penalty, name="dense0")(image)
    model = keras.Model(image, keras.layers.Dense(6, name="dense1")(features))
    alone = {name: Task(task.head, task.loss) for name, task in tasks().items()}
    found = make(backbone=model, tasks=alone, seeds=1).run()
    x, y = examples(12, 2)
    for name in ("one-task", "hard sharing"):
        outputs = found.model(name).predict(x, verbose=0)["age"]
        loss = found.scores[name][0]["test"]["age"]["loss"]
        assert loss == pytest.approx(np.mean((outputs - y["age"]) ** 2), rel=1e-5)


def test_one_that_failed_with_a_seed_is_not_the_best(make):
    study = make(seeds=3)
    for row in study.rows:
        good = row.contender == "hard sharing"
        scores = {"age": {"mae": 1.0 - 0.5 * good - 0.01 * row.seed}, "species": {"accuracy": 0.5}}
        found = {"validation": scores, "test": scores, "parameters": 1, "macs": 1}
        if good and row.seed == 2:
            found = {"failed": "it diverged"}
        study.records.append(
            {"kind": "row", "hash": row.hash, "contender": row.contender, "seed": row.seed, **found}
        )
    assert study.found().best("age") is None


def test_a_network_that_was_removed_is_trained_again(make):
    study = make(seeds=1)
    found = study.run()
    before = found.model("hard sharing").get_weights()
    for path in (study.folder / "networks").glob("*.keras"):
        path.unlink()
    again = make(seeds=1).found().model("hard sharing").get_weights()
    for ours, theirs in zip(again, before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_names_that_twins_have_are_no_one_else_s(make):
    with pytest.raises(ValueError, match="`name` must not begin with 'twin of '"):
        Contender("twin of it", keras_mtl.sharing.Branched())
    x, y = examples(20)
    part = (x, {"a": y["age"], "a_twin": y["age"]})
    study = make(
        tasks={"a": Task.regression(), "a_twin": Task.regression()},
        train=part,
        validation=part,
        test=part,
        contenders=[keras_mtl.study.cross_stitch()],
        seeds=1,
    )
    assert not study.run().failed


def test_a_model_of_a_contender_comes_back_from_a_file(make, tmp_path):
    model = make(seeds=1).run().model("one-task")
    model.save(tmp_path / "model.keras")
    x = examples(12, 2)[0]
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    for task, values in model.predict(x, verbose=0).items():
        np.testing.assert_allclose(loaded.predict(x, verbose=0)[task], values, rtol=1e-5)


def test_studies_of_layers_and_losses_of_one_s_own_go_on(make, monkeypatch):
    class Own(keras.layers.Layer):
        def call(self, x):
            return x

        def macs(self, input_shape):
            return 0

    def own_loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred))

    def backbone(seed):
        model = network()
        return keras.Model(model.input, Own(name="own")(model.output))

    given = {
        "backbone": backbone,
        "tasks": {"age": Task.regression(loss=own_loss), "species": tasks()["species"]},
        "contenders": [hard_sharing()],
        "seeds": 1,
    }
    assert not make(**given).run().failed
