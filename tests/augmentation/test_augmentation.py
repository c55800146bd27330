import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip, RandomResizedCrop
from keras_mtl.datasets import ArrayBatches, rooms

pytestmark = pytest.mark.one_backend

ALL = [RandomHorizontalFlip(), RandomResizedCrop(0.4), ColorJitter(0.3, 0.3, 0.3)]
sizes = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))
seeds = st.integers(0, 2**32)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def make(shape=(4, 6, 8), seed=0):
    """A batch that cannot be written to; some pixels have no normal."""
    rng = np.random.default_rng(seed)
    normals = unit(rng.standard_normal((*shape, 3))).astype("float32")
    normals[rng.random(shape) < 0.2] = 0
    images = rng.integers(0, 256, (*shape, 3), dtype="uint8")
    targets = {
        "segmentation": rng.integers(0, 17, shape, dtype="uint8"),
        "normals": normals,
        "depth": rng.uniform(1, 9, shape).astype("float32"),
        "flow": rng.standard_normal((*shape, 2)),
    }
    for array in (images, *targets.values()):
        array.flags.writeable = False
    return images, targets


def rays(height, width, focal):
    """Directions (H, W, 3) that the pixels look in, with z = 1."""
    v, u = np.mgrid[:height, :width] + 0.5
    return np.stack([(u - width / 2) / focal, (v - height / 2) / focal, np.ones_like(u)], axis=-1)


def normals_from_depth(depth, focal):
    """Normals (H - 1, W - 1, 3), facing the camera, from differences of neighbouring points."""
    points = depth[..., None] * rays(*depth.shape, focal)
    right, down = points[:-1, 1:] - points[:-1, :-1], points[1:, :-1] - points[:-1, :-1]
    return unit(np.cross(down, right))


@pytest.mark.parametrize("augment", [*ALL, Compose(ALL)], ids=lambda one: type(one).__name__)
def test_types_shapes_and_reproducibility(augment):
    images, targets = make()
    first, second = (augment(images, targets, np.random.default_rng(1)) for _ in range(2))
    other, _ = augment(images, targets, np.random.default_rng(3))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[0].dtype == np.uint8 and first[0].shape == images.shape
    assert (other != first[0]).any()
    assert first[1].keys() == targets.keys()
    for name, values in first[1].items():
        assert values.dtype == targets[name].dtype and values.shape == targets[name].shape
        np.testing.assert_array_equal(values, second[1][name])


@given(sizes, seeds)
@settings(deadline=None, max_examples=30)
def test_mirroring_twice_is_the_identity(shape, seed):
    flip, rng = RandomHorizontalFlip(1.0), np.random.default_rng(seed)
    images, targets = make(shape, seed)
    twice, targets_twice = flip(*flip(images, targets, rng), rng)
    np.testing.assert_array_equal(twice, images)
    for name, values in targets.items():
        np.testing.assert_array_equal(targets_twice[name], values)


def test_everything_moves_with_its_pixel():
    images, targets = make()
    flipped, flipped_targets = RandomHorizontalFlip(1.0)(images, targets, np.random.default_rng(0))
    for column in range(8):
        np.testing.assert_array_equal(flipped[:, :, column], images[:, :, 7 - column])
        for name, sign in (("segmentation", 1), ("depth", 1), ("normals", [-1, 1, 1])):
            there = flipped_targets[name][:, :, column]
            np.testing.assert_array_equal(there, targets[name][:, :, 7 - column] * np.array(sign))
    # Not even -0.0, which would show as a difference of bytes.
    zeros = flipped_targets["normals"] == 0
    assert zeros.any() and not np.signbit(flipped_targets["normals"][zeros]).any()


def test_a_mirrored_plane_has_the_normals_of_its_mirrored_depth():
    height, width, focal = 6, 8, 7.0
    normal, distance = unit(np.array([0.5, -0.3, -0.8])), -4.0
    depth = distance / (rays(height, width, focal) @ normal)
    np.testing.assert_allclose(
        normals_from_depth(depth, focal), np.broadcast_to(normal, (5, 7, 3)), atol=1e-9
    )
    targets = {"normals": np.full((1, height, width, 3), normal), "depth": depth[None]}
    images = np.zeros((1, height, width, 3))
    _, targets = RandomHorizontalFlip(1.0)(images, targets, np.random.default_rng(0))
    expected = normals_from_depth(targets["depth"][0], focal)
    np.testing.assert_allclose(targets["normals"][0, :-1, :-1], expected, atol=1e-9)


def test_chance_of_a_mirrored_picture():
    images, targets = make((400, 1, 2))
    flipped, _ = RandomHorizontalFlip(0.25)(images, targets, np.random.default_rng(0))
    assert 60 < (flipped != images).any(axis=(1, 2, 3)).sum() < 140
    untouched, _ = RandomHorizontalFlip(0.0)(images, targets, np.random.default_rng(0))
    np.testing.assert_array_equal(untouched, images)


