import numpy as np
import pytest
from scipy.special import expit, logit, softmax

from keras_mtl.boxes import clip_boxes, decode_boxes, decode_detections, iou

pytestmark = pytest.mark.one_backend

SIZE = (60, 90)


def random_outputs(rng, num_rois=40, num_classes=3, num_attributes=5):
    corner = rng.uniform(0, 50, (num_rois, 2))
    rois = np.concatenate([corner, corner + rng.uniform(5, 30, (num_rois, 2))], -1)
    outputs = {
        "detection_classes": 2 * rng.normal(size=(num_rois, 1 + num_classes)),
        "detection_boxes": rng.normal(size=(num_rois, 4 * (1 + num_classes))),
        "attributes": rng.normal(size=(num_rois, num_attributes)),
    }
    outputs = {name: values.astype("float32") for name, values in outputs.items()}
    return outputs, rois.astype("float32")


def slow_detections(outputs, rois, score_threshold, iou_threshold):
    """(score, roi, class, box) of every detection, from the definition: one at a time."""
    found = []
    scores = softmax(outputs["detection_classes"], axis=-1)
    for each in range(1, scores.shape[1]):
        candidates = []
        for row, roi in enumerate(rois):
            offsets = outputs["detection_boxes"][row, 4 * each : 4 * each + 4]
            box = clip_boxes(decode_boxes(offsets, roi), SIZE)
            if scores[row, each] > score_threshold and box[2] > box[0] and box[3] > box[1]:
                candidates.append((scores[row, each], row, each, box))
        kept = []
        for one in sorted(candidates, key=lambda candidate: -candidate[0]):
            if all(iou(one[3][None], other[3][None])[0, 0] <= iou_threshold for other in kept):
                kept.append(one)
        found += kept
    return sorted(found, key=lambda candidate: -candidate[0])


@pytest.mark.parametrize("score_threshold, iou_threshold", [(0.05, 0.3), (0.3, 0.1), (0.0, 1.0)])
def test_detections_follow_the_definition(rng, score_threshold, iou_threshold):
    outputs, rois = random_outputs(rng)
    options = {"score_threshold": score_threshold, "iou_threshold": iou_threshold}
    expected = slow_detections(outputs, rois, **options)
    assert len(expected) > 15
    found = decode_detections(outputs, rois, SIZE, max_detections=None, **options)
    scores, rows, classes, boxes = (np.array(each) for each in zip(*expected, strict=True))
    np.testing.assert_allclose(found["scores"], scores, rtol=1e-5)
    np.testing.assert_array_equal(found["classes"], classes)
    np.testing.assert_allclose(found["boxes"], boxes, atol=1e-4)
    np.testing.assert_allclose(found["attributes"], expit(outputs["attributes"][rows]), rtol=1e-5)
    best = decode_detections(outputs, rois, SIZE, max_detections=7, **options)
    for name, values in best.items():
        np.testing.assert_array_equal(values, found[name][:7])


def test_probabilities_give_what_their_logits_give(rng):
    outputs, rois = random_outputs(rng)
    expected = decode_detections(outputs, rois, SIZE)
    outputs["detection_classes"] = softmax(outputs["detection_classes"], axis=-1)
    outputs["attributes"] = expit(outputs["attributes"])
    found = decode_detections(outputs, rois, SIZE, from_logits=False)
    assert len(found["scores"])
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5)


@pytest.mark.filterwarnings("error")
def test_padding_changes_nothing(rng):
    outputs, rois = random_outputs(rng)
    expected = decode_detections(outputs, rois, SIZE)
    padded = {name: np.concatenate([values, values[:9]]) for name, values in outputs.items()}
    found = decode_detections(padded, np.concatenate([rois, np.zeros((9, 4))]), SIZE)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("num_rois", [0, 3])
def test_nothing_found_is_empty_arrays(num_rois, rng):
    outputs, _ = random_outputs(rng, num_rois)
    found = decode_detections(outputs, np.zeros((num_rois, 4)), SIZE)
    shapes = {name: values.shape for name, values in found.items()}
    assert shapes == {"boxes": (0, 4), "classes": (0,), "scores": (0,), "attributes": (0, 5)}
    assert found["classes"].dtype.kind == "i"


@pytest.mark.filterwarnings("error")
def test_background_and_boxes_outside_the_image_are_left_out():
    rois = np.array([[0, 0, 20, 20], [100, 10, 120, 30], [30, 30, 50, 100]])
    logits = [[99, 0, 0], [0, 99, 0], [0, 0, 999]]
    outputs = {"detection_classes": logits, "detection_boxes": np.zeros((3, 12))}
    found = decode_detections(outputs, rois, SIZE)
    assert set(found) == {"boxes", "classes", "scores"}
    np.testing.assert_array_equal(found["boxes"], [[30, 30, 50, 60]])
    assert found["classes"] == [2] and found["scores"] == [1]


def test_classes_do_not_suppress_each_other_but_equals_do():
    rois = np.tile([[10, 10, 30, 30]], (2, 1))
    outputs = {"detection_classes": np.zeros((2, 3)), "detection_boxes": np.zeros((2, 12))}
    outputs["attributes"] = logit([[0.25], [0.75]])
    found = decode_detections(outputs, rois, SIZE)
    assert found["classes"].tolist() == [1, 2]
    np.testing.assert_allclose(found["attributes"], [[0.25], [0.25]], rtol=1e-6)


@pytest.mark.parametrize(
    "name, values, message",
    [
        ("detection_classes", np.full((40, 4), np.nan), "_classes'.` must be finite"),
        ("detection_boxes", np.full((40, 16), np.inf), "_boxes'.` must be finite.*row 0"),
        ("attributes", np.full((40, 5), np.nan), r"`outputs\['attributes'\]` must be finite"),
        ("attributes", np.zeros((39, 5)), r"a row for each of the 40 RoIs.*\(39, 5\)"),
        ("detection_classes", np.zeros((1, 40, 4)), r"of one image.*\(1, 40, 4\)"),
        ("detection_boxes", np.zeros((40, 12)), "four for each of these. Received: 4 and 12"),
        ("detection_classes", np.zeros((40, 1)), "background and for each.*Received: 1 and 16"),
    ],
)
def test_outputs_that_do_not_fit_are_refused(name, values, message, rng):
    outputs, rois = random_outputs(rng)
    with pytest.raises(ValueError, match=message):
        decode_detections({**outputs, name: values}, rois, SIZE)


def test_arguments_out_of_range_are_refused(rng):
    outputs, rois = random_outputs(rng)
    with pytest.raises(ValueError, match="probabilities, unless `from_logits`"):
        decode_detections(outputs, rois, SIZE, from_logits=False)
    with pytest.raises(ValueError, match="`outputs` must have.*Received.*'other'"):
        decode_detections({"other": 1}, rois, SIZE)
    with pytest.raises(ValueError, match="`rois` must be finite.*row 3"):
        decode_detections(outputs, np.where(np.arange(40)[:, None] == 3, np.nan, rois), SIZE)
    for option in ({"score_threshold": 2}, {"iou_threshold": -1}, {"max_detections": 0}):
        with pytest.raises(ValueError, match=f"`{next(iter(option))}` must be"):
            decode_detections(outputs, rois, SIZE, **option)
    with pytest.raises(ValueError, match="`size` must be"):
        decode_detections(outputs, rois, (0, 4))
