import errno
import os
import warnings

import numpy as np
import pytest

from keras_mtl.datasets import ArrayBatches, rooms
from keras_mtl.datasets.rooms import cache as cache_module

pytestmark = pytest.mark.one_backend

SIZE = 40
DENSE = ("image", "segmentation", "normals", "depth", "instances", "focal")


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp("rooms"))


def load(cache_dir, split="train", num_images=24, **kwargs):
    kwargs = {"size": SIZE, "workers": 1, "progress": False, **kwargs}
    return rooms.load(split, num_images=num_images, cache_dir=str(cache_dir), **kwargs)


@pytest.fixture(scope="module")
def data(cache_dir):
    return load(cache_dir)


def assert_same(first, second, num_images=None):
    for name in DENSE:
        np.testing.assert_array_equal(first[name][:num_images], second[name][:num_images], name)
    for name in ("boxes", "attributes"):
        pairs = list(zip(first[name][:num_images], second[name][:num_images], strict=True))
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)


def test_vocabulary():
    assert rooms.NUM_CLASSES == len(rooms.CLASSES) == 17
    assert rooms.CLASSES[0] == "wall" and rooms.CLASSES[-1] == "pillow"
    assert rooms.VOID == 255
    assert len(set(rooms.ATTRIBUTES)) == 24


def test_shapes_and_types(data):
    expected = {
        "image": ((24, SIZE, SIZE, 3), np.uint8),
        "segmentation": ((24, SIZE, SIZE), np.uint8),
        "normals": ((24, SIZE, SIZE, 3), np.float32),
        "depth": ((24, SIZE, SIZE), np.float32),
        "instances": ((24, SIZE, SIZE), np.uint16),
        "focal": ((24,), np.float32),
    }
    for name, (shape, dtype) in expected.items():
        assert data[name].shape == shape and data[name].dtype == dtype
    assert set(data) == {*expected, "boxes", "attributes"}
    for boxes, attributes in zip(data["boxes"], data["attributes"], strict=True):
        assert boxes.shape == (len(boxes), 6) and boxes.dtype == np.int32
        assert attributes.shape == (len(boxes), 24) and attributes.dtype == bool


def test_rendering_is_deterministic(data, tmp_path):
    assert_same(data, load(tmp_path))


def test_pictures_do_not_depend_on_their_number(data, tmp_path):
    assert_same(load(tmp_path, num_images=3), data, 3)


def test_splits_and_seeds_differ(data, tmp_path):
    pictures = [data["image"]]
    pictures.append(load(tmp_path, "validation", 8)["image"])
    pictures.append(load(tmp_path, "test", 8)["image"])
    pictures.append(load(tmp_path, num_images=8, seed=1)["image"])
    flat = np.concatenate(pictures).reshape(48, -1)
    assert len(np.unique(flat, axis=0)) == 48


def test_antialiasing_changes_colours_and_not_the_scene(data, tmp_path):
    # With three rays an axis the middle one goes through the pixel's centre, as a single one.
    fine = load(tmp_path, num_images=2, antialias=3)
    for name in ("segmentation", "instances", "focal"):
        np.testing.assert_array_equal(fine[name], data[name][:2])
    np.testing.assert_allclose(fine["depth"], data["depth"][:2], rtol=1e-4)
    assert (fine["image"] != data["image"][:2]).any()


def test_pictures_are_well_exposed(data):
    brightness = data["image"].mean((1, 2, 3))
    assert brightness.min() > 40 and brightness.max() < 235
    assert data["image"].std((1, 2, 3)).min() > 10


def test_labels_are_in_range(data):
    labels = np.unique(data["segmentation"])
    assert ((labels < 17) | (labels == rooms.VOID)).all()
    shares = np.bincount(data["segmentation"].ravel(), minlength=256) / data["depth"].size
    assert 0.25 < shares[0] < 0.6 and shares[rooms.VOID] < 0.01
    assert np.isfinite(data["depth"]).all() and data["depth"].min() > 0
    assert data["depth"].max() < 10  # The longest diagonal of the largest room.


def back_project(data):
    """(N, H, W, 3) points in the camera's frame."""
    offsets = np.arange(SIZE) + 0.5 - SIZE / 2
    focal = data["focal"].astype(float)[:, None, None]
    x, y = np.broadcast_arrays(offsets[None, None, :], offsets[None, :, None])
    rays = np.stack((x / focal, y / focal, np.ones((24, SIZE, SIZE))), -1)
    return rays * data["depth"][..., None].astype(float)


