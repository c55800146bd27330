"""Batches for a detector."""

import pickle

import keras
import numpy as np
import pytest

from keras_mtl.boxes.canvas import MEAN_COLOUR
from keras_mtl.datasets import RoIBatches, RoISampling
from keras_mtl.proposals import jittered_boxes

NUM_IMAGES, HEIGHT, WIDTH = 6, 12, 16


def annotations(seed=5):
    """Pictures whose box is brighter than the rest; the last is empty."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 50, (NUM_IMAGES, HEIGHT, WIDTH, 3)).astype("uint8")
    images[:, 0, 0] = np.arange(NUM_IMAGES)[:, None]
    boxes, classes, attributes, proposals = [], [], [], []
    for number, image in enumerate(images):
        x, y = 1 + number, 2
        image[y : y + 6, x : x + 7] = 200
        box = [[x, y, x + 7, y + 6]] if number < NUM_IMAGES - 1 else []
        boxes.append(np.array(box, "float32").reshape(-1, 4))
        classes.append([1 + number % 3] * len(box))
        attributes.append(np.full((len(box), 2), [number % 2, 1]))
        proposals.append(jittered_boxes(boxes[-1], (HEIGHT, WIDTH), 30, rng))
    return {
        "image": images,
        "boxes": boxes,
        "classes": classes,
        "attributes": attributes,
        "proposals": proposals,
    }


def make(batch_size=2, **kwargs):
    columns = annotations()
    columns |= {name: kwargs.pop(name) for name in (*columns, "difficult") if name in kwargs}
    return RoIBatches(columns, batch_size, RoISampling(num_rois=8), **kwargs)


def flat(batch):
    """All arrays of a batch as one row of numbers."""
    return np.concatenate([value.ravel() for part in batch for value in part.values()])


def read(data):
    batches = [flat(data[index]) for index in range(len(data))]
    data.on_epoch_end()
    return batches


def assert_same(epoch, other):
    for batch, other_batch in zip(epoch, other, strict=True):
        np.testing.assert_array_equal(batch, other_batch)


def test_names_shapes_and_types():
    inputs, targets = make()[0]
    found = {name: (v.dtype.name, v.shape) for name, v in {**inputs, **targets}.items()}
    assert list(inputs) == ["image", "rois"]
    assert found == {
        "image": ("float32", (2, HEIGHT, WIDTH, 3)),
        "rois": ("float32", (2, 8, 4)),
        "detection_classes": ("int32", (2, 8)),
        "detection_boxes": ("float32", (2, 8, 5)),
        "attributes": ("float32", (2, 8, 2)),
    }
    assert make().num_attributes == 2
    assert list(make(tasks="attributes")[0][1]) == ["attributes"]
    detection = make(tasks=["detection"], attributes=None)[0][1]
    assert list(detection) == ["detection_classes", "detection_boxes"]


@pytest.mark.parametrize("mirror", [False, True])
def test_rois_show_what_their_targets_say(mirror):
    """The object's brightness tells how much of a foreground RoI it fills, mirrored or not."""
    data, foreground, mirrored = make(6, mirror=mirror, shuffle=False), 0, 0
    for _ in range(4):
        inputs, targets = data[0]
        data.on_epoch_end()
        mirrored += (inputs["image"][:, 0, 0, 0] != np.arange(6)).sum()
        for number in range(NUM_IMAGES - 1):
            classes, image = targets["detection_classes"][number], inputs["image"][number]
            foreground += (classes > 0).sum()
            assert set(classes) <= {-1, 0, 1 + number % 3}
            for roi in inputs["rois"][number][classes > 0]:
                x1, y1, x2, y2 = np.round(roi).astype(int)
                assert (image[y1:y2, x1:x2, 0] == 200).mean() > 0.4
        assert set(targets["detection_classes"][-1]) == {0}
    assert foreground > 30
    assert 4 < mirrored < 20 if mirror else mirrored == 0


def test_a_batch_is_a_function_of_seed_epoch_and_index():
    kwargs = {"seed": 3, "mirror": True}
    data = make(**kwargs)
    epochs = [read(data) for _ in range(3)]
    assert len({batch.tobytes() for epoch in epochs for batch in epoch}) == 9
    resumed = make(epoch=2, **kwargs)
    for index in (2, 0, 2, 1):
        np.testing.assert_array_equal(flat(resumed[index]), epochs[2][index])
    assert (read(make(seed=4, mirror=True))[0] != epochs[0][0]).any()
    # Draws differ from epoch to epoch even where the order does not.
    still = make(shuffle=False)
    first, second = read(still), read(still)
    assert (first[0] != second[0]).any()


