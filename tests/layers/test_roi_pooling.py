"""RoI pooling against Fast R-CNN's layer, written as plain loops."""

import numpy as np
import pytest
from roi_checks import (
    boxes_in,
    check_errors,
    check_forms,
    check_mixed_precision,
    outputs_and_gradient,
    outputs_of,
    with_image,
)

from keras_mtl.layers import RoIPooling


def rounded(number):
    """As C's `round`: halves away from zero."""
    down = np.floor(np.abs(np.float64(number)))
    return int(np.sign(number) * (down + (np.abs(np.float64(number)) - down >= 0.5)))


def bin_slices(first, last, bins, size):
    extent = np.float32(max(last - first + 1, 1))
    step = extent / np.float32(bins)
    for index in range(bins):
        start = first + int(np.floor(np.float32(index) * step))
        end = first + int(np.ceil(np.float32(index + 1) * step))
        yield slice(min(max(start, 0), size), min(max(end, 0), size))


def pooled_by_loops(features, rois, output_size, scale, upstream):
    """Outputs, and the gradient, which goes to the first maximum of each bin."""
    _, height, width, channels = features.shape
    outputs = np.zeros((len(rois), *output_size, channels), "float32")
    gradient = np.zeros_like(features)
    for which, (image, *corners) in enumerate(rois):
        left, top, right, bottom = (rounded(each * np.float32(scale)) for each in corners)
        for i, rows in enumerate(bin_slices(top, bottom, output_size[0], height)):
            for j, columns in enumerate(bin_slices(left, right, output_size[1], width)):
                window = features[int(image), rows, columns].reshape(-1, channels)
                if not len(window):
                    continue
                outputs[which, i, j] = window.max(0)
                y, x = np.divmod(window.argmax(0), columns.stop - columns.start)
                place = int(image), rows.start + y, columns.start + x, np.arange(channels)
                gradient[place] += upstream[which, i, j]
    return outputs, gradient


def hundred_rois(rng, height, width):
    """Inside, over the edge, outside, thin, the whole image, beyond it, and on halves of cells."""
    size = np.array([width, height] * 2)
    inside = boxes_in(rng, (50,), height, width)
    over = boxes_in(rng, (20,), 2 * height, 2 * width) - size / 2
    outside = boxes_in(rng, (8,), height, width) + rng.choice([-2, 2], (8, 1)) * size
    thin = boxes_in(rng, (8,), height, width)
    thin[:4, 2], thin[4:, 3] = thin[:4, 0], thin[4:, 1]
    whole = [size * (0, 0, 1, 1), size * (0, 0, 1, 1) - (0, 0, 1, 1)]
    beyond = [size * (-3, -2, 4, 2), size * (-9, 0, 1, 30)]
    halves = 8 * np.round(boxes_in(rng, (10,), 2 * height, 2 * width) / 8) - 8
    return np.concatenate([inside, over, outside, thin, whole, beyond, halves])


@pytest.mark.parametrize(
    "output_size, scale, shape", [((6, 6), 1 / 16, (2, 38, 50, 4)), ((3, 5), 0.3, (2, 9, 17, 4))]
)
def test_pooling_is_that_of_plain_loops(rng, output_size, scale, shape):
    features = rng.normal(size=shape)
    # Most bins have several equal maxima, and some are all zeros, as after a ReLU.
    features = np.maximum(np.round(2 * features) / 2, 0).astype("float32")
    size = shape[1] / scale, shape[2] / scale
    rois = with_image(np.stack([hundred_rois(rng, *size) for _ in range(2)]))
    # Whole numbers, whose sum is the same in any order.
    upstream = rng.integers(-9, 9, (len(rois), *output_size, shape[-1])).astype("float32")
    layer = RoIPooling(output_size, scale)
    outputs, gradient = outputs_and_gradient(layer, features, rois, upstream)
    expected = pooled_by_loops(features, rois, output_size, scale, upstream)
    np.testing.assert_array_equal(outputs, expected[0])
    np.testing.assert_array_equal(gradient, expected[1])


def test_corners_are_rounded_halves_away_from_zero():
    almost_half = np.nextafter(np.float32(0.5), np.float32(0))
    starts = np.array([almost_half, 0.5, 1.49, 2.5, -0.5, -almost_half, 3.0], "float32")
    rois = np.array([[0, start, 0, start, 0] for start in starts], "float32")
    features = np.arange(1, 6, dtype="float32").reshape(1, 1, 5, 1)
    outputs = outputs_of(RoIPooling(1, 1.0), features, rois)
    np.testing.assert_array_equal(outputs.ravel(), [1, 2, 2, 4, 0, 1, 4])


def test_maps_with_more_cells_than_int16_counts(rng):
    features = np.arange(250 * 150, dtype="float32").reshape(1, 250, 150, 1)
    rois = np.array([[0, 0, 0, 149, 249], [0, 10, 20, 12, 249]], "float32")
    outputs = outputs_of(RoIPooling(1, 1.0), features, rois)
    np.testing.assert_array_equal(outputs.ravel(), [250 * 150 - 1, 249 * 150 + 12])


def test_degenerate_rois_do_no_harm(rng):
    """NaN, infinite and reversed corners; images next to theirs stay out of it."""
    features = rng.normal(size=(1, 5, 6, 2)).astype("float32")
    nan, infinity = float("nan"), float("inf")
    rois = [[nan] * 4, [-infinity, -infinity, infinity, infinity], [20, 16, 4, 4], [0, 0, 24, 20]]
    (outputs,) = outputs_of(RoIPooling(2, 1 / 4), features, np.array([rois], "float32"))
    assert np.isfinite(outputs).all()
    np.testing.assert_array_equal(outputs[2], np.broadcast_to(features[0, 4, 5], (2, 2, 2)))
    np.testing.assert_array_equal(outputs[3].max((0, 1)), features[0].max((0, 1)))


def test_nan_is_not_passed_over():
    """Wherever it stands, also beside infinity in another bin."""
    features = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        spoilt = features.copy()
        spoilt[0, row, column] = np.nan
        spoilt[0, 3, 3] = np.inf
        outputs = outputs_of(RoIPooling(2, 1.0), spoilt, np.array([[0, 0, 0, 3, 3]], "float32"))
        np.testing.assert_array_equal(outputs.ravel(), [np.nan, 7, 13, np.inf])


def test_forms_of_the_call():
    check_forms(RoIPooling((2, 3), 1 / 4, data_format="channels_last"), tolerance=0)
    check_errors(RoIPooling)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_pooling_in_mixed_precision(policy):
    check_mixed_precision(RoIPooling, policy, expected=1.0)
