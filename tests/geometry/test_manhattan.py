import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from keras_mtl.datasets import rooms
from keras_mtl.geometry import manhattan_frame, rectify_normals

pytestmark = pytest.mark.one_backend

# The rotations of a cube, spelled out: signed permutations of the axes without a reflection.
SIGNED = [
    np.diag(signs)[list(order)]
    for order in itertools.permutations(range(3))
    for signs in itertools.product([1.0, -1.0], repeat=3)
]
CUBE = [matrix for matrix in SIGNED if np.linalg.det(matrix) > 0]
STRUCTURE = [rooms.CLASSES.index(name) for name in ("wall", "floor", "ceiling")]


def angle(first, second):
    """Degrees between two rotations, up to the cube's."""
    traces = [np.trace((matrix @ first).T @ second) for matrix in CUBE]
    return np.rad2deg(np.arccos(np.clip((max(traces) - 1) / 2, -1, 1)))


def error(first, second):
    """Degrees between normals."""
    return np.rad2deg(np.arccos(np.clip(np.sum(first * second, axis=-1), -1, 1)))


def tilt(normals, degrees, smooth, rng):
    """Normals tilted at random: each by itself, or all of a patch of `smooth` pixels alike."""
    noise = rng.standard_normal(normals.shape)
    if smooth:
        noise = gaussian_filter(noise, (0, smooth, smooth, 0))
        noise /= noise.std()
    noise -= np.sum(noise * normals, axis=-1, keepdims=True) * normals
    tilted = normals + np.deg2rad(degrees) * noise
    return tilted / np.linalg.norm(tilted, axis=-1, keepdims=True)


def random_rotation(rng):
    return Rotation.random(None, rng).as_matrix()


def is_rotation(frame):
    return np.allclose(frame @ frame.T, np.eye(3)) and np.linalg.det(frame) > 0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    cache_dir = tmp_path_factory.mktemp("rooms")
    return rooms.load("test", 64, 6, cache_dir=cache_dir, progress=False, workers=1)


def test_a_cube_has_24_rotations():
    assert len(CUBE) == 24


def test_normals_of_a_cube_are_met_exactly(rng):
    for _ in range(20):
        frame = random_rotation(rng)
        normals = (frame * rng.choice([-1, 1], (3, 1)))[rng.integers(0, 3, 500)]
        found = manhattan_frame(normals)
        assert is_rotation(found) and angle(found, frame) < 1e-4
        np.testing.assert_allclose(np.abs(normals @ found.T).max(axis=-1), 1)


def test_of_the_symmetric_frames_the_nearest_to_the_identity_is_returned(rng):
    frame = random_rotation(rng)
    found = manhattan_frame(np.concatenate([frame, -frame]))
    assert np.trace(found) == pytest.approx(max(np.trace(matrix @ frame) for matrix in CUBE))


@pytest.mark.parametrize("normal", [(0, 0, -1), (0.0, -0.8, -0.6), (0.3, -0.5, -0.9)])
def test_one_direction_is_an_axis_of_a_valid_frame(normal):
    found = manhattan_frame(np.full((5, 4, 3), normal))
    assert is_rotation(found)
    assert np.abs(found @ normal).max() == pytest.approx(np.linalg.norm(normal))


def test_two_directions_determine_the_third(rng):
    frame = random_rotation(rng)
    assert angle(manhattan_frame(np.repeat(frame[:2], [30, 5], axis=0)), frame) < 1e-4


def test_the_axes_are_those_of_walls_floors_and_ceilings(data):
    for normals, labels in zip(data["normals"], data["segmentation"], strict=True):
        normals = normals.astype("float64")
        structure = normals[np.isin(labels, STRUCTURE)]
        off = np.abs(structure @ manhattan_frame(normals).T).max(axis=-1)
        assert np.rad2deg(np.arccos(np.clip(off, -1, 1))).max() < 2


def test_a_turned_room_has_a_turned_frame(data, rng):
    for normals in data["normals"].astype("float64"):
        frame = manhattan_frame(normals)
        for _ in range(3):
            turn = random_rotation(rng)
            assert angle(manhattan_frame(normals @ turn.T), frame @ turn.T) < 0.1


@pytest.mark.parametrize("clutter", [0.3, 0.5])
def test_clutter_has_little_say(data, rng, clutter):
    for normals in data["normals"].astype("float64"):
        frame = manhattan_frame(normals)
        spoiled = rng.random(normals.shape[:2]) < clutter
        random = rng.standard_normal((spoiled.sum(), 3))
        cluttered = normals.copy()
        cluttered[spoiled] = random / np.linalg.norm(random, axis=-1, keepdims=True)
        assert angle(manhattan_frame(cluttered), frame) < 2