def test_normals_are_unit_and_face_the_camera(data):
    np.testing.assert_allclose(np.linalg.norm(data["normals"], axis=-1), 1, atol=1e-5)
    points = back_project(data)
    rays = points / np.linalg.norm(points, axis=-1, keepdims=True)
    assert (data["normals"] * rays).sum(-1).max() < 1e-5
    # y points down: the floor's normals point up, the ceiling's down.
    down = data["normals"][..., 1]
    assert (down[data["segmentation"] == rooms.CLASSES.index("floor")] < -0.5).all()
    assert (down[data["segmentation"] == rooms.CLASSES.index("ceiling")] > 0.5).all()


def test_normals_are_the_slopes_of_the_depth(data):
    # Where a pixel and its right and lower neighbours lie on one face of something convex.
    names = ("wall", "floor", "ceiling", "rug", "picture", "window", "door", "box")
    convex = np.isin(data["segmentation"], [rooms.CLASSES.index(name) for name in names])
    same = convex[:, :-1, :-1].copy()
    normals = data["normals"].astype(float)
    here = normals[:, :-1, :-1]
    points = back_project(data)
    steps = []
    for near in (np.s_[:, :-1, 1:], np.s_[:, 1:, :-1]):
        same &= data["instances"][near] == data["instances"][:, :-1, :-1]
        same &= data["segmentation"][near] == data["segmentation"][:, :-1, :-1]
        same &= (normals[near] * here).sum(-1) > 1 - 1e-9
        steps.append(points[near] - points[:, :-1, :-1])
    from_depth = np.cross(steps[1], steps[0])
    from_depth /= np.linalg.norm(from_depth, axis=-1, keepdims=True)
    cosine = (from_depth * here).sum(-1)[same]
    assert same.mean() > 0.5
    assert np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max() < 1


def test_boxes_enclose_their_instances_exactly(data):
    assert sum(map(len, data["boxes"])) > 60
    for image in range(24):
        instances, boxes = data["instances"][image], data["boxes"][image]
        assert set(np.unique(instances)) - {0} == set(range(1, len(boxes) + 1))
        for x1, y1, x2, y2, class_id, instance in boxes:
            rows, columns = np.nonzero(instances == instance)
            found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert found == (x1, y1, x2, y2)
            assert (data["segmentation"][image][rows, columns] == class_id).all()
            assert class_id >= 3
        labels = data["segmentation"][image][instances == 0]
        assert ((labels < 3) | (labels == rooms.VOID)).all()


def test_attributes_agree_with_what_is_visible(data):
    index = {name: number for number, name in enumerate(rooms.ATTRIBUTES)}
    shapes = {"ball": "round", "vase": "cylindrical", "lamp": "cylindrical", "sofa": "boxy"}
    for image in range(24):
        rows = zip(data["boxes"][image], data["attributes"][image], strict=True)
        for (x1, y1, x2, y2, class_id, instance), attributes in rows:
            mask = data["instances"][image] == instance
            assert attributes[:10].sum() == attributes[10:16].sum() == 1
            assert attributes[16:19].sum() == 1
            name = rooms.CLASSES[class_id]
            assert name not in shapes or attributes[index[shapes[name]]]
            assert name != "window" or attributes[index["white"]]
            assert not (attributes[index["small"]] and attributes[index["large"]])
            at_border = min(x1, y1) == 0 or max(x2, y2) == SIZE
            assert attributes[index["truncated"]] == at_border
            assert attributes[index["near"]] == (data["depth"][image][mask].mean() < 2)


def test_colour_attributes_are_the_colours_in_the_picture(data):
    agree = []
    for image in range(24):
        rows = zip(data["boxes"][image], data["attributes"][image], strict=True)
        for (*_, class_id, instance), attributes in rows:
            color = rooms.ATTRIBUTES[attributes[:10].argmax()]
            # Beds and lamps have parts in other colours.
            if color in ("red", "green", "blue") and rooms.CLASSES[class_id] not in ("bed", "lamp"):
                mean = data["image"][image][data["instances"][image] == instance].mean(0)
                agree.append(("red", "green", "blue")[mean.argmax()] == color)
    assert len(agree) > 10 and np.mean(agree) > 0.9


def test_a_cache_hit_equals_the_rendering(data, cache_dir, monkeypatch):
    forbid_rendering(monkeypatch)
    assert len(os.listdir(cache_dir)) == 1
    assert_same(data, load(cache_dir))
    assert_same(load(cache_dir, num_images=5), data, 5)


def forbid_rendering(monkeypatch):
    def fail(*args):
        raise AssertionError("rendered")

    monkeypatch.setitem(rooms.load.__globals__, "render_all", fail)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "renamed"])
