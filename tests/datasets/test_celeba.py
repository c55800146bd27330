"""CelebA's reader, on files in the published formats whose contents are known."""

import pickle
import re

import numpy as np
import pytest
from PIL import Image
from published_files.celeba import SPLITS, shrink_celeba, write_celeba

from keras_mtl.datasets import celeba

pytestmark = pytest.mark.one_backend


@pytest.fixture
def small(monkeypatch):
    shrink_celeba(monkeypatch)


@pytest.fixture
def files(tmp_path, rng, small):
    return tmp_path, write_celeba(tmp_path, rng)


def test_the_names():
    assert len(celeba.ATTRIBUTES) == len(set(celeba.TASK_NAMES)) == 40
    assert celeba.ATTRIBUTES[0] == "5_o_Clock_Shadow" and celeba.ATTRIBUTES[-1] == "Young"
    assert celeba.ATTRIBUTES.index("Male") == 20 and celeba.ATTRIBUTES.index("Smiling") == 31
    assert all(re.fullmatch(r"[A-Za-z]\w*", name) for name in celeba.TASK_NAMES)


def test_what_is_read(files):
    folder, truth = files
    for split, numbers in SPLITS.items():
        data = celeba.load(split, folder)
        rows = np.array(numbers) - 1
        assert data["attributes"].dtype == data["image"].dtype == "uint8"
        np.testing.assert_array_equal(data["attributes"], truth["attributes"][rows])
        assert data["image"].shape == (len(rows), 22, 18, 3)
        np.testing.assert_allclose(np.asarray(data["image"], int), truth["image"][rows], atol=3)
    first = celeba.load("train", folder, num_images=2)
    assert len(first["image"]) == 2
    np.testing.assert_array_equal(first["attributes"], truth["attributes"][:2])


def test_a_square_of_the_middle(files):
    folder, truth = files
    images = np.asarray(celeba.load("test", folder, size=9)["image"], int)
    assert images.shape == (2, 9, 9, 3)
    rows = np.array(SPLITS["test"]) - 1
    # 18×18 pixels, without two rows above and below: the colours meet in the middle.
    np.testing.assert_allclose(images[:, :4], truth["image"][rows][:, 2:10:2, ::2], atol=3)
    np.testing.assert_allclose(images[:, 5:], truth["image"][rows][:, 12:20:2, ::2], atol=3)


def test_batches(files):
    folder, truth = files
    options = {"as_arrays": False, "batch_size": 2, "workers": 2, "shuffle": False}
    batches = celeba.load("train", folder, tasks=("Five_o_Clock_Shadow", "Young"), **options)
    for index, rows in enumerate(([0, 1], [2, 5])):
        images, targets = batches[index]
        np.testing.assert_allclose(images, truth["image"][rows], atol=3)
        assert list(targets) == ["Five_o_Clock_Shadow", "Young"]
        for column, target in zip((0, 39), targets.values(), strict=True):
            assert target.dtype == "int32"
            np.testing.assert_array_equal(target, truth["attributes"][rows][:, [column]])
    _, targets = celeba.load("train", folder, **options)[1]
    np.testing.assert_array_equal(targets["attributes"], truth["attributes"][[2, 5]])
    with pytest.raises(ValueError, match="`tasks` must be one or more of .*Received.*smiling"):
        celeba.load("train", folder, as_arrays=False, tasks="smiling")


def test_what_is_prepared_needs_the_files_no_more(files, tmp_path):
    folder, truth = files
    cache = tmp_path / "cache"
    celeba.load("test", folder, cache_dir=cache)
    data = celeba.load("validation", folder / "nowhere", cache_dir=cache)
    np.testing.assert_array_equal(data["attributes"], truth["attributes"][[3]])
    again = pickle.loads(pickle.dumps(data["image"]))
    np.testing.assert_array_equal(again[0], data["image"][0])


def replaced(folder, name, old, new):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


ATTR, PARTS = "list_attr_celeba.txt", "list_eval_partition.txt"


@pytest.mark.parametrize(
    "name, old, new, message",
    [
        (ATTR, "7\n", "8\n", "list_attr_celeba.txt, line 1, must be 7.*Received: '8'"),
        (ATTR, " Bald ", " Hairless ", r"line 2, must be the 40 names.*'Bald', 'Hairless'"),
        (ATTR, "000003.jpg", "000002.jpg", "must hold 7 different.*Received: 7, 6 of them"),
        (ATTR, "4.jpg -1  1", "4.jpg  0  1", r"line 6, must hold 40 values of 1 or -1.*'0'"),
        (ATTR, "4.jpg -1  1", "4.jpg  1", "line 6, must hold 40 values.*Received: 39"),
        (ATTR, "000007.jpg", "000008.jpg", "'000007.jpg' in list_eval_p.* not in list_attr_c"),
        (PARTS, "000007.jpg", "000006.jpg", "'000007.jpg' in list_attr_c.* not in list_eval_p"),
        (PARTS, "000002.jpg 0", "000002.jpg 3", "line 2, must hold .* 0, 1 or 2.*000002.jpg 3"),
        (PARTS, "000002.jpg 0", "000002.jpg 1", "'train': 4.*Received.*'train': 3"),
    ],
)
def test_lists_that_are_not_as_published(files, name, old, new, message):
    folder, _ = files
    replaced(folder, name, old, new)
    with pytest.raises(ValueError, match=message):
        celeba.load("train", folder)


@pytest.mark.parametrize(
    "name, part", [(ATTR, "Anno"), (PARTS, "Eval"), ("img_align_celeba", "img_align_celeba.zip")]
)
def test_missing_files(files, name, part):
    folder, _ = files
    (folder / name).rename(folder / f"{name}.old")
    with pytest.raises(FileNotFoundError, match=rf"hold '{name}'.*{part}.*There is '{name}.old'"):
        celeba.load("train", folder)
    with pytest.raises(FileNotFoundError, match=r"(?s)no .*nowhere.*Large-scale CelebFaces"):
        celeba.load("train", folder / "nowhere")


def test_pictures_that_are_not_as_published(files):
    folder, _ = files
    path = folder / "img_align_celeba" / "000006.jpg"
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(FileNotFoundError, match="hold '000006.jpg', a picture of CelebA"):
        celeba.load("train", folder)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="000006.jpg must be a whole picture"):
        celeba.load("train", folder)
    Image.new("RGB", (22, 18)).save(path)
    with pytest.raises(ValueError, match="000006.jpg must be .* 22×18 pixels. Received: .* 18×22"):
        celeba.load("train", folder)
    # What was interrupted does not pass for prepared.
    path.write_bytes(content)
    assert len(celeba.load("train", folder)["image"]) == 4


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"`split` must be one of .*Received: split='val'"):
        celeba.load("val", tmp_path)
    with pytest.raises(ValueError, match="size=0"):
        celeba.load("train", tmp_path, size=0)
