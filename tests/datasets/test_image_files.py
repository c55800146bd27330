"""Pictures on disk as a sequence of arrays."""

import sys

import numpy as np
import pytest

from keras_mtl.datasets import ImageFiles

Image = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.one_backend


def test_image_files(tmp_path):
    """Grey pictures become RGB; sizes follow the sides, the longer one first."""
    path = tmp_path / "grey.png"
    Image.fromarray(np.arange(200, dtype="uint8").reshape(10, 20)).save(path)
    image = ImageFiles([path])[0]
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.arange(200).reshape(10, 20, 1).repeat(3, axis=2))
    for sides, shape in {
        (5, None): (5, 10),
        (30, 40): (20, 40),
        (None, 8): (4, 8),
        (15, 99): (15, 30),
    }.items():
        images = ImageFiles([path], *sides)
        assert images[0].shape == (*shape, 3)
        np.testing.assert_allclose(images.scales, shape[0] / 10)
    with pytest.raises(ValueError, match="shortest_side=0"):
        ImageFiles([path], 0)
    with pytest.raises(FileNotFoundError):
        ImageFiles([tmp_path / "none.png"])[0]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(OSError, match="grey.png must be a whole picture"):
        ImageFiles([path])[0]


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"keras-mtl\[data\]"):
        ImageFiles(["some.jpg"])[0]