def test_normals_go_by_their_names():
    images, targets = make()
    rng = np.random.default_rng(0)
    colours = 100 * targets["normals"]
    maps = {"surface": targets["normals"], "colours": colours}
    flip = RandomHorizontalFlip(1.0, normals="surface")
    _, flipped = flip(images, maps, rng)
    np.testing.assert_array_equal(flipped["colours"], colours[:, :, ::-1])
    with pytest.raises(ValueError, match=r"`normals` must name all .* in `targets\['normals'\]`"):
        flip(images, targets, rng)
    np.testing.assert_array_equal(
        flipped["surface"], targets["normals"][:, :, ::-1] * np.array([-1, 1, 1])
    )


@given(sizes, seeds, st.floats(0.05, 1))
@settings(deadline=None, max_examples=30)
def test_a_crop_keeps_labels_and_unit_normals(shape, seed, smallest):
    images, targets = make(shape, seed)
    crop = RandomResizedCrop(smallest)
    cropped, cropped_targets = crop(images, targets, np.random.default_rng(seed))
    for before, after in zip(images, cropped, strict=True):
        assert before.min() <= after.min() and after.max() <= before.max()
    for name, values in cropped_targets.items():
        for before, after in zip(targets[name], values, strict=True):
            vectors = {tuple(np.ravel(one)) for row in before for one in row}
            assert {tuple(np.ravel(one)) for row in after for one in row} <= vectors


@given(sizes, seeds, st.floats(0.05, 1))
@settings(deadline=None, max_examples=30)
def test_a_crop_takes_all_tasks_from_the_same_place(shape, seed, smallest):
    num_images, height, width = shape
    row, column = np.broadcast_arrays(*np.ogrid[:height, :width])
    place = np.broadcast_to(np.stack([row, column], axis=-1), (*shape, 2))
    # A picture whose colours are its coordinates: interpolated linearly, they stay so.
    images = np.concatenate([place, np.zeros((*shape, 1))], axis=-1)
    targets = {
        "place": place.astype("int32"),
        "row": place[..., 0].astype("float32"),
        "column": place[..., 1].astype("uint8"),
    }
    crop = RandomResizedCrop(smallest)
    images, targets = crop(images, targets, np.random.default_rng(seed))
    np.testing.assert_array_equal(targets["place"][..., 0], targets["row"])
    np.testing.assert_array_equal(targets["place"][..., 1], targets["column"])
    np.testing.assert_allclose(images[..., :2], targets["place"], atol=0.5 + 1e-9)
    # The same enlargement throughout, but for the border that has no neighbour.
    for axis, size in ((1, height), (2, width)):
        steps = np.diff(images[..., axis - 1], axis=axis)
        assert (steps > -1e-9).all() and (steps < 1 + 1e-9).all()
        if size > 2 / smallest + 1:
            assert (steps.max(axis=axis) > smallest - 1e-9).all()


def test_a_crop_keeps_proportions_and_covers_the_picture():
    height, width = 20, 40
    row, column = np.broadcast_arrays(*np.ogrid[:height, :width])
    images = np.stack([row, column, row], axis=-1).astype("float64")
    images = np.broadcast_to(images, (300, height, width, 3))
    cropped, _ = RandomResizedCrop(0.5)(images, {}, np.random.default_rng(0))
    down = np.diff(cropped[:, :, 20, 0], axis=1).max(axis=1)
    across = np.diff(cropped[:, 10, :, 1], axis=1).max(axis=1)
    np.testing.assert_allclose(down, across)
    assert 0.5 <= down.min() < 0.55 and 0.95 < down.max() <= 1
    assert cropped[:, 0, 0, 0].min() == 0 and cropped[:, -1, -1, 0].max() > height - 1.5
    assert cropped[:, 0, 0, 1].min() == 0 and cropped[:, -1, -1, 1].max() > width - 2


def test_a_whole_crop_is_the_identity():
    images, targets = make()
    cropped, cropped_targets = RandomResizedCrop(1.0)(images, targets, np.random.default_rng(0))
    np.testing.assert_array_equal(cropped, images)
    for name, values in targets.items():
        np.testing.assert_array_equal(cropped_targets[name], values)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_colors_stay_in_range_and_leave_targets_alone(dtype):
    images, targets = make()
    images = images.astype(dtype)
    changed, same = ColorJitter(1.0, 1.0, 1.0)(images, targets, np.random.default_rng(0))
    assert changed.dtype == dtype and changed.min() >= 0 and changed.max() <= 255
    assert all(same[name] is values for name, values in targets.items())
    changed, _ = ColorJitter(0.0, 0.0, 0.0)(images, targets, np.random.default_rng(0))
    np.testing.assert_allclose(changed, images, atol=0 if dtype == "uint8" else 1e-3)