@pytest.mark.parametrize("degrees, smooth, gain", [(5, 0, 4), (10, 0, 8), (15, 0, 8), (10, 3, 6)])
def test_noisy_normals_gain(data, rng, degrees, smooth, gain):
    normals = data["normals"].astype("float64")
    noisy = tilt(normals, degrees, smooth, rng)
    before, after = error(noisy, normals), error(rectify_normals(noisy), normals)
    assert (after.mean(axis=(1, 2)) < before.mean(axis=(1, 2))).all()
    assert before.mean() - after.mean() > gain


def test_the_frame_is_the_same_each_time_and_of_each_precision(data):
    normals = data["normals"][0]
    first = manhattan_frame(normals)
    np.testing.assert_array_equal(manhattan_frame(normals), first)
    np.testing.assert_allclose(manhattan_frame(3 * normals.astype("float64")), first, atol=1e-5)


def test_mask_and_missing_normals_have_no_say(rng):
    frame, other = random_rotation(rng), random_rotation(rng)
    normals = np.concatenate([np.tile(frame, (3, 1)), np.tile(other, (9, 1))])
    mask = np.arange(36) < 9
    expected = manhattan_frame(normals[:9])
    np.testing.assert_allclose(manhattan_frame(normals, mask), expected, atol=1e-9)
    for missing in (0.0, np.nan):
        gone = np.where(mask[:, None], normals, missing)
        np.testing.assert_allclose(manhattan_frame(gone), expected, atol=1e-9)


def test_rectifying_turns_what_is_near_and_nothing_else(rng):
    frame = random_rotation(rng)
    turns = Rotation.from_rotvec(np.deg2rad([[0, 0, 19.9], [0, 0, 20.1], [0, -45, 0]]))
    normals = -(turns.as_matrix() @ [1.0, 0.0, 0.0]) @ frame
    result = rectify_normals(normals[None], frame, within=20.0)[0]
    np.testing.assert_allclose(result[0], -frame[0])
    np.testing.assert_array_equal(result[1:], normals[1:])


def test_rectifying_twice_is_rectifying_once(data, rng):
    noisy = tilt(data["normals"].astype("float64"), 10, 0, rng)
    once = rectify_normals(noisy)
    np.testing.assert_allclose(rectify_normals(once), once, atol=1e-6)
    frame = manhattan_frame(noisy[0])
    once = rectify_normals(noisy[0], frame)
    np.testing.assert_allclose(rectify_normals(once, frame), once, atol=1e-12)


def test_pixels_without_a_normal_stay(data):
    normals = data["normals"][:2].copy()
    normals[0, :20] = 0
    normals[0, 20:30] = np.nan
    normals[1] = 0
    result = rectify_normals(normals)
    np.testing.assert_array_equal(result[0, :30], normals[0, :30])
    np.testing.assert_array_equal(result[1], 0)
    np.testing.assert_allclose(np.linalg.norm(result[0, 30:], axis=-1), 1, atol=1e-5)


def test_a_batch_has_a_frame_a_picture(data):
    normals = data["normals"]
    result = rectify_normals(normals)
    assert result.dtype == np.float32 and result.shape == normals.shape
    frames = np.stack([manhattan_frame(picture) for picture in normals])
    np.testing.assert_array_equal(rectify_normals(normals, frames), result)
    for picture, frame, expected in zip(normals, frames, result, strict=True):
        np.testing.assert_array_equal(rectify_normals(picture), expected)
        np.testing.assert_array_equal(rectify_normals(picture, frame), expected)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"normals": np.ones((4, 2))}, r"normals.*\(4, 2\)"),
        ({"normals": np.zeros((4, 3))}, "normals.*none of 4"),
        ({"normals": np.full((4, 3), np.nan)}, "normals.*none of 4"),
        ({"normals": np.ones((4, 3)), "mask": np.zeros(4, bool)}, "normals.*none of 4"),
        ({"normals": np.ones((4, 3)), "mask": np.ones(3, bool)}, r"mask.*\(4,\).*\(3,\)"),
        ({"normals": np.ones((4, 3)), "within": 5}, "within.*5"),
        ({"normals": np.ones((4, 3)), "within": float("nan")}, "within.*nan"),
    ],
)
def test_bad_arguments_of_the_frame(arguments, message):
    with pytest.raises(ValueError, match=message):
        manhattan_frame(**arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"normals": np.ones((4, 3))}, r"normals.*\(4, 3\)"),
        ({"frame": np.eye(4)}, r"frame.*\(4, 4\)"),
        ({"frame": np.stack([np.eye(3)] * 2)}, r"frame.*\(2, 3, 3\)"),
        ({"frame": np.ones((3, 3))}, "frame.*orthogonal"),
        ({"within": 0}, "within.*0"),
    ],
)
def test_bad_arguments_of_rectifying(arguments, message):
    with pytest.raises(ValueError, match=message):
        rectify_normals(**{"normals": np.ones((2, 4, 3)), **arguments})