def check_workers(data, expected):
    """Whatever is read ahead, and in whatever order it is asked for."""
    data[0], data[1]  # As `fit` does, to build the model.
    data.on_epoch_end()
    for epoch in expected[:2]:
        assert_same(read(data), epoch)
    for index in (1, 0, 2):
        np.testing.assert_array_equal(flat(data[index]), expected[2][index])
    data.epoch = 0
    assert_same(read(data), expected[0])


OF_WORKERS = {"tasks": "attributes", "mirror": True}


@pytest.fixture(scope="module")
def expected():
    data = make(**OF_WORKERS)
    return [read(data) for _ in range(3)]


@pytest.fixture(scope="module")
def processes():
    """One for all tests: starting a process takes seconds."""
    return make(workers=1, use_multiprocessing=True, **OF_WORKERS)


@pytest.mark.parametrize("max_queue_size", [1, 10])
def test_threads_change_nothing(max_queue_size, expected):
    data = make(workers=2, max_queue_size=max_queue_size, **OF_WORKERS)
    check_workers(data, expected)
    copy = pickle.loads(pickle.dumps(data))
    assert copy.epoch == 1
    assert_same(read(copy), expected[1])


def test_processes_change_nothing(processes, expected):
    check_workers(processes, expected)


class Lazy:
    """Pictures of several sizes, read one by one; the third is missing."""

    def __init__(self, sizes, missing=()):
        self.sizes, self.missing = sizes, missing

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, number):
        if number in self.missing:
            raise FileNotFoundError(f"no picture {number}")
        return np.full((*self.sizes[number], 3), 10 * number, "uint8")


def make_lazy(sizes, boxes=([0, 0, 4, 4],), missing=(), **kwargs):
    count = len(sizes)
    columns = {"image": Lazy(sizes, missing), "boxes": [np.array(boxes)] * count}
    columns |= {"classes": [[1]] * count, "attributes": [[[1]]] * count}
    columns["proposals"] = columns["boxes"]
    return RoIBatches(columns, count, shuffle=False, **kwargs)


def test_pictures_stand_at_the_top_left_of_the_canvas():
    data = make_lazy([(5, 9), (8, 6)], boxes=[[-3, 1, 20, 30]], pad_to=(8, 10))
    inputs, _ = data[0]
    first, second = inputs["image"]
    assert (first[:5, :9] == 0).all() and (second[:8, :6] == 10).all()
    assert (first[5:] == MEAN_COLOUR).all() and (second[:, 6:] == MEAN_COLOUR).all()
    # Boxes end where their picture does, not where the canvas does.
    np.testing.assert_array_equal(inputs["rois"][:, 0], [[0, 1, 9, 5], [0, 1, 6, 8]])


def test_mirrored_within_the_picture():
    data = make_lazy([(5, 9)], boxes=[[1, 0, 4, 5]], pad_to=(8, 20), mirror=True)
    rois = []
    for data.epoch in range(8):
        rois.append(tuple(data[0][0]["rois"][0, 0]))
    assert set(rois) == {(1, 0, 4, 5), (5, 0, 8, 5)}


def test_errors_of_a_reader_arrive():
    for workers in (1, 2):
        data = make_lazy([(5, 9)] * 3, missing=[2], workers=workers)
        with pytest.raises(FileNotFoundError, match="no picture 2"):
            data[0]


def test_pictures_that_do_not_fit():
    with pytest.raises(ValueError, match=r"`images\[1\]` must fit in `pad_to`=\(8, 9\).*\(9, 9\)"):
        make_lazy([(5, 9), (9, 9)], pad_to=(8, 9))[0]
    with pytest.raises(ValueError, match=r"`pad_to` must be given.*\(5, 9\), \(9, 9\)"):
        make_lazy([(5, 9), (9, 9)])[0]
    with pytest.raises(ValueError, match=r"`boxes\[0\]` must overlap the image.*\(3, 3\)"):
        make_lazy([(3, 3)], boxes=[[4, 4, 8, 8]])[0]


class SumOfAll(keras.losses.Loss):
    """Depends on all that comes in, and on the order in which it came."""

    def call(self, y_true, y_pred):
        return keras.ops.square(y_pred[:, 0] - keras.ops.sum(y_true, axis=(1, 2)))