def test_what_each_change_of_color_keeps():
    rng = np.random.default_rng(0)
    # In the middle, where nothing is clipped.
    images = rng.uniform(110, 140, (5, 6, 7, 3))
    luma = np.array([0.299, 0.587, 0.114])
    ratio = ColorJitter(0.3, 0, 0)(images, {}, rng)[0] / images
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1, :1], ratio.shape), 1e-5)
    assert len(np.unique(ratio[:, 0, 0, 0].round(4))) == 5 and (np.abs(ratio - 1) <= 0.3).all()
    contrast = ColorJitter(0, 0.5, 0)(images, {}, rng)[0]
    np.testing.assert_allclose(
        (contrast @ luma).mean(axis=(1, 2)), (images @ luma).mean(axis=(1, 2)), 1e-5
    )
    saturation = ColorJitter(0, 0, 0.5)(images, {}, rng)[0]
    np.testing.assert_allclose(saturation @ luma, images @ luma, 1e-5)
    for changed in (contrast, saturation):
        assert (np.abs(changed - images) > 1e-2).any(axis=(1, 2, 3)).all()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    cache_dir = tmp_path_factory.mktemp("rooms")
    return rooms.load("train", 32, 4, cache_dir=cache_dir, progress=False, workers=1)


def test_a_mirrored_room_has_the_normals_of_its_mirrored_depth(data):
    targets = {name: data[name] for name in ("normals", "depth")}
    _, targets = RandomHorizontalFlip(1.0)(data["image"], targets, np.random.default_rng(0))
    for normals, depth, focal in zip(*targets.values(), data["focal"], strict=True):
        cosine = np.sum(normals_from_depth(depth, focal) * normals[:-1, :-1], axis=-1)
        # All but edges and what is round.
        assert np.median(cosine) > 0.999


def test_rooms_from_end_to_end(data):
    names = ("segmentation", "normals", "depth")
    kwargs = {"targets": {name: data[name] for name in names}, "batch_size": 3, "seed": 5}
    batches = ArrayBatches(data["image"], augment=Compose(ALL), **kwargs)
    plain = ArrayBatches(data["image"], **kwargs)
    for index in range(len(plain)):
        images, targets = batches[index]
        plain_images, plain_targets = plain[index]
        assert images.dtype == np.float32 and images.shape == plain_images.shape
        assert (images != plain_images).any() and 0 <= images.min() <= images.max() <= 255
        for name in names:
            assert targets[name].dtype == plain_targets[name].dtype
        assert set(np.unique(targets["segmentation"])) <= set(
            np.unique(plain_targets["segmentation"])
        )
        np.testing.assert_allclose(np.linalg.norm(targets["normals"], axis=-1), 1, atol=1e-4)
    resumed = ArrayBatches(data["image"], augment=Compose(ALL), epoch=0, **kwargs)
    for one, other in zip(batches[1][1].values(), resumed[1][1].values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "make_one, message",
    [
        (lambda: RandomHorizontalFlip(1.5), "probability.*1.5"),
        (lambda: RandomHorizontalFlip(float("nan")), "probability.*nan"),
        (lambda: RandomResizedCrop(0), "smallest.*0"),
        (lambda: RandomResizedCrop(1.2), "smallest.*1.2"),
        (lambda: ColorJitter(brightness=-0.1), "brightness.*-0.1"),
        (lambda: ColorJitter(contrast=2), "contrast.*2"),
        (lambda: ColorJitter(saturation=2), "saturation.*2"),
        (lambda: Compose([ColorJitter(), "flip"]), "augmentations.*'flip'"),
    ],
)
def test_bad_arguments(make_one, message):
    with pytest.raises(ValueError, match=message):
        make_one()


@pytest.mark.parametrize("augment", ALL[:2], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("shape", [(4,), (4, 6), (4, 3, 8), (4, 6, 4, 3), (4, 6, 8, 3, 1)])
def test_targets_that_are_no_maps_of_the_pixels(augment, shape):
    images, _ = make()
    with pytest.raises(ValueError, match=r"targets\['label'\].*Received"):
        augment(images, {"label": np.zeros(shape)}, np.random.default_rng(0))


@pytest.mark.parametrize("augment", ALL, ids=lambda one: type(one).__name__)
def test_images_without_colors(augment):
    with pytest.raises(ValueError, match=r"images.*\(4, 6, 8\)"):
        augment(np.zeros((4, 6, 8)), {}, np.random.default_rng(0))


@pytest.mark.parametrize("normals", [np.zeros((4, 6, 8)), np.zeros((4, 6, 8, 3), "uint8")])
def test_normals_that_are_none(normals):
    images, _ = make()
    with pytest.raises(ValueError, match=r"targets\['normals'\].*normals"):
        RandomHorizontalFlip()(images, {"normals": normals}, np.random.default_rng(0))
