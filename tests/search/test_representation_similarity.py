"""How alike networks represent images: against SciPy, pair by pair, and what must not matter."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy
from scipy.stats import pearsonr, spearmanr

from keras_mtl import MultiTaskModel
from keras_mtl.search import representation_similarity, task_affinity
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import Tower


def by_scipy(features):
    """The affinity of every two tasks, one pair of images and one pair of tasks after the other.

    SciPy rounds the correlations of equal images differently: without our rounding none would tie.
    """
    unlikeness = []
    for each in features:
        rows = np.asarray(each, float).reshape(len(each), -1)
        unlikeness.append(
            [
                round(1 - pearsonr(rows[i], rows[j]).statistic, 12)
                for i in range(len(rows))
                for j in range(i + 1, len(rows))
            ]
        )
    return np.array(
        [[spearmanr(one, other).statistic for other in unlikeness] for one in unlikeness]
    )


def alike(rng, images=9, noise=1.0):
    """Features of three networks, of several shapes, that agree in part."""
    hidden = rng.normal(size=(images, 6))

    def seen(*shape):
        mixed = hidden @ rng.normal(size=(6, np.prod(shape)))
        return (mixed + noise * rng.normal(size=mixed.shape)).reshape(images, *shape)

    return [seen(3, 2, 4), seen(11), seen(5, 1)]


# One location


@pytest.mark.one_backend
@pytest.mark.parametrize("images", [3, 4, 9, 20])
def test_is_pearson_then_spearman(rng, images):
    features = alike(rng, images)
    found = representation_similarity(features)
    assert found.shape == (3, 3) and found.dtype == "float64"
    np.testing.assert_allclose(found, by_scipy(features), atol=1e-10)
    np.testing.assert_array_equal(
        found, representation_similarity(dict(zip("xyz", features, strict=True)))
    )


@pytest.mark.one_backend
@pytest.mark.parametrize("dtype", ["float16", "float32", "uint8", "int64", "bool"])
def test_of_any_kind_of_number(rng, dtype):
    features = [(100 + 40 * each).astype("uint8") for each in alike(rng)]
    features = [each > 100 if dtype == "bool" else each.astype(dtype) for each in features]
    np.testing.assert_allclose(representation_similarity(features), by_scipy(features), atol=1e-10)


@pytest.mark.one_backend
def test_of_more_columns_than_are_turned_at_a_time(rng, monkeypatch):
    features = alike(rng)
    expected = representation_similarity(features)
    for chunk in (1, 5, 11, 24):
        monkeypatch.setitem(representation_similarity.__globals__, "CHUNK", chunk)
        np.testing.assert_allclose(representation_similarity(features), expected, atol=1e-12)


@pytest.mark.one_backend
def test_equal_distances_share_their_mean_rank(rng):
    """Two pairs of equal images each: ranks 1.5 twice and 4.5 four times."""
    one, other = rng.normal(size=(2, 7))
    halves, alternate = np.stack([one, one, other, other]), np.stack([one, other, one, other])
    # Less their mean: (-2, 1, 1, 1, 1, -2) and (1, -2, 1, 1, -2, 1), both with squares of 12.
    found = representation_similarity([halves, alternate, 5 - 3 * alternate[::-1]])
    np.testing.assert_allclose(found, [[1, -0.5, -0.5], [-0.5, 1, 1], [-0.5, 1, 1]], atol=1e-12)


@pytest.mark.one_backend
def test_images_that_occur_twice(rng):
    features = [np.concatenate([each, each[[0, 3, 3]]]) for each in alike(rng, images=6)]
    np.testing.assert_allclose(representation_similarity(features), by_scipy(features), atol=1e-10)


@pytest.mark.one_backend
@pytest.mark.parametrize("images", range(3, 30, 3))
def test_of_a_task_with_itself_is_one(rng, images):
    x = rng.normal(size=(images, 5))
    np.testing.assert_array_equal(representation_similarity([x, x.copy(), 2 * x]), np.ones((3, 3)))
    np.testing.assert_array_equal(representation_similarity({"alone": x}), [[1]])


@pytest.mark.one_backend
def test_is_symmetric_and_bounded(rng):
    for _ in range(20):
        found = representation_similarity(alike(rng, images=4, noise=5.0))
        np.testing.assert_array_equal(found, found.T)
        np.testing.assert_array_equal(np.diag(found), 1)
        assert (np.abs(found) <= 1).all()


@pytest.mark.one_backend
def test_what_does_not_matter(rng):
    features = alike(rng, images=12)
    expected = representation_similarity(features)
    rows = [each.reshape(12, -1) for each in features]
    scale, shift = rng.uniform(0.01, 100, size=(12, 1)), rng.normal(0, 50, size=(12, 1))
    images = rng.permutation(12)
    for same in (
        [scale * rows[0] + shift, rows[1], rows[2] * scale[::-1] - shift],
        [each[:, rng.permutation(each.shape[1])] for each in rows],
        [each[images] for each in rows],
        [np.repeat(each, 3, axis=1) for each in rows],
    ):
        np.testing.assert_allclose(representation_similarity(same), expected, atol=1e-12)
    # What does: the order of images of one network alone, and a negative scale of some images.
    assert abs(representation_similarity([rows[0][images], rows[1]])[0, 1] - expected[0, 1]) > 0.05
    turned = rows[0] * np.where(np.arange(12) < 6, -1, 1)[:, None]
    assert abs(representation_similarity([turned, rows[1]])[0, 1] - expected[0, 1]) > 0.05


@pytest.mark.one_backend
def test_features_that_cannot_be_compared_are_refused(rng):
    x = rng.normal(size=(5, 4))
    holed, flat = x.copy(), x.copy()
    holed[2, 1], flat[3] = np.nan, 0.1
    for bad in (holed, np.where(np.isnan(holed), np.inf, holed)):
        with pytest.raises(ValueError, match="`features` must be finite. .* of 'b'"):
            representation_similarity({"a": x, "b": bad})
    with pytest.raises(ValueError, match="must not be all the same.*'b', of 1 images.* one 3"):
        representation_similarity({"a": x, "b": flat})
    with pytest.raises(ValueError, match="must not be all the same.* 0, of 5 images"):
        representation_similarity([x[:, :1], x])
    with pytest.raises(ValueError, match=r"all equally unlike, of \['b'\]"):
        representation_similarity({"a": x[:4], "b": np.eye(4)})
    for other in (x[:4], x[0], 1.0):
        with pytest.raises(ValueError, match="the same 3 or more images for every task"):
            representation_similarity({"a": x, "b": other})
    for few in (0, 1, 2):
        with pytest.raises(ValueError, match="3 or more images"):
            representation_similarity([x[:few], x[:few]])
    for none in ({}, []):
        with pytest.raises(ValueError, match="at least one task"):
            representation_similarity(none)


@pytest.mark.one_backend
def test_correlations_that_are_not_defined_can_be_taken_for_zero(rng):
    """Two silent images of 9; SciPy has no correlation of them either, and ranks the rest."""
    features = [each.reshape(9, -1) for each in alike(rng)]
    features[1][[2, 5]] = 0.0
    features[1][2] = 0.1  # which sums do not add up to exactly
    with pytest.raises(ValueError, match="of 2 images, the first one 2"):
        representation_similarity(features)
    pairs = np.triu_indices(9, 1)
    unlikeness = [1 - np.corrcoef(features[0])[pairs], 1 - np.corrcoef(features[2])[pairs]]
    silent = np.ones((9, 9))
    heard = np.delete(np.arange(9), [2, 5])
    silent[np.ix_(heard, heard)] = 1 - np.corrcoef(features[1][heard])
    unlikeness.insert(1, silent[pairs])
    expected = [[spearmanr(one, other).statistic for other in unlikeness] for one in unlikeness]
    found = representation_similarity(features, undefined="zero")
    np.testing.assert_allclose(found, expected, atol=1e-10)
    # Where all is defined, nothing is different.
    whole = alike(rng)
    np.testing.assert_array_equal(
        representation_similarity(whole, undefined="zero"), representation_similarity(whole)
    )


@pytest.mark.one_backend
def test_a_task_that_sees_nothing_is_like_no_other(rng):
    x = rng.normal(size=(5, 4))
    found = representation_similarity({"a": x, "b": np.zeros((5, 3)), "c": x}, undefined="zero")
    np.testing.assert_array_equal(found, [[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    np.testing.assert_array_equal(
        representation_similarity([np.ones((4, 2))], undefined="zero"), [[1]]
    )
    with pytest.raises(ValueError, match="must be finite"):
        representation_similarity([np.full((5, 3), np.nan)], undefined="zero")
    for wrong in ("nan", None):
        with pytest.raises(ValueError, match=r"`undefined` must be one of \['raise', 'zero'\]"):
            representation_similarity([x], undefined=wrong)


# Whole networks


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


def dense(units, seed, name, activation="tanh"):
    init = keras.initializers.HeNormal(seed)
    return layers.Dense(units, activation=activation, kernel_initializer=init, name=name)


def kernel(layer):
    return ops.convert_to_numpy(layer.kernel).astype("float64")


def test_of_all_kinds_of_networks_is_affinity_of_their_features(rng):
    """A plain model, a sequential one, and a model of several tasks, in which others are wider."""
    image = keras.Input((5,), name="picture")
    x = dense(6, 0, "low")(image)
    x = layers.BatchNormalization(name="norm")(x)
    plain = keras.Model(image, layers.Dense(2)(dense(4, 1, "high")(x)))
    sequential = keras.Sequential(
        [keras.Input((5,)), dense(9, 2, "low"), dense(3, 3, "high"), layers.Dense(1)]
    )
    image = keras.Input((5,))
    low = dense(6, 4, "low")(image)
    tower = Tower(keras.Model(image, dense(4, 5, "high")(low)), ["low"])
    heads = {task: layers.Dense(1) for task in ("x", "c")}
    several = MultiTaskModel(tower, Branched.independent(), heads)
    for stage in several.stages:
        own = several.stage("c", stage)
        own.set_weights([rng.normal(size=each.shape) for each in own.get_weights()])
    statistics = [rng.normal(1, 0.1, size=(4, 6))[0], *rng.normal(1, 0.1, size=(3, 6))]
    plain.get_layer("norm").set_weights(statistics)

    images = rng.normal(size=(11, 5)).astype("float32")  # neither a multiple of the batches
    found = task_affinity(
        {"b": plain, "a": sequential, "c": several},
        images,
        ["low", "high"],
        batch_size=4,
        verbose=0,
    )
    gamma, beta, mean, variance = statistics
    low = {
        "b": np.tanh(images @ kernel(plain.get_layer("low"))),
        "a": np.tanh(images @ kernel(sequential.get_layer("low"))),
    }
    normed = gamma * (low["b"] - mean) / np.sqrt(variance + 1e-3) + beta
    high = {
        "b": np.tanh(normed @ kernel(plain.get_layer("high"))),
        "a": np.tanh(low["a"] @ kernel(sequential.get_layer("high"))),
    }
    matrix, bias = several.stage("c", "low").get_weights()
    low["c"] = np.tanh(images @ matrix + bias)
    matrix, bias = several.stage("c", "high").get_weights()
    high["c"] = np.tanh(low["c"] @ matrix + bias)
    assert found.shape == (2, 3, 3)
    for each, features in zip(found, (low, high), strict=True):
        # Ranks of single precision: two of 55 that are next to each other may change places.
        np.testing.assert_allclose(each, representation_similarity(features), atol=2e-4)
    assert abs(found[0, 0, 1] - found[1, 0, 1]) > 1e-2


def test_images_of_several_inputs_go_where_they_belong(rng):
    """Their names are not in the order of the alphabet, and their shapes are the same."""

    def network(seed):
        pixels, boxes = keras.Input((4,), name="pixels"), keras.Input((4,), name="boxes")
        x = dense(5, seed, "one")(pixels)
        x = dense(6, seed + 1, "two")(layers.Concatenate()([x, boxes]))
        return keras.Model([pixels, boxes], x)

    nets = {"a": network(0), "b": network(2)}
    models = {
        "a": MultiTaskModel(
            Tower(nets["a"], ["one"]), Branched.hard_sharing(), {"a": layers.Dense(1)}
        ),
        "b": nets["b"],
    }
    pixels, boxes = rng.normal(size=(2, 8, 4)).astype("float32")
    one = {task: np.tanh(pixels @ kernel(net.get_layer("one"))) for task, net in nets.items()}
    two = {
        task: np.tanh(np.concatenate([one[task], boxes], 1) @ kernel(net.get_layer("two")))
        for task, net in nets.items()
    }
    for images in ([pixels, boxes], {"boxes": boxes, "unused": boxes[:2], "pixels": pixels}):
        found = task_affinity(models, images, ["one", "two"], batch_size=3, verbose=0)
        np.testing.assert_allclose(
            found, [representation_similarity(one), representation_similarity(two)], atol=1e-3
        )
    assert abs(found[0, 0, 1] - found[1, 0, 1]) > 1e-2
    for wrong, received in (
        ({"pixels": pixels, "crops": boxes}, r"\['pixels', 'crops'\]"),
        ([pixels], "1 in a list"),
        (pixels, "1 in a ndarray"),
        ((pixels, boxes, boxes), "3 in a tuple"),
    ):
        message = rf"`images` must .* Received: {received}, .* \['pixels', 'boxes'\] .* 'a'"
        with pytest.raises(ValueError, match=message):
            task_affinity(models, wrong, ["one"], verbose=0)
    with pytest.raises(ValueError, match="as many for every input. Received: 8, 5"):
        task_affinity(models, [pixels, boxes[:5]], ["one"], verbose=0)


def small(names=("one", "two")):
    image = keras.Input((4,))
    x = dense(5, 0, names[0])(image)
    return keras.Model(image, dense(1, 2, "last", None)(dense(3, 1, names[1])(x)))


def test_what_is_no_comparison_is_refused(rng):
    images, model = rng.normal(size=(5, 4)), small()
    for few in (0, 1, 2):
        with pytest.raises(ValueError, match=f"`images` must be 3 or more.* Received: {few}"):
            task_affinity({"a": model}, images[:few], ["one"], verbose=0)
    with pytest.raises(ValueError, match="`images` must have one array .* Received: 5 in a list"):
        task_affinity({"a": model}, list(images), ["one"], verbose=0)
    for size in (0, 2.5):
        with pytest.raises(ValueError, match="`batch_size` must be an integer"):
            task_affinity({"a": model}, images, ["one"], batch_size=size)
    with pytest.raises(ValueError, match="`models` and `locations` must hold one or more"):
        task_affinity({}, images, ["one"])
    with pytest.raises(ValueError, match="`models` and `locations` must hold one or more"):
        task_affinity({"a": model}, images, [])
    with pytest.raises(ValueError, match=r"Received: \['three'\]. Possible cuts: \['one', 'two'"):
        task_affinity({"a": model}, images, ["one", "three"])
    with pytest.raises(ValueError, match=r"Received: \['two'\]. Possible cuts: \['one', 'second'"):
        task_affinity({"a": model, "b": small(("one", "second"))}, images, ["two"])
    for wrong in (["two", "one"], ["one", "one"]):
        with pytest.raises(ValueError, match="follow the order of the network"):
            task_affinity({"a": model}, images, wrong)
    tower = Tower(model, ["one", "two"])
    for sharing, task, message in (
        (Branched.hard_sharing(), "c", r"`task` must be one of \['a', 'b'\]. Received: task='c'"),
        (CrossStitched(after=["one"]), "a", "one tensor alone"),
    ):
        shared = MultiTaskModel(tower, sharing, {"a": layers.Dense(1), "b": layers.Dense(1)})
        with pytest.raises(ValueError, match=message):
            task_affinity({task: shared}, images, ["one"], verbose=0)
    silent = images.astype("float32")
    silent[[1, 3]] = 0  # and no layer has a bias yet
    with pytest.raises(ValueError, match="must not be all the same.*'a, one', of 2 images"):
        task_affinity({"a": model}, silent, ["one"], verbose=0)
    found = task_affinity({"a": model}, silent, ["one"], undefined="zero", verbose=0)
    np.testing.assert_array_equal(found, [[[1]]])
    with pytest.raises(ValueError, match="`undefined` must be"):
        task_affinity({"a": model}, silent, ["one"], undefined=0)
    with pytest.raises(ValueError, match="`features` must be finite. .*'a, one'"):
        task_affinity({"a": model}, np.full((5, 4), np.nan), ["one"], verbose=0)
