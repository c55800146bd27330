"""What is made of the tasks' gradients: products, cosines, norms and how often two agree."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl.gradients import (
    cosine_similarity,
    gradient_norms,
    inner_products,
    task_gradients,
    update_compliance,
)

TASKS = ["age", "height", "sex"]


@pytest.fixture
def gradients(rng):
    shapes = {"net/conv/kernel": (2, 3), "net/conv/bias": (3,), "fc/kernel": (4, 1)}
    return {
        task: {path: rng.normal(size=shape).astype("float32") for path, shape in shapes.items()}
        for task in TASKS
    }


@pytest.mark.one_backend
def test_products_are_those_of_the_layers_vectors(gradients):
    products = inner_products(gradients)
    assert list(products) == ["net/conv", "fc"]
    for layer, paths in {
        "net/conv": ["net/conv/kernel", "net/conv/bias"],
        "fc": ["fc/kernel"],
    }.items():
        vectors = [np.concatenate([gradients[t][p].ravel() for p in paths]) for t in TASKS]
        expected = [[np.dot(a.astype(float), b) for b in vectors] for a in vectors]
        np.testing.assert_allclose(products[layer], expected, rtol=1e-12)
        assert products[layer].dtype == np.float64
        norms = [np.linalg.norm(x.astype(float)) for x in vectors]
        np.testing.assert_allclose(gradient_norms(products)[layer], norms)
        cosines = cosine_similarity(products)[layer]
        np.testing.assert_allclose(cosines, np.array(expected) / np.outer(norms, norms))


@pytest.mark.one_backend
@pytest.mark.filterwarnings("error")
def test_a_zero_gradient_has_no_direction(gradients):
    gradients["height"]["fc/kernel"][:] = 0
    cosines = cosine_similarity(inner_products(gradients))
    unknown = np.isnan(cosines["fc"])
    np.testing.assert_array_equal(unknown, [[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    assert np.isfinite(cosines["net/conv"]).all()
    ratios = update_compliance([inner_products(gradients)] * 2)["fc"]
    np.testing.assert_array_equal(np.isnan(ratios), unknown)


@pytest.mark.one_backend
def test_cosines_do_not_depend_on_the_norms(gradients):
    expected = cosine_similarity(inner_products(gradients))
    for factor in (1e-30, 1e30):
        gradients["sex"] = {path: x * np.float32(factor) for path, x in gradients["sex"].items()}
        found = cosine_similarity(inner_products(gradients))
        for layer in expected:
            np.testing.assert_allclose(found[layer], expected[layer], rtol=1e-5)
            assert np.abs(found[layer]).max() <= 1
        gradients["sex"] = {path: x / np.float32(factor) for path, x in gradients["sex"].items()}


@pytest.mark.one_backend
def test_only_mini_batches_with_both_gradients_count():
    def batch(a, b):
        return inner_products({"a": {"x/w": np.array(a)}, "b": {"x/w": np.array(b)}})

    batches = [
        batch([1, 0], [1, 1]),  # positive
        batch([1, 0], [0, 1]),  # zero is not positive
        batch([1, 0], [-1, 1]),
        batch([1, 0], [3, 0]),
        batch([0, 0], [3, 0]),  # does not count for a
    ]
    ratios = update_compliance(iter(batches))
    np.testing.assert_array_equal(ratios["x"], [[1, 0.5], [0.5, 1]])
    only = update_compliance(batches[-1:])["x"]
    np.testing.assert_array_equal(only, [[np.nan, np.nan], [np.nan, 1]])


@pytest.mark.one_backend
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("diverged", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_makes_its_pairs_unknown(gradients, diverged):
    products = [inner_products(gradients)]
    gradients["height"]["fc/kernel"][1] = diverged
    products.append(inner_products(gradients))
    ratios = update_compliance(products)
    np.testing.assert_array_equal(np.isnan(ratios["fc"]), [[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    assert np.isfinite(ratios["net/conv"]).all()


@pytest.mark.one_backend
def test_a_share_is_counted_batch_by_batch(rng):
    batches = [
        inner_products({task: {"x/w": rng.normal(size=2)} for task in TASKS}) for _ in range(40)
    ]
    ratios = update_compliance(batches)["x"]
    for i in range(3):
        for j in range(3):
            assert ratios[i, j] == sum(batch["x"][i, j] > 0 for batch in batches) / 40
    assert 0.2 < ratios[0, 1] < 0.8


def test_a_task_agrees_with_itself_and_never_with_its_negative(rng):
    """The same targets and heads, and the loss once more with the other sign."""

    def error(y, y_pred):
        return ops.mean(ops.square(y - y_pred), axis=-1)

    x = keras.Input((3,))
    shared = layers.Dense(2, activation="tanh", name="shared")(x)
    head = layers.Dense(2, name="head")(shared)
    outputs = {name: layers.Identity(name=name)(head) for name in ("for", "against", "more")}
    model = keras.Model(x, outputs)
    model.compile("sgd", {"for": error, "against": lambda *y: -error(*y), "more": error})
    batches = []
    for _ in range(3):
        y = rng.normal(size=(4, 2))
        data = rng.normal(size=(4, 3)), dict.fromkeys(outputs, y)
        batches.append(inner_products(task_gradients(model, data)))
    ratios = update_compliance(batches)
    assert list(ratios) == ["shared", "head"]
    for layer, of_layer in ratios.items():
        np.testing.assert_array_equal(of_layer, [[1, 0, 1], [0, 1, 0], [1, 0, 1]])
        cosines = cosine_similarity(batches[0])[layer]
        np.testing.assert_allclose(cosines, [[1, -1, 1], [-1, 1, -1], [1, -1, 1]], rtol=1e-6)


@pytest.mark.one_backend
def test_what_does_not_fit_is_refused(gradients):
    products = inner_products(gradients)
    del gradients["age"]["fc/kernel"]
    for wrong in (gradients, {}):
        with pytest.raises(ValueError, match="`gradients` must be of the same variables"):
            inner_products(wrong)
    for function in (cosine_similarity, gradient_norms):
        with pytest.raises(ValueError, match=r"`inner_products\['fc'\]` must be .*\(2, 3\)"):
            function({"fc": np.ones((2, 3))})
    fewer = {layer: x[:2, :2] for layer, x in products.items()}
    for wrong in ([], [products, fewer], [products, {"fc": products["fc"]}]):
        with pytest.raises(ValueError, match="`batches` must be one or more mini-batches of the"):
            update_compliance(wrong)
