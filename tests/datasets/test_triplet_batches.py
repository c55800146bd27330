"""What a batch of triplets holds, that it repeats, and that a model learns from it."""

import keras
import numpy as np
import pytest
from numpy_weights import draw_by_numpy

from keras_mtl.augmentation import RandomHorizontalFlip
from keras_mtl.datasets import LazyArray, TripletBatches
from keras_mtl.losses import TripletLoss
from keras_mtl.metrics import TripletAccuracy

N = 30
# The number of an image in each of its pixels.
IMAGES = np.tile(np.arange(N, dtype="uint8")[:, None, None, None], (1, 2, 2, 3))
LABELS = {"thirds": np.arange(N) % 3, "halves": np.arange(N) // 15, "few": np.full(N, -1)}
LABELS["few"][:6] = [0, 0, 0, 4, 4, 8]
TRIPLETS = {
    "many": np.stack([np.arange(20), np.arange(20) + 1, np.arange(20) + 9], axis=1),
    "five": np.arange(15).reshape(5, 3),
}


def rows(batch):
    """The numbers of the images of a batch: (tasks, triplets, 3)."""
    (images, task), _ = batch
    return images[:, 0, 0, 0].astype(int).reshape(task.max() + 1, -1, 3)


def make(tasks=tuple(LABELS), **kwargs):
    kwargs = {"triplets_per_task": 4, "batches_per_epoch": 5, **kwargs}
    return TripletBatches(IMAGES, {task: LABELS[task] for task in tasks}, **kwargs)


def make_given(tasks=tuple(TRIPLETS), **kwargs):
    kwargs = {"triplets_per_task": 4, "batches_per_epoch": 5, **kwargs}
    return TripletBatches(IMAGES, triplets={task: TRIPLETS[task] for task in tasks}, **kwargs)


def read(data):
    """All batches of an epoch; then tells the data that it is over."""
    numbers = np.stack([rows(data[index]) for index in range(len(data))])
    data.on_epoch_end()
    return numbers


def test_batches_hold_triplets_of_every_task():
    data = make()
    assert (len(data), data.tasks) == (5, ["thirds", "halves", "few"])
    for index in range(5):
        (images, task), y_true = data[index]
        assert images.shape == (36, 2, 2, 3) and images.dtype == np.float32
        assert task.dtype == np.int32 and task.tolist() == [0] * 12 + [1] * 12 + [2] * 12
        np.testing.assert_array_equal(y_true, task)
        np.testing.assert_array_equal(images, IMAGES[rows(data[index]).ravel()])
        for name, triplets in zip(data.tasks, rows(data[index]), strict=True):
            np.testing.assert_array_equal(data.triplets_of(name, 0, index), triplets)
            anchor, positive, negative = LABELS[name][triplets].T
            assert (anchor == positive).all() and (anchor != negative).all()
            assert negative.min() >= 0


def test_the_papers_batch():
    labels = {str(task): LABELS["thirds"] for task in range(7)}
    (images, task), _ = TripletBatches(IMAGES, labels)[0]
    assert len(images) == len(task) == 168


def test_without_the_task_as_an_input():
    images, task = make(task_input=False, dtype="float16")[1]
    np.testing.assert_array_equal(images, make()[1][0][0])
    assert images.dtype == np.float16 and task.dtype == np.int32


@pytest.mark.parametrize("maker", [make, make_given])
def test_a_batch_is_a_function_of_seed_epoch_and_number(maker):
    data = maker(seed=3)
    epochs = [read(data) for _ in range(3)]
    assert len({rows.tobytes() for epoch in epochs for rows in epoch}) == 15
    for epoch in range(3):
        np.testing.assert_array_equal(read(maker(seed=3, epoch=epoch)), epochs[epoch])
    other = maker(seed=3, epoch=7)
    other[2], other[0]
    other.epoch = 1
    for index in (4, 0, 4):
        np.testing.assert_array_equal(rows(other[index]), epochs[1][index])
    assert (read(maker(seed=4)) != epochs[0]).any()


@pytest.mark.parametrize("maker", [make, make_given])
def test_a_task_draws_the_same_alone_and_anywhere(maker):
    data = maker()
    together = np.stack([read(data), read(data)])
    tasks = data.tasks
    for place, task in enumerate(tasks):
        alone = maker([task])
        np.testing.assert_array_equal([read(alone), read(alone)], together[:, :, [place]])
    reverse = maker(tasks[::-1])
    np.testing.assert_array_equal([read(reverse), read(reverse)], together[:, :, ::-1])


def test_tasks_of_the_same_labels_draw_differently():
    data = TripletBatches(IMAGES, {name: LABELS["thirds"] for name in "ab"})
    first, second = rows(data[0])
    assert (first != second).any()


def test_given_triplets_come_once_a_round_in_a_new_order():
    data = make_given(["many", "five"])
    epochs = np.stack([read(data), read(data)])  # (epochs, batches, tasks, triplets, 3)
    for epoch in epochs:
        once = epoch[:, 0].reshape(-1, 3)
        np.testing.assert_array_equal(once[np.argsort(once[:, 0])], TRIPLETS["many"])
        # 20 places for 5 triplets: four rounds, which the batches of 4 straddle.
        rounds = epoch[:, 1].reshape(4, 5, 3)
        for each in rounds:
            np.testing.assert_array_equal(each[np.argsort(each[:, 0])], TRIPLETS["five"])
        assert len({each.tobytes() for each in rounds}) > 1
    assert (epochs[0] != epochs[1]).any()


@pytest.mark.parametrize("maker", [make, make_given])
def test_without_shuffle_all_epochs_are_the_first(maker):
    data = maker(shuffle=False, augment=RandomHorizontalFlip())
    first, second = ([data[index][0][0] for index in range(5)] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    numbers = read(data)
    assert data.epoch == 1
    np.testing.assert_array_equal([data[index][0][0] for index in range(5)], first)
    np.testing.assert_array_equal(data.triplets_of(data.tasks[0], 8, 2), numbers[2, 0])
    if maker is make:
        np.testing.assert_array_equal(numbers, read(maker()))
    else:
        np.testing.assert_array_equal(numbers[:, 0].reshape(-1, 3), TRIPLETS["many"])
        rounds = np.tile(TRIPLETS["five"], (4, 1))
        np.testing.assert_array_equal(numbers[:, 1].reshape(-1, 3), rounds)


@pytest.mark.parametrize("maker", [make, make_given])
def test_lazy_images_are_read_alike_by_threads(maker, monkeypatch):
    expected = maker(augment=RandomHorizontalFlip())
    expected = np.stack([read(expected), read(expected)])
    monkeypatch.setitem(globals(), "IMAGES", LazyArray(IMAGES.__getitem__, N))
    for workers in (1, 2):
        data = maker(augment=RandomHorizontalFlip(), workers=workers, max_queue_size=3)
        np.testing.assert_array_equal([read(data), read(data)], expected)


def test_more_places_in_a_batch_than_triplets():
    data = make_given(["five"], triplets_per_task=12, batches_per_epoch=1)
    anchors, counts = np.unique(rows(data[0])[0, :, 0], return_counts=True)
    assert anchors.tolist() == [0, 3, 6, 9, 12] and set(counts) <= {2, 3}


def test_batches_of_an_epoch_by_default():
    assert len(make(batches_per_epoch=None)) == 3  # 30 rows of a task, 12 in a batch
    assert len(make_given(batches_per_epoch=None, triplets_per_task=3)) == 7  # 20 triplets by 3
    assert len(make_given(["five"], batches_per_epoch=None)) == 2


def test_augmentation_is_by_task():
    images = np.arange(N * 12, dtype="float32").reshape(N, 2, 2, 3)
    kwargs = {"triplets_per_task": 4, "seed": 2}
    plain = TripletBatches(images, LABELS, **kwargs)
    data = TripletBatches(images, LABELS, augment=RandomHorizontalFlip(), **kwargs)
    flipped = []
    for index in range(len(data)):
        (ours, _), (theirs, task) = data[index][0], plain[index][0]
        mirrored = (ours != theirs).any(axis=(1, 2, 3))
        np.testing.assert_array_equal(ours[mirrored], theirs[mirrored, :, ::-1])
        flipped.append(mirrored)
        alone = {"halves": LABELS["halves"]}
        alone = TripletBatches(images, alone, augment=RandomHorizontalFlip(), **kwargs)
        np.testing.assert_array_equal(alone[index][0][0], ours[task == 1])
    assert 0.3 < np.mean(flipped) < 0.7
    assert (flipped[0] != flipped[1]).any()
    np.testing.assert_array_equal(data[0][0][0], data[0][0][0])


def make_model():
    image, task = keras.Input((2, 2, 3)), keras.Input((), dtype="int32")
    features = keras.layers.Dense(16, "relu")(keras.layers.Flatten()(image))
    gate = keras.layers.Embedding(2, 16, embeddings_initializer="ones")(task)
    embedding = keras.layers.Dense(4)(keras.layers.Multiply()([features, gate]))
    model = keras.Model([image, task], embedding)
    model.compile(keras.optimizers.SGD(0.1), TripletLoss(), metrics=[TripletAccuracy()])
    return model


def test_fit_learns_and_a_resumed_fit_is_the_same(monkeypatch):
    draw_by_numpy(monkeypatch)
    # What counts for one task tells nothing about the other.
    labels = {"red": np.arange(64) % 2, "green": np.arange(64) // 2 % 2}
    images = np.random.default_rng(0).random((64, 2, 2, 3))
    images[..., 0] += labels["red"][:, None, None]
    images[..., 1] += labels["green"][:, None, None]
    model = make_model()
    start, ends = model.get_weights(), []
    for first, last in ((0, 6), (0, 3), (3, 6)):
        if first == 0:
            model.set_weights(start)
        data = TripletBatches(images, labels, batches_per_epoch=10, epoch=first)
        history = model.fit(data, initial_epoch=first, epochs=last, shuffle=False, verbose=0)
        ends.append(model.get_weights())
        assert data.epoch == last
    for whole, resumed in zip(ends[0], ends[2], strict=True):
        np.testing.assert_array_equal(whole, resumed)
    assert history.history["triplet_accuracy"][-1] > 0.9
    # The same numbers as from the embeddings.
    model.set_weights(start)
    (images, task), _ = data[0]
    a, p, n = model.predict([images, task], verbose=0).reshape(-1, 3, 4).transpose(1, 0, 2)
    ahead = ((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1)
    found = model.test_on_batch((images, task), task, return_dict=True)
    assert found["triplet_accuracy"] == pytest.approx((ahead < 0).mean())
    assert 0.2 < found["triplet_accuracy"] < 0.9
    assert found["loss"] == pytest.approx(np.maximum(ahead + 0.2, 0).mean(), rel=1e-3)
    # Validation sees the same triplets each time.
    held_out = TripletBatches(data.images, labels, batches_per_epoch=2, shuffle=False)
    scores = [model.evaluate(held_out, verbose=0) for _ in range(2)]
    assert held_out.epoch > 0 and scores[0] == scores[1]


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"triplets_per_task": 0}, "triplets_per_task=0"),
        ({"batches_per_epoch": 0}, "batches_per_epoch=0"),
        ({"seed": -1}, "seed=-1"),
        ({"epoch": -1}, "epoch=-1"),
        ({"workers": 2}, "workers"),
        ({"use_multiprocessing": True}, "use_multiprocessing"),
        ({"augment": "flip"}, "augment.*'flip'"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(**kwargs)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({}, "One of `labels` and `triplets` must be given. Received: neither"),
        ({"labels": LABELS, "triplets": TRIPLETS}, "Received: both"),
        ({"labels": np.arange(N)}, "`labels` must be a dict.*ndarray"),
        ({"triplets": {}}, "`triplets` must be a dict.*{}"),
        ({"labels": {7: LABELS["thirds"]}}, r"`labels` must have strings as names.*\[7\]"),
        ({"triplets": {None: TRIPLETS["five"]}}, r"`triplets` must have strings.*\[None\]"),
        ({"labels": {"heel": np.zeros(3, int)}}, r"labels\['heel'\].*30 images.*3 entries"),
        ({"labels": {"heel": np.zeros(N, int)}}, r"`labels\['heel'\]` must have two known"),
        ({"triplets": {"heel": [[0, 1, 30]]}}, r"`triplets\['heel'\]` must be from 0 to 29"),
        ({"triplets": {"heel": np.zeros((0, 3), int)}}, r"triplets\['heel'\].*none"),
    ],
)
def test_bad_tasks(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TripletBatches(IMAGES, **kwargs)
