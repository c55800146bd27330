import keras
import numpy as np
import pytest

from keras_mtl.datasets import ArrayBatches

NUM_SAMPLES = 22


def make(batch_size=4, **kwargs):
    ids = np.arange(NUM_SAMPLES, dtype=np.uint8)
    targets = {"square": (ids.astype(np.float32) ** 2)[:, None], "label": ids}
    return ArrayBatches(ids[:, None], targets, batch_size, **kwargs)


def read(batches):
    """All sample numbers of an epoch, in order; then tells the data that it is over."""
    ids = np.concatenate([images[:, 0] for images, _ in batches])
    batches.on_epoch_end()
    return ids.astype(int).tolist()


def test_every_sample_comes_once_with_its_own_targets():
    batches = make()
    assert len(batches) == 6
    for images, targets in batches:
        np.testing.assert_array_equal(targets["square"], images**2)
        np.testing.assert_array_equal(targets["label"], images[:, 0])
    assert sorted(read(batches)) == list(range(NUM_SAMPLES))


def test_types():
    images, targets = make()[0]
    assert images.dtype == np.float32 and images.max() > 1
    assert targets["label"].dtype == np.int32 and targets["square"].dtype == np.float32
    assert make(dtype="float16")[0][0].dtype == np.float16


def test_order_is_a_function_of_seed_and_epoch():
    batches = make(seed=3)
    epochs = [read(batches) for _ in range(4)]
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert [read(make(seed=3, epoch=k)) for k in range(4)] == epochs
    assert read(make(seed=4)) != epochs[0]
    # Whatever was read before, and in whatever order.
    other = make(seed=3, epoch=9)
    other[2], other[0]
    other.epoch = 1
    assert read(other) == epochs[1]


def test_without_shuffling_the_order_is_the_arrays_own():
    batches = make(shuffle=False)
    assert read(batches) == read(batches) == list(range(NUM_SAMPLES))


def test_drop_remainder():
    batches = make(drop_remainder=True)
    assert len(batches) == 5
    assert all(len(images) == 4 for images, _ in batches)


def test_an_epoch_that_was_not_read_to_its_end_does_not_count():
    batches = make()
    batches.on_epoch_end()
    batches[0], batches[1]
    batches.on_epoch_end()
    assert batches.epoch == 0
    read(batches)
    assert batches.epoch == 1


def add_noise(images, targets, rng):
    return images + rng.random(images.shape), {**targets, "noise": rng.random(len(images))}


def test_augmentation_is_a_function_of_seed_epoch_and_batch():
    kwargs = {"seed": 3, "augment": add_noise}
    batches, epochs = make(**kwargs), []
    for _ in range(3):
        epochs.append([batches[index] for index in range(6)])
        batches.on_epoch_end()
    # No two batches draw the same.
    assert len({targets["noise"][0] for epoch in epochs for _, targets in epoch}) == 18
    # Resumed, and read in another order.
    resumed = make(epoch=2, **kwargs)
    for index in (4, 0, 4):
        images, targets = resumed[index]
        np.testing.assert_array_equal(images, epochs[2][index][0])
        np.testing.assert_array_equal(targets["noise"], epochs[2][index][1]["noise"])
    assert (make(seed=4, augment=add_noise)[0][1]["noise"] != epochs[0][0][1]["noise"]).all()


def test_augmentation_changes_neither_the_order_nor_the_arrays():
    def spoil(images, targets, rng):
        images += 100
        targets["label"] -= 7
        return images, targets

    plain, spoiled = make(), make(augment=spoil)
    for _ in range(2):
        for (images, targets), (other, other_targets) in zip(plain, spoiled, strict=True):
            np.testing.assert_array_equal(images + 100, other)
            np.testing.assert_array_equal(targets["label"] - 7, other_targets["label"])
        plain.on_epoch_end(), spoiled.on_epoch_end()
    assert plain.epoch == spoiled.epoch == 2


def test_augmentation_does_not_draw_from_the_stream_of_the_order():
    first_of_order = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,))).random()
    draws = [make(augment=add_noise)[index][0] % 1 for index in range(6)]
    assert not np.isclose(np.concatenate(draws), first_of_order, atol=1e-5).any()


def fit(model, data, first, last, callbacks=()):
    model.fit(
        data,
        initial_epoch=first,
        epochs=last,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )
    return np.concatenate([weights.ravel() for weights in model.get_weights()])


def make_model(weights=None):
    inputs = keras.Input((1,))
    scaled = keras.layers.Rescaling(1 / NUM_SAMPLES)(inputs)
    dense = keras.layers.Dense(3, activation="tanh", kernel_initializer="ones")(scaled)
    outputs = {
        "square": keras.layers.Dense(1, kernel_initializer="ones", name="square")(dense),
        "label": keras.layers.Dense(NUM_SAMPLES, kernel_initializer="ones", name="label")(dense),
    }
    model = keras.Model(inputs, outputs)
    losses = {"square": "mae", "label": keras.losses.SparseCategoricalCrossentropy(True)}
    model.compile(keras.optimizers.SGD(0.01), losses)
    if weights is not None:
        model.set_weights(weights)
    return model


def test_a_resumed_fit_continues_bit_for_bit():
    whole = fit(make_model(), make(), 0, 4)

    model, data = make_model(), make()
    fit(model, data, 0, 2)
    resumed = make_model(model.get_weights())
    np.testing.assert_array_equal(fit(resumed, make(epoch=2), 2, 4), whole)
    # The same object may go on, too.
    np.testing.assert_array_equal(fit(model, data, 2, 4), whole)


def test_a_callback_can_set_the_epoch():
    whole = fit(make_model(), make(), 0, 4)
    model, data = make_model(), make()
    fit(model, data, 0, 2)
    model.evaluate(data, verbose=0)  # Counts as another epoch.
    sync = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: setattr(data, "epoch", epoch)
    )
    np.testing.assert_array_equal(fit(model, data, 2, 4, [sync]), whole)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"seed": -1}, "seed=-1"),
        ({"epoch": -1}, "epoch=-1"),
        ({"batch_size": 30, "drop_remainder": True}, "22 images"),
        ({"workers": 2}, "workers"),
        ({"use_multiprocessing": True}, "use_multiprocessing"),
        ({"augment": "flip"}, "augment.*'flip'"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(**kwargs)


def test_bad_targets():
    with pytest.raises(ValueError, match="targets.*list"):
        ArrayBatches(np.zeros(4), [np.zeros(4)], 2)
    with pytest.raises(ValueError, match=r"targets\['depth'\].*4 images.*5 entries"):
        ArrayBatches(np.zeros(4), {"depth": np.zeros(5)}, 2)
    with pytest.raises(IndexError):
        make()[6]