def test_a_damaged_cache_is_rendered_anew(tmp_path, damage):
    good = load(tmp_path, num_images=2)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 4
    elif damage == "truncated":
        content = content[: len(content) * 2 // 3]
    elif damage == "empty":
        content = b""
    if damage == "renamed":
        # A whole file, but of another seed.
        load(tmp_path, num_images=2, seed=5)
        os.replace(next(p for p in tmp_path.iterdir() if "seed5" in p.name), path)
    else:
        path.write_bytes(content)
    with pytest.warns(UserWarning, match=path.name):
        again = load(tmp_path, num_images=2)
    assert_same(good, again)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(good, load(tmp_path, num_images=2))


@pytest.mark.parametrize("error", [OSError(errno.EIO, "EIO"), OSError(errno.EMFILE, "EMFILE")])
def test_a_cache_that_cannot_be_read_stays(tmp_path, monkeypatch, error):
    good = load(tmp_path, num_images=2)
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        fail_to_read(patch, error)
        # What cannot be read may not be written either: the file of before stands.
        patch.setitem(rooms.load.__globals__, "write_cache", lambda *_: None)
        with pytest.warns(UserWarning, match=f"{path.name} cannot be read .*{error.strerror}"):
            assert_same(good, load(tmp_path, num_images=2))
    forbid_rendering(monkeypatch)
    assert path.read_bytes() == before
    assert_same(good, load(tmp_path, num_images=2))


def test_a_cache_for_which_memory_is_short_stays(tmp_path, monkeypatch):
    good = load(tmp_path, num_images=2)
    forbid_rendering(monkeypatch)
    with monkeypatch.context() as patch:
        fail_to_read(patch, MemoryError())
        with pytest.raises(MemoryError):
            load(tmp_path, num_images=2)
    assert_same(good, load(tmp_path, num_images=2))


def fail_to_read(monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(cache_module.np.lib.format, "read_array", fail)


def test_an_interrupted_rendering_leaves_nothing(tmp_path, monkeypatch):
    render_all = rooms.load.__globals__["render_all"]

    def interrupted(*args):
        yield next(render_all(*args))
        raise KeyboardInterrupt

    monkeypatch.setitem(rooms.load.__globals__, "render_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, num_images=2)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    write_array = np.lib.format.write_array

    def interrupted(file, array, **kwargs):
        if array.ndim == 3:
            raise KeyboardInterrupt
        write_array(file, array, **kwargs)

    monkeypatch.setattr(cache_module.np.lib.format, "write_array", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, num_images=2)
    assert not list(tmp_path.iterdir())


def test_a_cache_that_cannot_be_written_is_only_a_warning(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.warns(UserWarning, match="could not be kept"):
        assert len(load(blocked, num_images=1)["image"]) == 1


def test_default_cache_is_in_keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    rooms.load(size=32, num_images=1, progress=False)
    assert len(list((tmp_path / "keras_mtl" / "rooms").iterdir())) == 1
    monkeypatch.delenv("KERAS_HOME")
    assert cache_module.default_cache_dir().endswith(os.path.join(".keras", "keras_mtl", "rooms"))


def test_progress_is_shown(tmp_path, capsys):
    load(tmp_path, num_images=2, progress=True)
    assert "2/2" in capsys.readouterr().out


def test_batches(data, cache_dir):
    batches = load(cache_dir, as_arrays=False, batch_size=10, tasks=("depth", "segmentation"))
    assert isinstance(batches, ArrayBatches) and len(batches) == 3
    images, targets = batches[0]
    rows = batches.order()[:10]
    assert rows.tolist() != list(range(10))
    np.testing.assert_array_equal(images, data["image"][rows])
    assert images.dtype == np.float32
    assert list(targets) == ["depth", "segmentation"]
    np.testing.assert_array_equal(targets["depth"], data["depth"][rows])
    np.testing.assert_array_equal(targets["segmentation"], data["segmentation"][rows])


def test_only_the_training_split_is_shuffled(tmp_path):
    batches = load(tmp_path, "validation", 8, as_arrays=False)
    assert batches.order().tolist() == list(range(8))


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"split": "dev"}, r"`split`.*train.*split='dev'"),
        ({"size": 16}, r"`size`.*32.*size=16"),
        ({"size": 64.0}, r"`size`.*size=64.0"),
        ({"num_images": 0}, r"`num_images`.*>= 1.*num_images=0"),
        ({"num_images": True}, r"`num_images`.*num_images=True"),
        ({"seed": -1}, r"`seed`.*seed=-1"),
        ({"antialias": 0}, r"`antialias`.*antialias=0"),
        ({"workers": 0}, r"`workers`.*workers=0"),
        ({"batch_size": 0}, r"`batch_size`.*batch_size=0"),
        ({"tasks": ("edges",)}, r"`tasks`.*segmentation.*edges"),
        ({"tasks": ()}, r"`tasks`"),
    ],
)
def test_bad_arguments(tmp_path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        load(tmp_path, **{"num_images": 1, **kwargs})
    assert not list(tmp_path.iterdir())