def fit(data):
    """The losses of the batches that `fit` trains on, in three epochs."""
    image, rois = keras.Input((HEIGHT, WIDTH, 3), name="image"), keras.Input((8, 4), name="rois")
    means = [keras.ops.mean(image, axis=(1, 2, 3)), keras.ops.mean(rois, axis=(1, 2))]
    sums = keras.layers.Dense(1, kernel_initializer="ones")(keras.ops.stack(means, axis=1))
    model = keras.Model({"image": image, "rois": rois}, {"attributes": sums})
    model.compile(keras.optimizers.SGD(1e-4), {"attributes": SumOfAll()})
    losses = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: losses.append(float(logs["loss"]))
    )
    model.fit(data, epochs=3, shuffle=False, verbose=0, callbacks=[callback])
    return losses


def test_fit_sees_the_same_with_workers(processes):
    alone = fit(make(**OF_WORKERS))
    assert len(set(alone)) == 9
    assert fit(make(workers=2, **OF_WORKERS)) == alone
    processes.epoch = 0
    assert fit(processes) == alone


GOOD = annotations()


def replaced(name, number, value):
    values = list(GOOD[name])
    values[number] = value
    return {name: values}


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"tasks": "depth"}, "`tasks` must be one or more of.*depth"),
        ({"tasks": ()}, "`tasks` must be"),
        ({"attributes": None}, r"`pictures` must have.*'attributes'.*without \['attributes'\]"),
        ({"classes": None, "tasks": "detection"}, r"without \['classes'\]"),
        ({"pad_to": 100}, "`pad_to` must be.*100"),
        ({"pad_to": (8, 99)}, r"`images\[0\]` must fit"),
        ({"workers": 2, "max_queue_size": 0}, "max_queue_size=0"),
        ({"image": GOOD["image"] / 255}, r"`images\[0\]` must be a uint8 array.*float64"),
        ({"image": GOOD["image"][:4]}, "`boxes` must have one entry for each of the 4 images"),
        ({"difficult": [[]]}, "`difficult` must have one entry for each of the 6 images"),
        (replaced("boxes", 3, [[1, 2, 3]]), r"`boxes\[3\]` must be of shape \(N, 4\)"),
        (replaced("boxes", 3, [[1, 2, np.nan, 3]]), r"`boxes\[3\]` must be finite"),
        (replaced("boxes", 3, [[5, 2, 5, 3]]), r"`boxes\[3\]` must have x2 > x1"),
        (replaced("boxes", 3, [[50, 2, 55, 3]]), r"`boxes\[3\]` must overlap the image"),
        (replaced("proposals", 2, [[5, 2, 5, 3]]), r"`proposals\[2\]` must have x2 > x1"),
        (replaced("classes", 1, [0]), r"`classes\[1\]` must be integers.*from 1"),
        (replaced("classes", 1, [1.0]), r"`classes\[1\]` must be integers"),
        (replaced("classes", 1, [1, 2]), r"`classes\[1\]`.*1 boxes.*2 entries"),
        (replaced("attributes", 4, [[1, 0, 1]]), r"`attributes\[4\]` must be of shape \(K, 2\)"),
        (replaced("attributes", 4, [[1], [1, 0]]), r"`attributes\[4\]` must be numbers"),
        (replaced("attributes", 0, [[1], [1, 0]]), r"`attributes\[0\]` must be numbers"),
        ({"num_classes": 2}, r"`classes\[2\]` must be from 1 to `num_classes`=2.*\[3\]"),
        (replaced("attributes", 4, [[1, 7]]), r"`attributes\[4\]` must be 0 or 1.*7"),
        (replaced("attributes", 4, np.zeros((2, 2))), r"`attributes\[4\]`.*1 boxes.*2 entries"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(**kwargs)


def test_difficult_and_empty_pictures():
    difficult = [[True] * len(boxes) for boxes in GOOD["boxes"]]
    for _, targets in make(difficult=difficult):
        assert set(targets["detection_classes"].ravel()) <= {-1, 0}
    nothing = [[]] * NUM_IMAGES
    empty = make(boxes=nothing, classes=nothing, attributes=nothing, proposals=nothing)
    inputs, targets = empty[0]
    assert (targets["detection_classes"] == -1).all() and not inputs["rois"].any()
    assert targets["attributes"].shape == (2, 8, 0)
