"""Crops of objects: the right pixels, in the right size, in the right order."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from keras_mtl.datasets import object_crops

pytestmark = pytest.mark.one_backend


def pictures(rng, count=1, height=40, width=56):
    return rng.integers(0, 256, (count, height, width, 3)).astype("uint8")


def crop(image, box, **options):
    return object_crops(image[None], [np.array([box])], **options)[0]


def close(found, expected):
    """Equal but for how a half is rounded."""
    np.testing.assert_allclose(found.astype(float), expected, atol=0.51)


# Which pixels


def test_a_square_of_the_size_asked_for_is_the_picture_itself(rng):
    (image,) = pictures(rng)
    found = crop(image, [7, 4, 31, 28], size=24, margin=0)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, image[4:28, 7:31])


@pytest.mark.parametrize("box", [[20, 12, 28, 28], [16, 16, 32, 24]])
def test_the_shorter_side_grows_about_the_centre(rng, box):
    (image,) = pictures(rng)
    np.testing.assert_array_equal(crop(image, box, size=16, margin=0), image[12:28, 16:32])


def test_the_margin_is_a_fraction_of_the_box_on_each_side(rng):
    (image,) = pictures(rng)
    found = crop(image, [14, 10, 34, 22], size=28, margin=0.2)  # 20 wide, and 4 on each side
    np.testing.assert_array_equal(found, image[2:30, 10:38])


def test_the_border_goes_on_beyond_the_picture(rng):
    (image,) = pictures(rng)
    padded = np.pad(image, ((9, 9), (9, 9), (0, 0)), mode="edge")
    found = crop(image, [0, 30, 12, 40], size=18, margin=0.25)  # x -3..15, y 26..44
    np.testing.assert_array_equal(found, padded[35:53, 6:24])


def test_what_sticks_out_of_the_picture_is_cut_off(rng):
    (image,) = pictures(rng)
    np.testing.assert_array_equal(
        crop(image, [-20, 10, 16, 200]), crop(image, [0, 10, 16, 40]), strict=True
    )


# Resizing


@pytest.mark.parametrize("size", [16, 23, 50])
def test_enlarges_bilinearly(rng, size):
    (image,) = pictures(rng)
    x, y, side = 36.5, 2.25, 16.0
    found = crop(image, [x, y, x + side, y + side], size=size, margin=0)
    places = (np.arange(size) + 0.5) * side / size - 0.5
    grid = np.meshgrid(y + places, x + places, indexing="ij")
    channels = np.moveaxis(image.astype(float), -1, 0)
    expected = [map_coordinates(channel, grid, order=1, mode="nearest") for channel in channels]
    close(found, np.stack(expected, axis=-1))


def test_shrinks_to_weighted_averages(rng):
    (image,) = pictures(rng)
    padded = np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
    # To half the size: the triangle of reach 2 at the pixels .5 and 1.5 from the place.
    taps = np.array([1, 3, 3, 1]) / 8
    rows = sum(tap * padded[k : k + 40 : 2] for k, tap in enumerate(taps))[:20]
    expected = sum(tap * rows[:, k : k + 40 : 2] for k, tap in enumerate(taps))[:, :20]
    found = crop(image, [0, 0, 40, 40], size=20, margin=0)
    close(found[:, :-1], expected[:, :-1])


def test_fine_patterns_turn_grey():
    board = 255 * (np.indices((64, 64)).sum(axis=0) % 2).astype("uint8")
    found = crop(np.repeat(board[..., None], 3, axis=-1), [0, 0, 64, 64], size=16, margin=0)
    assert np.abs(found[1:-1, 1:-1].astype(int) - 127.5).max() <= 1


def test_one_colour_stays_itself():
    image = np.broadcast_to(np.array([255, 0, 77], "uint8"), (30, 70, 3))
    for box in ([0, 0, 70, 30], [69, 29, 70, 30], [3.2, 5.7, 41.1, 9.9]):
        np.testing.assert_array_equal(crop(image, box, size=9), np.full((9, 9, 3), image[0, 0]))


def test_a_mirrored_picture_has_the_mirrored_crop(rng):
    (image,) = pictures(rng)
    found = crop(image[:, ::-1], [56 - 41, 5, 56 - 11, 30], size=13)
    close(found, crop(image, [11, 5, 41, 30], size=13)[:, ::-1].astype(float))


# Many


def test_boxes_in_their_order_and_further_columns_ignored(rng):
    images = pictures(rng, 3)
    boxes = [
        np.array([[3, 4, 20, 30, 7, 1], [10, 2, 50, 12, 1, 2]], "int32"),
        np.zeros((0, 6), "int32"),
        np.array([[0, 0, 56, 40, 3, 5]], "int32"),
    ]
    found = object_crops(images, boxes, size=8)
    assert found.shape == (3, 8, 8, 3)
    alone = [crop(images[n], box[:4], size=8) for n in (0, 2) for box in boxes[n]]
    np.testing.assert_array_equal(found, alone)


def test_pictures_of_several_sizes_and_none(rng):
    images = [*pictures(rng), *pictures(rng, height=9, width=21)]
    found = object_crops(images, [[[1, 2, 9, 9]], []], size=5)
    np.testing.assert_array_equal(found[0], crop(images[0], [1, 2, 9, 9], size=5))
    assert object_crops(images, [[], []]).shape == (0, 32, 32, 3)
    assert object_crops([], [], 6).shape == (0, 6, 6, 3)


# Errors


@pytest.mark.parametrize(
    "box, message",
    [
        ([5, 5, 5, 9], r"`boxes\[1\]` must have x2 > x1 .* \[5.0, 5.0, 5.0, 9.0\] in row 1"),
        ([56, 5, 60, 9], r"`boxes\[1\]` must overlap the image .* \[56.0, 5.0, 60.0, 9.0\] in r"),
        ([5, np.nan, 9, 9], r"`boxes\[1\]` must be finite"),
    ],
)
def test_a_wrong_box_is_named(rng, box, message):
    good = [1, 2, 3, 4]
    with pytest.raises(ValueError, match=message):
        object_crops(pictures(rng, 2), [[good], [good, box]])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"size": 0}, "`size` must be an integer >= 1"),
        ({"margin": -0.1}, "`margin` must be at least 0, and finite. Received: margin=-0.1"),
        ({"margin": np.nan}, "`margin` must be at least 0, and finite. Received: margin=nan"),
        ({"boxes": []}, "`boxes` must have one entry for each image. Received: 0 entries for 1"),
        ({"boxes": [[1, 2, 3, 4]]}, r"`boxes\[0\]` must be of shape \(N, 4\)"),
        ({"boxes": [[[1, 2, 3]]]}, r"`boxes\[0\]` must be of shape \(N, 4\)"),
        ({"images": np.zeros((1, 40, 56, 3))}, r"`images` must be uint8.* float64 .* images\[0\]"),
        ({"images": np.zeros((1, 40, 56), "uint8")}, r"`images` must be .* \(40, 56\) as images"),
    ],
)
def test_wrong_arguments_are_named(rng, arguments, message):
    good = {"images": pictures(rng), "boxes": [[[1, 2, 3, 4]]]}
    with pytest.raises(ValueError, match=message):
        object_crops(**{**good, **arguments})
