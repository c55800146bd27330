import re
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import keras_mtl
from keras_mtl.boxes import (
    check_boxes,
    clip_boxes,
    decode_boxes,
    encode_boxes,
    iou,
    non_maximum_suppression,
)

reference = keras.utils.bounding_boxes


def random_boxes(rng, *shape, size=100):
    corner = rng.integers(0, size - 30, (*shape, 2))
    return np.concatenate([corner, corner + rng.integers(1, 30, (*shape, 2))], -1).astype("float32")


def test_no_file_touches_keras():
    files = list((Path(keras_mtl.__file__).parent / "boxes").glob("*.py"))
    assert len(files) > 7
    for file in files:
        imports = re.findall(r"^\s*(?:from|import) (\S+)", file.read_text(), re.MULTILINE)
        assert {name.split(".")[0] for name in imports} <= {"collections", "numpy", "keras_mtl"}
        ours = [name for name in imports if name.startswith("keras_mtl")]
        assert all(name.startswith(("keras_mtl.boxes.", "keras_mtl._types")) for name in ours)


def test_boxes_come_back_as_float32():
    boxes = check_boxes([[0, 0, 1, 2], [5, 6, 70, 80]])
    assert boxes.dtype == "float32" and boxes.shape == (2, 4)
    for empty in ([], np.zeros(0), np.zeros((0, 4), int)):
        assert check_boxes(empty).shape == (0, 4)
        assert check_boxes(empty, size=(5, 5)).shape == (0, 4)


@pytest.mark.parametrize(
    "boxes, message",
    [
        ([1, 2, 3, 4], r"`truth` must be of shape \(N, 4\).*\(4,\)"),
        (np.ones((2, 5)), r"`truth` must be of shape \(N, 4\).*\(2, 5\)"),
        ([[1, 2], [3]], "`truth` must be numbers"),
        ([[0, 0, 1, 1], [0, np.nan, 1, 1]], r"finite.*\[0.0, nan, 1.0, 1.0\] in row 1"),
        ([[0, 0, np.inf, 1]], "finite.*row 0"),
        ([[0, 0, 1, 1], [4, 5, 4, 9], [7, 7, 7, 7]], r"x2 > x1.*\[4.0, 5.0, 4.0, 9.0\] in row 1"),
        ([[0, 6, 1, 5]], r"y2 > y1.*row 0"),
    ],
)
def test_bad_boxes_are_refused_by_name(boxes, message):
    with pytest.raises(ValueError, match=message):
        check_boxes(boxes, "truth")


def test_boxes_are_clipped_to_the_image(rng):
    boxes = rng.uniform(-50, 150, (40, 4)).astype("float32")
    expected = reference.clip_to_image_size(
        {"boxes": boxes[None], "labels": np.ones((1, 40))}, height=60, width=90
    )
    np.testing.assert_array_equal(
        clip_boxes(boxes, (60, 90)), ops.convert_to_numpy(expected["boxes"])[0]
    )
    np.testing.assert_array_equal(check_boxes([[-5, 10, 20, 90]], size=(60, 90)), [[0, 10, 20, 60]])
    with pytest.raises(ValueError, match=r"overlap the image.*\(60, 90\).*\[90.0, .* in row 1"):
        check_boxes([[0, 0, 5, 5], [90, 0, 95, 5]], size=(60, 90))
    for size in (60, (60,), (0, 90), (60, np.nan)):
        with pytest.raises(ValueError, match="`size` must be"):
            clip_boxes(boxes, size)


def test_iou_is_that_of_keras(rng):
    a, b = random_boxes(rng, 60), random_boxes(rng, 40)
    expected = ops.convert_to_numpy(
        reference.compute_iou(*map(ops.convert_to_tensor, (a, b)), "xyxy")
    )
    assert (expected > 0).sum() > 50
    np.testing.assert_allclose(iou(a, b), expected, atol=1e-6)


def test_iou_by_hand():
    box, padding = [2, 2, 6, 4], [0, 0, 0, 0]
    others = [box, [4, 2, 8, 4], [2, 3, 6, 4], [6, 2, 8, 4], [3, 3, 3, 3], padding]
    np.testing.assert_allclose(iou([box], others), [[1, 1 / 3, 0.5, 0, 0, 0]])
    np.testing.assert_array_equal(iou([padding], [padding]), [[0]])
    assert iou([], [box]).shape == (0, 1) and iou([box], []).shape == (1, 0)
    with pytest.raises(ValueError, match=r"`b` must be of shape \(N, 4\)"):
        iou([box], box)


