"""Selective search: the method where OpenCV is installed, all around it where it is not."""

import errno
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_mtl.boxes import iou
from keras_mtl.proposals import selective_search

pytestmark = pytest.mark.one_backend

# Its module, which a package's name hides behind the function's.
module = sys.modules["keras_mtl.proposals.selective_search"]


class FakeSegmentation:
    """Stands in for OpenCV: three boxes (x, y, w, h), in an order that changes with each call."""

    def __init__(self):
        self.calls = []

    def createSelectiveSearchSegmentation(self):
        return self

    def setBaseImage(self, image):
        self.calls.append(image)

    def switchToSelectiveSearchFast(self):
        self.boxes = [[0, 0, 40, 30], [5, 6, 21, 22], [1, 1, 19, 30], [2, 3, 24, 20]]

    def switchToSelectiveSearchQuality(self):
        self.boxes = []

    def process(self):
        return np.roll(self.boxes, len(self.calls), axis=0) if self.boxes else ()


@pytest.fixture
def fake(monkeypatch):
    fake = FakeSegmentation()
    monkeypatch.setattr(module, "_segmentation", lambda: fake)
    return fake


@pytest.fixture
def image(rng):
    """Two plain rectangles on a plain ground."""
    image = np.full((80, 120, 3), 200, "uint8")
    image[10:50, 20:60] = (250, 10, 10)
    image[40:70, 80:110] = (10, 10, 250)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype("uint8")


def test_corners_and_least_size(fake, image):
    boxes = selective_search(image)
    assert boxes.dtype == np.float32
    assert {tuple(box) for box in boxes} == {(0, 0, 40, 30), (5, 6, 26, 28), (2, 3, 26, 23)}
    assert len(selective_search(image, min_size=19)) == 4
    np.testing.assert_array_equal(fake.calls[0], image[..., ::-1])


def test_repeats_though_the_method_does_not(fake, image):
    first = selective_search(image)
    np.testing.assert_array_equal(first, selective_search(image))
    np.testing.assert_array_equal(first[:2], selective_search(image, max_boxes=2))


def test_no_box(fake, image):
    assert selective_search(image, fast=False).shape == (0, 4)


def test_cache(fake, image, tmp_path):
    cache = tmp_path / "new" / "folder"
    first = selective_search(image, cache)
    np.testing.assert_array_equal(selective_search(image.copy(), cache), first)
    assert len(fake.calls) == 1
    # Whatever the boxes depend on gives another file; an empty result is a result.
    other = image.copy()
    other[3, 4, 1] ^= 1
    selective_search(other, cache)
    selective_search(image, cache, min_size=25)
    for _ in range(2):
        assert selective_search(image, cache, fast=False).shape == (0, 4)
    assert len(fake.calls) == len(list(cache.iterdir())) == 4


@pytest.mark.parametrize("damage", [lambda b: b[:-30], lambda b: b"", lambda b: b[::-1]])
def test_a_damaged_file_is_made_anew(damage, fake, image, tmp_path):
    first = selective_search(image, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.warns(UserWarning, match="damaged"):
        np.testing.assert_array_equal(selective_search(image, tmp_path), first)
    np.testing.assert_array_equal(selective_search(image, tmp_path), first)
    assert len(fake.calls) == 2


def test_a_file_that_cannot_be_read_is_not_called_damaged(fake, image, tmp_path, monkeypatch):
    first = selective_search(image, tmp_path)

    def fail(error):
        def load(*args, **kwargs):
            raise error

        monkeypatch.setattr(np, "load", load)

    fail(OSError(errno.EIO, "EIO"))
    with pytest.warns(UserWarning, match="cannot be read .*EIO"):
        np.testing.assert_array_equal(selective_search(image, tmp_path), first)
    fail(MemoryError())
    with pytest.raises(MemoryError):
        selective_search(image, tmp_path)


def test_an_interrupted_write_leaves_nothing(fake, image, tmp_path, monkeypatch):
    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        selective_search(image, tmp_path)
    assert not list(tmp_path.iterdir())


def test_threads_may_make_the_same_file(fake, image, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: selective_search(image, tmp_path), range(8)))
    assert all(np.array_equal(boxes, results[0]) for boxes in results)
    assert len(list(tmp_path.iterdir())) == 1


def test_without_opencv(image, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setitem(sys.modules, "cv2.ximgproc", None)
    with pytest.raises(ImportError, match=r"keras-mtl\[detection\]"):
        selective_search(image)


@pytest.mark.parametrize(
    "image, kwargs, message",
    [
        (np.zeros((4, 4, 3)), {}, "`image` must be a uint8.*float64"),
        (np.zeros((4, 4), "uint8"), {}, r"`image` must be.*\(4, 4\)"),
        (np.zeros((0, 4, 3), "uint8"), {}, r"`image` must be.*\(0, 4, 3\)"),
        (np.zeros((4, 4, 3), "uint8"), {"max_boxes": 0}, "max_boxes=0"),
        (np.zeros((4, 4, 3), "uint8"), {"min_size": 0}, "min_size=0"),
    ],
)
def test_bad_arguments(image, kwargs, message):
    with pytest.raises(ValueError, match=message):
        selective_search(image, **kwargs)


def test_the_method_itself(image):
    pytest.importorskip("cv2.ximgproc")
    boxes = selective_search(image)
    np.testing.assert_array_equal(boxes, selective_search(image))
    overlap = iou([[20, 10, 60, 50], [80, 40, 110, 70]], boxes)
    assert overlap.max(axis=1).min() > 0.9
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    assert boxes.min() >= 0 and (boxes[:, 2:] <= (120, 80)).all()
    assert selective_search(np.zeros((30, 30, 3), "uint8")).tolist() == [[0, 0, 30, 30]]
