import gzip
import struct

import keras
import numpy as np
import pytest

from keras_mtl.datasets import multi_fashion

COUNTS = {"train": 12, "t10k": 7}


def write_idx(path, values):
    header = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))


@pytest.fixture
def source(rng):
    return {
        prefix: (
            rng.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            rng.integers(0, 10, count, dtype=np.uint8),
        )
        for prefix, count in COUNTS.items()
    }


@pytest.fixture
def folder(source, tmp_path):
    for prefix, (images, labels) in source.items():
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return tmp_path


def composed(first, second):
    """The picture, pixel by pixel."""
    picture = np.zeros((36, 36, 1), np.uint8)
    for row in range(36):
        for column in range(36):
            seen = [0]
            if row < 28 and column < 28:
                seen.append(first[row, column])
            if row >= 8 and column >= 8:
                seen.append(second[row - 8, column - 8])
            picture[row, column] = max(seen)
    return picture


@pytest.mark.parametrize("split, prefix", [("train", "train"), ("test", "t10k")])
def test_pictures_are_pairs_of_articles(source, folder, split, prefix):
    images, labels = source[prefix]
    data = multi_fashion.load(split, data_dir=folder)
    assert set(data) == {"image", "top_left", "bottom_right"}
    assert data["image"].shape == (len(images), 36, 36, 1) and data["image"].dtype == np.uint8
    np.testing.assert_array_equal(data["top_left"], labels)
    assert data["top_left"].dtype == data["bottom_right"].dtype == np.int32
    for index, picture in enumerate(data["image"]):
        # Only the partner shows at the bottom right: it says which one it is.
        corner = picture[28:, 28:, 0]
        partner = [np.array_equal(corner, each[20:, 20:]) for each in images].index(True)
        assert partner != index
        assert data["bottom_right"][index] == labels[partner]
        np.testing.assert_array_equal(picture, composed(images[index], images[partner]))


def test_pairs_are_a_function_of_split_and_seed(folder):
    def partners(split, total, seed):
        return multi_fashion._partners(split, seed, total)

    np.testing.assert_array_equal(partners("train", 500, 1), partners("train", 500, 1))
    assert (partners("train", 500, 1) != partners("train", 500, 2)).mean() > 0.9
    assert (partners("train", 500, 1) != partners("test", 500, 1)).mean() > 0.9
    assert (partners("train", 500, 1) != np.arange(500)).all()
    # Every other article can be the partner, the neighbours too.
    steps = {int(partners("train", 5, seed)[0]) for seed in range(100)}
    assert steps == {1, 2, 3, 4}

    whole = multi_fashion.load("train", data_dir=folder)
    part = multi_fashion.load("train", num_images=5, data_dir=folder)
    for name, values in part.items():
        np.testing.assert_array_equal(values, whole[name][:5])


def test_names():
    assert len(multi_fashion.CLASSES) == 10 and multi_fashion.CLASSES[9] == "ankle boot"


@pytest.mark.parametrize(
    "options, message",
    [
        ({"split": "validation"}, "`split` must be one of"),
        ({"num_images": 13}, "`num_images` must be an integer from 1 to 12"),
        ({"num_images": 0}, "`num_images`"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_refuses_arguments(folder, options, message):
    with pytest.raises(ValueError, match=message):
        multi_fashion.load(data_dir=folder, **options)


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def repacked(path, change):
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


@pytest.mark.parametrize(
    "name, change, message",
    [
        (IMAGES, lambda c: c[:-1], "must hold 12×28×28 bytes behind its header of 16. Received: 9"),
        (IMAGES, lambda c: c + b"x", "must hold 12×28×28 bytes"),
        (IMAGES, lambda c: c[:9], "a header with its sizes.*Received: 9 bytes"),
        (IMAGES, lambda c: b"", "must start with the bytes 00 00 08 03.*an empty file"),
        (IMAGES, lambda c: b"\x00\x00\x0d\x03" + c[4:], "Received: 00 00 0d 03"),
        (LABELS, lambda c: b"<html>" + c, "must start with the bytes 00 00 08 01"),
        (LABELS, lambda c: c[:8] + b"\x0a" + c[9:], "labels from 0 to 9. Received: 10"),
        (LABELS, lambda c: c[:4] + struct.pack(">I", 11) + c[8:-1], "one label for each of the 12"),
        (IMAGES, lambda c: c[:12] + struct.pack(">I", 14) + c[16 : 16 + 12 * 28 * 14], "28×28"),
    ],
)
def test_names_wrong_files(folder, name, change, message):
    repacked(folder / name, change)
    with pytest.raises(ValueError, match=message) as caught:
        multi_fashion.load(data_dir=folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-20],
        lambda content: content[: len(content) // 2],
        lambda content: content[:100] + bytes(50) + content[150:],
        lambda content: b"<html>not found</html>",
    ],
)
def test_names_damaged_files(folder, damage):
    path = folder / IMAGES
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OSError, match="must be a whole gzip file") as caught:
        multi_fashion.load(data_dir=folder)
    assert str(path) in str(caught.value)


def test_names_missing_files(folder):
    (folder / LABELS).unlink()
    with pytest.raises(FileNotFoundError, match=f"`data_dir`.*{LABELS}"):
        multi_fashion.load(data_dir=folder)


def test_takes_debians_folder_first(folder, monkeypatch):
    monkeypatch.setattr(multi_fashion, "DEBIAN_FOLDER", str(folder))
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", None)
    assert len(multi_fashion.load("test")["image"]) == 7


def test_takes_keras_download(source, tmp_path, monkeypatch):
    monkeypatch.setattr(multi_fashion, "DEBIAN_FOLDER", str(tmp_path / "nowhere"))
    monkeypatch.setattr(
        keras.datasets.fashion_mnist, "load_data", lambda: (source["train"], source["t10k"])
    )
    np.testing.assert_array_equal(multi_fashion.load("test")["top_left"], source["t10k"][1])


def test_failed_download_says_what_to_do(tmp_path, monkeypatch):
    def fail():
        raise Exception("URL fetch failure")

    monkeypatch.setattr(multi_fashion, "DEBIAN_FOLDER", str(tmp_path / "nowhere"))
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", fail)
    with pytest.raises(OSError, match="URL fetch failure.*internet.*Debian.*`data_dir`"):
        multi_fashion.load()
