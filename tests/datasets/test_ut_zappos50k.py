"""UT-Zappos50K's reader, on files in the published formats whose contents are known."""

import pickle
import re

import numpy as np
import pytest
from published_files.ut_zappos50k import (
    CATEGORIES,
    CLOSURES,
    COUNT,
    ODD,
    shrink_ut_zappos50k,
    write_ut_zappos50k,
)

from keras_mtl.datasets import TripletBatches, ut_zappos50k
from keras_mtl.datasets.ut_zappos50k.load import _rows_of

pytestmark = pytest.mark.one_backend
TASKS = ["class", "closure", "gender", "heel"]


@pytest.fixture
def files(tmp_path, rng, monkeypatch):
    shrink_ut_zappos50k(monkeypatch)
    return tmp_path, write_ut_zappos50k(tmp_path, rng)


def rows_of(data, truth):
    """The shoes whose pictures were read, by their colour."""
    images = [data["image"][row][2, 2].astype(int) for row in range(len(data["image"]))]
    distances = np.abs(np.array(images)[:, None] - truth["color"].astype(int)).sum(axis=-1)
    assert distances.min(axis=1).max() <= 6
    return distances.argmin(axis=1)


def test_what_is_read(files):
    folder, truth = files
    data = ut_zappos50k.load("all", folder)
    assert list(data) == ["image", "labels", "values", "columns"]
    assert list(data["labels"]) == list(data["values"]) == list(ut_zappos50k.PROPERTIES) == TASKS
    assert all(re.fullmatch(r"[A-Za-z]\w*", task) for task in TASKS)
    np.testing.assert_array_equal(rows_of(data, truth), np.arange(COUNT))
    assert data["image"].shape == (COUNT, 10, 14, 3) and data["image"].dtype == "uint8"
    assert data["image"][ODD].shape == (8, 8, 3)
    with pytest.raises(ValueError, match="one shape and type; read them one by one"):
        data["image"][3:6]
    assert data["values"] == {
        "class": CATEGORIES,
        "closure": CLOSURES[1:],
        "gender": ("Girls", "Men;Women"),
        "heel": ("1in - 1 3/4in", "Flat"),
    }
    labels, numbers = data["labels"], np.arange(COUNT)
    assert all(each.dtype == "int32" for each in labels.values())
    np.testing.assert_array_equal(labels["class"], numbers % 3)
    np.testing.assert_array_equal(labels["closure"], numbers % 4 - 1)
    assert labels["gender"].tolist() == [1, 0, *[1] * (COUNT - 2)]
    assert labels["heel"].tolist() == [0, -1, -1, 1, *[-1] * (COUNT - 4)]
    assert list(data["columns"]) == list(ut_zappos50k.COLUMNS)
    assert data["columns"]["Closure"][:3] == [(), ("Lace up",), ("Lace up", "Zipper")]
    assert data["columns"]["ToeStyle"] == [("Round",)] * COUNT


def test_squares_and_the_first_few(files):
    folder, truth = files
    data = ut_zappos50k.load("all", folder, size=6, num_images=7)
    assert np.asarray(data["image"]).shape == (7, 6, 6, 3)
    np.testing.assert_array_equal(rows_of(data, truth), np.arange(7))
    assert {len(each) for each in (*data["labels"].values(), *data["columns"].values())} == {7}
    # Their numbers stay the same.
    assert data["values"] == ut_zappos50k.load("all", folder)["values"]
    again = pickle.loads(pickle.dumps(data["image"]))
    np.testing.assert_array_equal(again[2:4], data["image"][2:4])


def test_our_splits_are_of_products(files):
    folder, truth = files
    products = {}
    for split in ("train", "validation", "test"):
        data = ut_zappos50k.load(split, folder)
        rows = rows_of(data, truth)
        assert (np.diff(rows) > 0).all()
        np.testing.assert_array_equal(data["labels"]["class"], rows % 3)
        products[split] = [truth["cid"][row].split("-")[0] for row in rows]
        assert "triplets" not in data
    assert sum(map(len, products.values())) == COUNT
    assert len(set.union(*map(set, products.values()))) == COUNT // 2
    # The same in every run, and of the shares that are promised.
    assert len(products["train"]) == 26
    cids = [f"{100_000 + 13 * number}-3" for number in range(20_000)]
    shares = [len(_rows_of(split, cids)) / 20_000 for split in ("train", "validation", "test")]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.01)


