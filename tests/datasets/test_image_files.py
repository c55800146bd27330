"""Pictures on disk as a sequence of arrays."""

import sys

import numpy as np
import pytest

from keras_mtl.datasets import ImageFiles
from keras_mtl.datasets._scaling import Scaling, read_file

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


def test_pictures_of_every_kind_look_as_they_do(tmp_path):
    """What any kind of picture shows is the same ramp from black to white."""
    ramp = np.arange(0, 256, 5, dtype="uint8")[None].repeat(8, axis=0)
    colours = Image.fromarray(ramp).convert("RGB")
    kinds = {
        "16.png": Image.fromarray(ramp.astype("uint16") * 257),
        "16.tif": Image.fromarray(ramp.astype("uint16") * 257),
        "32.tif": Image.fromarray(ramp.astype("int32") * 257),
        "32_of_bytes.tif": Image.fromarray(ramp.astype("int32")),
        "unit.tif": Image.fromarray(ramp.astype("float32") / 255),
        "float.tif": Image.fromarray(ramp.astype("float32")),
        "float_16.tif": Image.fromarray(ramp.astype("float32") * 257),
        "palette.png": colours.convert("P", palette=Image.Palette.ADAPTIVE),
        "cmyk.tif": colours.convert("CMYK"),
        "alpha.png": Image.fromarray(np.dstack([ramp, np.full_like(ramp, 255)])),
    }
    for name, picture in kinds.items():
        picture.save(tmp_path / name)
        found = ImageFiles([tmp_path / name])[0]
        assert (found.dtype, found.shape) == (np.uint8, (*ramp.shape, 3)), name
        np.testing.assert_allclose(found, np.asarray(colours), atol=1, err_msg=name)
        small = ImageFiles([tmp_path / name], longest_side=26)[0]
        np.testing.assert_allclose(small[0, :, 0], np.arange(26) * 10 + 2.5, atol=3, err_msg=name)
    Image.fromarray(ramp > 127).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(
        ImageFiles([tmp_path / "bits.png"])[0][..., 0], 255 * (ramp > 127)
    )
    Image.fromarray(np.dstack([ramp, 0 * ramp])).save(tmp_path / "clear.png")
    assert ImageFiles([tmp_path / "clear.png"])[0].min() == 255


@pytest.mark.parametrize(
    "values",
    [[-1, 300], [0, 70_000], [-0.5, 1.0], [0.0, np.nan], [0.0, np.inf], [0.0, 9.5], [0.0, 1e6]],
)
def test_numbers_that_are_no_brightnesses(values, tmp_path):
    kind = "int32" if isinstance(values[0], int) else "float32"
    Image.fromarray(np.array([values], kind)).save(tmp_path / "depth.tif")
    with pytest.raises(OSError, match="depth.tif must be a whole picture: its numbers must be"):
        ImageFiles([tmp_path / "depth.tif"])[0]


def test_reading_that_spares_memory(tmp_path, monkeypatch):
    """A JPEG is decoded small; a file of too many pixels is refused by its name."""
    picture = np.arange(0, 256, 2, dtype="uint8").repeat(2).reshape(1, -1, 1).repeat(64, axis=0)
    Image.fromarray(picture.repeat(3, axis=2)).save(tmp_path / "wide.jpg")
    Image.fromarray(picture[..., 0]).save(tmp_path / "wide.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", picture.size // 2)
    small, factor = read_file(tmp_path / "wide.jpg", Scaling(longest_side=32), sparing=True)
    assert small.shape == (8, 32, 3) and factor == 1 / 8
    np.testing.assert_allclose(small[0, :, 0], np.arange(32) * 8 + 3, atol=5)
    with pytest.raises(OSError, match="wide.png must be a whole picture: it has 256 × 64 pixels"):
        read_file(tmp_path / "wide.png", Scaling(longest_side=32), sparing=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(OSError, match="wide.png must be a whole picture: .* bomb"):
        ImageFiles([tmp_path / "wide.png"])[0]


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"keras-mtl\[data\]"):
        ImageFiles(["some.jpg"])[0]
