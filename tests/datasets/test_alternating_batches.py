"""Rounds of two parts: which batch comes when, worked out from the parts read on their own."""

import itertools

import keras
import numpy as np
import pytest

from keras_mtl.datasets import AlternatingBatches, ArrayBatches, RoIBatches, RoISampling


def part(first, count, batch_size=2, names=("a", "b"), **kwargs):
    ids = np.arange(first, first + count)
    return ArrayBatches(ids[:, None], dict.fromkeys(names, ids), batch_size, **kwargs)


def make(steps=None, **kwargs):
    """Parts of 4 and 3 batches, whose numbers tell them apart."""
    weights, policy = part(0, 8, seed=1), part(100, 7, batch_size=3, seed=2)
    return AlternatingBatches(weights, policy, steps, **kwargs)


def ids(batch):
    images, targets = batch
    np.testing.assert_array_equal(images[:, 0], targets["a"])
    return tuple(targets["a"].tolist())


def read(batches):
    """All batches of a round; then tells the data that it is over."""
    found = [ids(batch) for batch in batches]
    batches.on_epoch_end()
    return found


def endless(batches):
    """All batches of all epochs of a part on its own."""
    while True:
        yield from read(batches)


@pytest.mark.parametrize("steps", [None, (4, 3), (1, 1), (3, 2), (2, 7), (9, 4)])
def test_each_part_goes_through_its_own_epochs(steps):
    data = make(steps)
    weights, policy = endless(part(0, 8, seed=1)), endless(part(100, 7, batch_size=3, seed=2))
    of_weights, of_policy = steps or (4, 3)
    assert len(data) == of_weights + of_policy and data.steps == (of_weights, of_policy)
    for _ in range(6):
        expected = [
            *itertools.islice(weights, of_weights),
            *itertools.islice(policy, of_policy),
        ]
        assert read(data) == expected


def test_a_batch_is_a_function_of_the_round_and_its_place():
    data = make((3, 2))
    rounds = [read(data) for _ in range(7)]
    assert data.epoch == 7
    assert [read(make((3, 2), epoch=k)) for k in range(7)] == rounds
    # Whatever was read before, in whatever order, and whatever the parts are asked besides.
    other = make((3, 2), epoch=5)
    for index in (4, 0, 2):
        other.parts["weights"].epoch = index
        assert ids(other[index]) == rounds[5][index]
    other.epoch = 1
    assert ids(other[4]) == rounds[1][4]


def test_a_round_that_was_not_read_to_its_end_does_not_count():
    data = make()
    data[0], data[1]
    data.on_epoch_end()
    assert data.epoch == 0
    read(data)
    assert data.epoch == 1
    with pytest.raises(IndexError):
        data[len(data)]


def test_the_parts_of_a_detector_may_read_ahead(rng):
    def rois(workers, seed):
        images = rng.integers(0, 255, (5, 16, 16, 3)).astype("uint8")
        box = [[2, 2, 12, 12]]
        pictures = {"image": images, "boxes": [box] * 5, "classes": [[1]] * 5}
        pictures["proposals"] = pictures["boxes"]
        return RoIBatches(
            pictures, 1, RoISampling(2), tasks="detection", seed=seed, workers=workers
        )

    state = rng.bit_generator.state
    plain = AlternatingBatches(rois(1, 3), rois(1, 4), (2, 1))
    rng.bit_generator.state = state
    ahead = AlternatingBatches(rois(2, 3), rois(2, 4), (2, 1))
    for _ in range(4):
        for (inputs, targets), (others, other_targets) in zip(plain, ahead, strict=True):
            for name, values in {**inputs, **targets}.items():
                np.testing.assert_array_equal({**others, **other_targets}[name], values)
        plain.on_epoch_end(), ahead.on_epoch_end()
    assert plain.epoch == ahead.epoch == 4


def fit(model, data, first, last):
    model.fit(data, initial_epoch=first, epochs=last, shuffle=False, verbose=0)
    return np.concatenate([weights.ravel() for weights in model.get_weights()])


def make_model(weights=None):
    inputs = keras.Input((1,))
    scaled = keras.layers.Rescaling(0.01)(inputs)
    outputs = {
        name: keras.layers.Dense(1, kernel_initializer="ones", name=name)(scaled) for name in "ab"
    }
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.1), dict.fromkeys("ab", "mae"))
    if weights is not None:
        model.set_weights(weights)
    return model


def test_a_resumed_fit_continues_bit_for_bit():
    whole = fit(make_model(), make((3, 2)), 0, 4)
    model, data = make_model(), make((3, 2))
    fit(model, data, 0, 2)
    assert data.epoch == 2
    resumed = make_model(model.get_weights())
    np.testing.assert_array_equal(fit(resumed, make((3, 2), epoch=2), 2, 4), whole)
    np.testing.assert_array_equal(fit(model, data, 2, 4), whole)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"steps": 3}, "`steps` must be a pair.*3"),
        ({"steps": (1, 2, 3)}, "`steps` must be a pair"),
        ({"steps": (0, 2)}, r"steps\[0\]=0"),
        ({"steps": (2, -1)}, r"steps\[1\]=-1"),
        ({"steps": (2, 1.5)}, r"steps\[1\]=1.5"),
        ({"epoch": -1}, "epoch=-1"),
        ({"workers": 2}, "workers"),
        ({"use_multiprocessing": True}, "use_multiprocessing"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(**kwargs)


def test_parts_that_do_not_fit():
    with pytest.raises(ValueError, match="`policy` must be an ArrayBatches.*ndarray"):
        AlternatingBatches(part(0, 4), np.zeros(4))
    with pytest.raises(ValueError, match="`weights` must be an ArrayBatches.*NoneType"):
        AlternatingBatches(None, part(0, 4))
    with pytest.raises(ValueError, match=r"targets of the same names.*\['a', 'b'\].*\['a', 'c'\]"):
        AlternatingBatches(part(0, 4), part(0, 4, names=("a", "c")))