@pytest.mark.parametrize(
    "split, name", [("train", "train"), ("validation", "val"), ("test", "test")]
)
def test_triplets(files, split, name):
    folder, truth = files
    data = ut_zappos50k.load(split, folder, triplets=True)
    rows = rows_of(data, truth)
    used = np.concatenate([truth["triplets"][task, name].ravel() for task in TASKS])
    np.testing.assert_array_equal(rows, np.unique(truth["row"][used]))
    np.testing.assert_array_equal(data["labels"]["closure"], rows % 4 - 1)
    assert list(data["triplets"]) == TASKS
    for task, triplets in data["triplets"].items():
        anchor, far, close = truth["row"][truth["triplets"][task, name]].T
        assert triplets.dtype == "int32"
        np.testing.assert_array_equal(rows[triplets].T, [anchor, close, far])
    few = ut_zappos50k.load(split, folder, triplets=True, num_images=4)
    for task, triplets in few["triplets"].items():
        left = data["triplets"][task]
        np.testing.assert_array_equal(triplets, left[(left < 4).all(axis=1)])


def test_batches_of_triplets(files):
    folder, truth = files
    data = ut_zappos50k.load("train", folder, size=6, triplets=True)
    known = {task: data["labels"][task] for task in ("class", "closure")}
    for source in ({"labels": known}, {"triplets": data["triplets"]}):
        plain = TripletBatches(data["image"], **source, triplets_per_task=2)
        threads = TripletBatches(data["image"], **source, triplets_per_task=2, workers=2)
        for index in range(3):
            (images, task), _ = plain[index]
            assert images.shape == (len(plain.tasks) * 6, 6, 6, 3)
            np.testing.assert_array_equal(threads[index][0][0], images)
    # Of an unknown closure nothing is known to be alike.
    batches = TripletBatches(data["image"], known, triplets_per_task=8)
    labels = known["closure"][[batches.triplets_of("closure", 0, index) for index in range(5)]]
    assert (known["closure"] == -1).any() and (labels >= 0).all()


def test_without_the_files_of_triplets(tmp_path, rng, monkeypatch):
    shrink_ut_zappos50k(monkeypatch)
    write_ut_zappos50k(tmp_path, rng, triplets=False)
    assert len(ut_zappos50k.load("all", tmp_path)["image"]) == COUNT
    with pytest.raises(FileNotFoundError, match="'filenames.json', of the triplets of cond"):
        ut_zappos50k.load("test", tmp_path, triplets=True)
    (tmp_path / "filenames.json").write_text("Boots/Oxfords/Brand/7000.5.jpg\n")
    with pytest.raises(FileNotFoundError, match="'class_tripletlist_val.txt', of the triplets"):
        ut_zappos50k.load("validation", tmp_path, triplets=True)


META, LIST = "ut-zap50k-data/meta-data.csv", "tripletlists/heel_tripletlist_test.txt"


@pytest.mark.parametrize(
    "name, old, new, message",
    [
        (META, "HeelHeight,Insole", "Insole,HeelHeight", "meta-data.csv, line 1, must name CID"),
        (META, ",Round", "", "meta-data.csv, line 2, must hold 9 values. Received: 8"),
        (META, "7000-6", "7000-5", "must hold 30 shoes. Received: 30, 29 of them different"),
        ("filenames.json", "7000.5.jpg", "7.jpg", r"filenames.json must hold .* 1 of .*\['7'\]"),
        (LIST, " ", " 30 ", "heel_tripletlist_test.txt must hold three integers"),
        (LIST, None, "3 4 30\n", r"heel_tripletlist_test.txt` must be from 0 to 29.*3 to 30"),
        (LIST, None, "3 4\n5 6\n", r"heel_tripletlist_test.txt` must be integers \(K, 3\)"),
        (LIST, None, "3 4 x\n", "heel_tripletlist_test.txt must hold three integers"),
    ],
)
def test_lists_that_are_not_as_published(files, name, old, new, message):
    folder, _ = files
    text = (folder / name).read_text()
    (folder / name).write_text(new if old is None else text.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        ut_zappos50k.load("test", folder, triplets=True)


def test_missing_and_cut_pictures(files):
    folder, _ = files
    path = folder / "ut-zap50k-images" / "Slippers" / "Oxfords" / "Brand Inc%2E" / "6963.5.jpg"
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(FileNotFoundError, match="hold '6963.5.jpg', the picture of the shoe 6963"):
        ut_zappos50k.load("all", folder)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="6963.5.jpg must be a whole picture"):
        ut_zappos50k.load("all", folder)
    for name in (META, "ut-zap50k-images"):
        (folder / name).rename(folder / f"{name}.old")
        with pytest.raises(FileNotFoundError, match=r"of UT-Zappos50K.*There is '.*\.old' beside"):
            ut_zappos50k.load("all", folder)
        (folder / f"{name}.old").rename(folder / name)
    with pytest.raises(FileNotFoundError, match=r"(?s)no .*nowhere.*University of\s+Texas"):
        ut_zappos50k.load("all", folder / "nowhere")


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"`split` must be one of .*Received: split='val'"):
        ut_zappos50k.load("val", tmp_path)
    with pytest.raises(ValueError, match="`split` must not be 'all' with `triplets=True`"):
        ut_zappos50k.load("all", tmp_path, triplets=True)
    with pytest.raises(ValueError, match="size=0"):
        ut_zappos50k.load("all", tmp_path, size=0)