def test_offsets_are_those_of_keras(rng):
    rois, boxes = random_boxes(rng, 50), random_boxes(rng, 50)
    tensors = [ops.convert_to_tensor(each) for each in (rois, boxes)]
    std = (0.1, 0.2, 0.3, 0.4)
    form = {"anchor_format": "xyxy", "box_format": "xyxy", "variance": std}
    expected = reference.encode_box_to_deltas(*tensors, encoding_format="center_xywh", **form)
    offsets = encode_boxes(boxes, rois, std)
    np.testing.assert_allclose(offsets, ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-5)

    offsets = rng.normal(size=(50, 4)).astype("float32")
    expected = reference.decode_deltas_to_boxes(
        tensors[0], ops.convert_to_tensor(offsets), encoded_format="center_xywh", **form
    )
    decoded = decode_boxes(offsets, rois, std)
    np.testing.assert_allclose(decoded, ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-3)
    assert decoded.dtype == "float32"


def test_decoding_undoes_encoding_for_each_class(rng):
    rois, boxes = random_boxes(rng, 12), random_boxes(rng, 12, 5)
    offsets = encode_boxes(boxes, rois[:, None])
    assert offsets.shape == (12, 5, 4) and offsets.dtype == "float32"
    np.testing.assert_allclose(decode_boxes(offsets, rois[:, None]), boxes, atol=1e-3)
    np.testing.assert_array_equal(encode_boxes(rois, rois), np.zeros((12, 4)))
    assert encode_boxes([], []).shape == decode_boxes([], []).shape == (0, 4)


def test_offsets_do_not_depend_on_place_and_scale(rng):
    rois, boxes = random_boxes(rng, 20), random_boxes(rng, 20)
    moved = encode_boxes(4 * boxes + 32, 4 * rois + 32)
    np.testing.assert_allclose(moved, encode_boxes(boxes, rois), atol=1e-4)


@pytest.mark.filterwarnings("error")
def test_no_size_overflows():
    roi = [[0, 0, 16, 32]]
    box = decode_boxes([[0, 0, 1e9, 1e9]], roi)
    np.testing.assert_allclose(box[0, 2:] - box[0, :2], [1000, 2000], rtol=1e-5)
    just_below = np.float32(np.log(60)) / 0.2
    box = decode_boxes([[0, 0, just_below, 0]], roi)
    np.testing.assert_allclose(box[0, 2:] - box[0, :2], [960, 32], rtol=1e-5)


def test_what_cannot_be_coded_is_refused():
    box = [[0, 0, 4, 4]]
    with pytest.raises(ValueError, match=r"`rois` must have x2 > x1.*row 1"):
        encode_boxes(box * 2, [[0, 0, 4, 4], [0, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"`boxes` must have x2 > x1.*row 0"):
        encode_boxes([[4, 0, 0, 4]], box)
    for function, name in ((encode_boxes, "boxes"), (decode_boxes, "offsets")):
        with pytest.raises(ValueError, match=rf"`{name}` and `rois`.*\(2, 4\) and \(3, 4\)"):
            function(box * 2, box * 3)
        for std in (0.1, (1, 1, 1), (1, 1, 0, 1)):
            with pytest.raises(ValueError, match="`std` must be four numbers above 0"):
                function(box, box, std)


# Few places and few scores: many equal overlaps and equal scores.
SPOT = st.tuples(*[st.integers(0, 3)] * 2, *[st.integers(4, 6)] * 2, st.integers(0, 4))


@settings(deadline=None, max_examples=60)
@given(st.lists(SPOT, max_size=12), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_suppression_keeps_what_no_better_kept_box_overlaps(spots, threshold):
    spots = np.array(spots, "float32").reshape(-1, 5)
    boxes, scores = spots[:, :4], spots[:, 4]
    expected = []
    for row in sorted(range(len(boxes)), key=lambda row: (-scores[row], row)):
        if all(iou(boxes[[row]], boxes[[kept]])[0, 0] <= threshold for kept in expected):
            expected.append(row)
    kept = non_maximum_suppression(boxes, scores, threshold)
    assert kept.tolist() == expected and kept.dtype.kind == "i"
    assert non_maximum_suppression(boxes, scores, threshold, 2).tolist() == expected[:2]


def test_suppression_refuses_what_does_not_fit():
    boxes = [[0, 0, 4, 4], [1, 1, 5, 5]]
    with pytest.raises(ValueError, match=r"`scores` must be \(2,\).*\(3,\)"):
        non_maximum_suppression(boxes, [1, 2, 3])
    with pytest.raises(ValueError, match="`scores`.*1 NaN"):
        non_maximum_suppression(boxes, [1, np.nan])
    with pytest.raises(ValueError, match="`iou_threshold` must be from 0 to 1.*2"):
        non_maximum_suppression(boxes, [1, 2], 2)
    with pytest.raises(ValueError, match="`max_boxes`.*0"):
        non_maximum_suppression(boxes, [1, 2], max_boxes=0)
