"""Edges and keypoints of drawn images: where they are, and nowhere else."""

import numpy as np
import pytest

from keras_mtl.datasets import edge_map, keypoint_map

pytestmark = pytest.mark.one_backend

MAPS = [edge_map, keypoint_map]


def grey(luminance):
    """uint8 (1, H, W, 3) of a map from 0 to 255."""
    return np.repeat(np.asarray(luminance, "uint8")[None, ..., None], 3, axis=-1)


def square():
    """White on black, its sides along the pixels 16 and 47."""
    image = np.zeros((64, 64))
    image[16:48, 16:48] = 255
    return grey(image)


@pytest.mark.parametrize("sigma", [0.3, 1, 2.5])
@pytest.mark.parametrize("axis", [0, 1])
def test_an_edge_is_where_it_is_and_nowhere_else(axis, sigma):
    image = np.zeros((60, 48))
    (image.T if axis else image)[20:] = 255
    edges = np.moveaxis(edge_map(grey(image), sigma)[0], axis, 0)
    assert edges.dtype == np.float32
    np.testing.assert_allclose(edges, edges[:, :1] + np.zeros_like(edges), atol=1e-6)
    np.testing.assert_allclose(edges[19:21], 1, rtol=1e-5)  # between pixels 19 and 20
    across = edges[:, 0]
    assert (np.diff(across[:20]) >= 0).all() and (np.diff(across[20:]) <= 0).all()
    reach = int(4 * sigma) + 2
    np.testing.assert_allclose(across[: 20 - reach], 0, atol=1e-6)
    np.testing.assert_allclose(across[20 + reach :], 0, atol=1e-6)


def test_a_ramp_has_its_slope_everywhere():
    """3 grey levels a pixel to the right and 4 down are 5 along the steepest way."""
    y, x = np.mgrid[:32, :40]
    found = edge_map(grey(3 * x + 4 * y), sigma=1.5)[0]
    # What a step of height 1 has at its steepest place, from the samples of the Gaussian.
    k = np.arange(-6, 7)
    gaussian = np.exp(-(k**2) / (2 * 1.5**2))
    steepest = (k * gaussian)[k > 0].sum() / gaussian.sum() / 1.5**2
    np.testing.assert_allclose(found[7:-7, 7:-7], 5 / 255 / steepest, rtol=0.01)


def test_edges_go_with_the_contrast_and_its_sign_does_not_matter():
    image = np.zeros((20, 20))
    image[:, 10:] = 200
    whole, half, inverse = (edge_map(grey(x)) for x in (image, image / 2, 200 - image))
    np.testing.assert_allclose(half, whole / 2, atol=1e-6)
    np.testing.assert_allclose(inverse, whole, atol=1e-6)
    assert whole.max() == pytest.approx(200 / 255, rel=1e-5)


def test_the_corners_of_a_square_and_not_its_sides():
    keypoints, edges = keypoint_map(square())[0], edge_map(square())[0]
    for rows in (slice(None, None), slice(None, None, -1)):
        for columns in (slice(None, None), slice(None, None, -1)):
            # A quarter of the image, seen from its own corner.
            quarter, edge = (each[rows, columns][:32, :32] for each in (keypoints, edges))
            place = np.unravel_index(quarter.argmax(), quarter.shape)
            assert np.abs(np.subtract(place, 16)).max() <= 1
            assert quarter.max() == pytest.approx(keypoints.max(), rel=1e-5)
            # Along the sides there are edges, and nothing but the corners' windows.
            assert edge[16, 31] > 0.99 and edge[31, 16] > 0.99
            assert max(quarter[16, 31], quarter[31, 16]) < 1e-3
            assert max(quarter[:4].max(), quarter[31, 31]) < 1e-3
    assert keypoints.max() > 0.5


def test_straight_edges_at_any_angle_are_no_keypoints():
    y, x = np.mgrid[:40, :40] - 20
    for angle in np.deg2rad([0, 30, 45, 77, 90]):
        across = np.cos(angle) * x + np.sin(angle) * y
        image = grey(255 / (1 + np.exp(-2 * across)))
        assert edge_map(image).max() > 0.5
        assert keypoint_map(image)[0, 8:-8, 8:-8].max() < 0.02


@pytest.mark.parametrize("function", MAPS)
def test_a_constant_image_gives_zeros(function):
    image = np.broadcast_to(np.array([200, 30, 90], "uint8"), (1, 12, 9, 3))
    np.testing.assert_allclose(function(image), 0, atol=1e-6)


@pytest.mark.parametrize("function", MAPS)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_batches_are_their_images_and_stay_within_bounds(rng, function, sigma):
    images = rng.integers(0, 256, (3, 17, 22, 3)).astype("uint8")
    images[1] = 255 * (images[1] > 127)
    maps = function(images, sigma)
    assert maps.shape == (3, 17, 22) and maps.dtype == np.float32
    assert maps.min() >= 0 and maps.max() <= 1 and maps.std() > 0.001
    for image, of_image in zip(images, maps, strict=True):
        np.testing.assert_array_equal(function(image[None], sigma)[0], of_image)
    assert function(images[:0]).shape == (0, 17, 22)


@pytest.mark.parametrize("function", MAPS)
def test_a_mirrored_image_has_the_mirrored_map(rng, function):
    images = rng.integers(0, 256, (2, 15, 14, 3)).astype("uint8")
    np.testing.assert_allclose(
        function(images[:, :, ::-1]), function(images)[:, :, ::-1], atol=1e-6
    )


@pytest.mark.parametrize("function", MAPS)
def test_refuses(function):
    image = square()
    for wrong in (image / 255, image[0], image[..., :1], image.astype("int32")):
        with pytest.raises(ValueError, match="`images` must be a uint8 array .* Received"):
            function(wrong)
    for sigma in (0, -1, 0.2, np.inf, np.nan):
        with pytest.raises(ValueError, match="`sigma` must be at least 0.3 pixels. Received"):
            function(image, sigma)
