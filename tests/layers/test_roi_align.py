"""RoI align against plain loops over samples."""

import keras
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

from keras_mtl.layers import RoIAlign


def cells_around(y, x, height, width):
    """Cells that bilinear interpolation reads at a point, and their weights."""
    if not (-1 <= y <= height and -1 <= x <= width):
        return
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    for row, vertical in ((top, 1 - (y - top)), (min(top + 1, height - 1), y - top)):
        for column, horizontal in ((left, 1 - (x - left)), (min(left + 1, width - 1), x - left)):
            yield row, column, vertical * horizontal


def aligned_by_loops(features, rois, output_size, scale, ratio, aligned, upstream):
    _, height, width, channels = features.shape
    outputs = np.zeros((len(rois), *output_size, channels))
    gradient = np.zeros(features.shape)
    ratio, rows, columns = (np.float32(each) for each in (ratio, *output_size))
    for which, (image, *corners) in enumerate(rois):
        # In float32 and in the order of torchvision's C++, which decides what is on the border.
        left, top, right, bottom = (
            each * np.float32(scale) - np.float32(0.5 * aligned) for each in corners
        )
        tall, wide = bottom - top, right - left
        if not aligned:
            tall, wide = max(tall, np.float32(1)), max(wide, np.float32(1))
        tall, wide = tall / rows, wide / columns
        for i, j, k, m in np.ndindex(*output_size, int(ratio), int(ratio)):
            y = top + np.float32(i) * tall + np.float32(k + 0.5) * tall / ratio
            x = left + np.float32(j) * wide + np.float32(m + 0.5) * wide / ratio
            for row, column, weight in cells_around(y, x, height, width):
                weight = weight / ratio**2
                outputs[which, i, j] += weight * features[int(image), row, column]
                gradient[int(image), row, column] += weight * upstream[which, i, j]
    return outputs, gradient


@pytest.mark.parametrize("aligned, ratio", [(True, 2), (False, 3)])
def test_align_is_that_of_plain_loops(rng, aligned, ratio):
    features = rng.normal(size=(2, 7, 10, 3)).astype("float32")
    boxes = boxes_in(rng, (2, 20), 60, 90) - (15, 15, 15, 15)  # the map has 35×50 pixels
    boxes[:, 0] = 0, 0, 50, 35
    boxes[:, 1, 2] = boxes[:, 1, 0]  # no width
    rois = with_image(boxes)
    upstream = rng.normal(size=(len(rois), 3, 4, 3)).astype("float32")
    layer = RoIAlign((3, 4), 0.2, sampling_ratio=ratio, aligned=aligned)
    outputs, gradient = outputs_and_gradient(layer, features, rois, upstream)
    expected = aligned_by_loops(features, rois, (3, 4), 0.2, ratio, aligned, upstream)
    np.testing.assert_allclose(outputs, expected[0], atol=1e-4)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-3)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="XLA rounds otherwise")
@pytest.mark.parametrize("aligned, ratio, scale", [(False, 4, 1.7), (True, 3, 0.3)])
def test_samples_on_the_border_fall_where_torchvision_has_them(rng, aligned, ratio, scale):
    features = 1 + rng.random(size=(1, 4, 9, 1)).astype("float32")
    # Corners on tenths of cells, of which many samples are just one cell outside the map.
    boxes = np.sort(rng.integers(-20, 60, (1, 150, 2, 2)), axis=2) / (5 * scale)
    rois = with_image(boxes.reshape(1, 150, 4).astype("float32"))
    layer = RoIAlign((3, 1), scale, sampling_ratio=ratio, aligned=aligned)
    upstream = np.zeros((150, 3, 1, 1))
    expected, _ = aligned_by_loops(features, rois, (3, 1), scale, ratio, aligned, upstream)
    np.testing.assert_allclose(outputs_of(layer, features, rois), expected, atol=1e-4)


def test_nan_is_not_passed_over(rng):
    features = np.full((1, 4, 4, 1), 1.0, "float32")
    features[0, 1, 1] = np.nan
    assert np.isnan(outputs_of(RoIAlign(1, 1.0), features, np.array([[[0, 0, 4, 4.0]]]))).all()


def test_a_plane_is_sampled_exactly():
    """Bilinear interpolation of a plane is the plane: a bin's mean is its centre's value."""
    rows, columns = np.mgrid[:8, :9].astype("float32") + 0.5
    features = (2 * rows + 3 * columns)[None, ..., None]
    boxes = np.array([[[1.5, 2, 6.5, 5]]], "float32")
    outputs = outputs_of(RoIAlign((1, 2), 1.0), features, boxes)
    expected = [2 * 3.5 + 3 * 2.75, 2 * 3.5 + 3 * 5.25]
    np.testing.assert_allclose(outputs.ravel(), expected, rtol=1e-6)


def test_forms_of_the_call():
    layer = RoIAlign((2, 3), 1 / 4, sampling_ratio=1, aligned=False, data_format="channels_last")
    check_forms(layer, tolerance=1e-5)
    check_errors(RoIAlign)
    for ratio in (0, -1, 1.5, True, None):
        with pytest.raises(ValueError, match="`sampling_ratio` must be"):
            RoIAlign(2, 1 / 4, sampling_ratio=ratio)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_align_in_mixed_precision(policy):
    check_mixed_precision(RoIAlign, policy, expected=0.9)
