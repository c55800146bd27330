"""What all heads have in common: that of layers, and what outputs and targets mean."""

import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import CHECKS, Case, check_table, contract, draw, value

from keras_mtl import heads
from keras_mtl.geometry import NormalsCodebook

WORDS = NormalsCodebook(NormalsCodebook.default().codewords[[0, 1, 3, 5, 8, 13]])


# What outputs mean, in NumPy


def softmax(x):
    x = np.exp(x.astype("float64") - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x.astype("float64"), -700, 700)))


def unit(x):
    return x / np.linalg.norm(x.astype("float64"), axis=-1, keepdims=True)


def same(x):
    return x


def largest(x):
    return x.argmax(-1)


# Targets: those that pass, and those that do not with what is said of them


def unit_normals(dtype):
    """Unit vectors and zeros, of whole numbers too."""
    normals = unit(draw(1, 4, 4, 3)) if dtype != "int8" else np.eye(4)[None, ..., :3]
    normals[0, :2] = 0
    return normals.astype(dtype)


def metres(dtype, *last):
    return np.array([0, 1, 2.5, 80], dtype).reshape(1, 2, 2, *last)


LABELS = {
    "right": [
        np.array([0, 1, 2, 255], dtype).reshape(1, 2, 2, *last)
        for dtype in ("uint8", "int32", "int64")
        for last in ((), (1,))
    ]
    + [np.array([[[0.0, -1.0, np.nan]]]), np.array([[[-1, 2]]])],
    "wrong": [
        (np.array([[[0, 3]]]), r"`y` must hold labels from 0 to 2, or -1 or 255 .* Rec.*: \[3\]"),
        (np.array([[[254, 7, 7, -2]]]), r"Received: \[-2, 7, 254\]"),
        (np.array([[[0.0, 0.5]]]), r"Received: \[0.5\]"),
        (np.array([[[True]]]), "must hold integer labels. Received: dtype=bool"),
    ],
}
NORMALS = {
    "right": [unit_normals(dtype) for dtype in ("float16", "float32", "float64", "int8")]
    + [np.full((1, 1, 1, 3), np.nan)],
    "wrong": [
        (np.float32([[[normal]]]), message)
        for normal, message in (
            ((0, -np.inf, 0), "`y` must be finite; set unknown .* to NaN. Received: 1 infinite"),
            ((0, 0, 0.5), "`y` must be unit vectors.* Received: 1 pixels .* such as 0.500"),
            ((127, 127, 255), "`y` must be unit vectors"),
            ((1, 0), r"`y` must have shape \(…, 3\). Received: shape=\(1, 1, 1, 2\)"),
        )
    ],
}
DEPTHS = {
    "right": [
        metres(dtype, *last)
        for dtype in ("float16", "float32", "float64", "uint8", "int64")
        for last in ((), (1,))
    ]
    + [np.array([[[1.0, np.nan]]])],
    "wrong": [
        (np.array(depth), message)
        for depth, message in (
            ([[[np.inf, -np.inf]]], "`y` must be finite.* Received: 2 infinite"),
            ([[[3.0, -0.5]]], "`y` .* metres of at least 0.* 1 pixels below, such as -0.500"),
            ([[[3, -1]]], "Received: 1 pixels below, such as -1.000"),
            ([[[True]]], "`y` must hold metres. Received: dtype=bool"),
            ([[["near"]]], "`y` must hold metres. Received: dtype=<U4"),
            ([[1.0]], r"`y` must have shape \(batch, height, width\).* shape=\(1, 1\)"),
            ([[[[1.0, 2.0]]]], r"Received: shape=\(1, 1, 1, 2\)"),
        )
    ],
}
NUMBERS = {
    "right": [np.array([[[-0.5, np.nan]]]), np.array([[[[0], [200]]]], "uint8")],
    "wrong": [
        (np.array([[[np.inf, 1.0]]]), "`y` must be finite; .* Received: 1 infinite"),
        (np.array([[[[1.0, 2.0]]]]), r"`y` must have shape .* shape=\(1, 1, 1, 2\)"),
        (np.ones((1, 1)), r"shape \(batch, height, width\) or \(batch, height, width, 1\)"),
        (np.array([[["edge"]]]), "`y` must hold numbers. Received: dtype=<U4"),
        (np.array([[[True]]]), "`y` must hold numbers. Received: dtype=bool"),
    ],
}
VECTORS = {
    "right": [np.array([[[[-0.5, 0.2], [np.nan, np.nan]]]])],
    "wrong": [
        (np.ones((1, 1, 2)), r"`y` must have shape \(batch, height, width, 2\)\. R"),
        (np.ones((1, 1, 1, 1)), r"shape \(batch, .* Received: shape=\(1, 1, 1, 1\)"),
        (np.array([[[[np.inf, 1.0]]]]), "`y` must be finite; .* 1 infinite"),
    ],
}
ATTRIBUTES = {
    "right": [np.array([[[0, 1, -1]]]), np.array([[[0.0, np.nan, -1.0]]])],
    "wrong": [
        (np.zeros((1, 1, 2)), r"`y` must have 3 attributes.*shape \(1, 1, 2\)"),
        (np.array([[[0, 1, 0.5]]]), r"`y` must hold 0 and 1.*\[0.5\]"),
    ],
}
REGIONS = {
    "right": [
        (np.array([[0, 3, -1]]), "classes"),
        (np.array([[[3.0, 0.1, -2, 0, 0], [-1, 0, 0, 0, 0], [1, np.nan, 0, 0, 0]]]), "boxes"),
    ],
    "wrong": [
        (np.array([[0, 4]]), r"`y` .* classes from 0 .* to 3.*Received: \[4", "classes"),
        (np.array([[-2, 0]]), r"`y` .*Received: \[-2", "classes"),
        (np.array([[[1.5, 0, 0, 0, 0]]]), r"`y` .*Received: \[1.5", "boxes"),
        (np.array([[[1, 0, np.inf, 0, 0]]]), "`y` must not be infinite", "boxes"),
    ],
}


# The table


def case(kind, options, what, prediction, decode=None, targets=None, **known):
    known["more"] = dict(kind=what, prediction=prediction, decode=decode, targets=targets)
    return Case(kind, options, dtype="float32", **known)


def fcn(kind, options, channels, *meaning):
    cells = {"output_size": (16, 15), "strides": 4}
    known = dict(inputs=(draw(2, 5, 5, 4),), weights=2)
    macs = 25 * (4 * channels + channels * 7 * 7)
    return case(kind, cells | options, *meaning, **known, macs=macs)


def aspp(kind, options, channels, *meaning):
    known = dict(inputs=(draw(2, 5, 6, 4),), sizes=((None, None, 4),), weights=12)
    macs = 2 * 30 * (9 * 4 * 5 + 5 * 5 + 5 * channels)
    return case(kind, {"features": 5, "rates": (1, 3)} | options, *meaning, **known, macs=macs)


ROWS = dict(inputs=(draw(2, 5, 6),), sizes=((None, 6),))
HEADS = {
    "FCN": fcn(
        heads.FCNHead,
        dict(channels=3, crop=(1, 2), dropout=0.25, seed=5),
        *(3, "classes", softmax, largest),
    ),
    "segmentation": fcn(
        heads.SegmentationHead, dict(channels=3), *(3, "classes", softmax, largest, LABELS)
    ),
    # What its words mean is a test of its own.
    "normals": fcn(
        *(heads.NormalsHead, dict(codebook=WORDS), 6, "normals", softmax, None, NORMALS)
    ),
    "depth": fcn(heads.DepthHead, dict(crop=(2, 1)), 1, "metres", same, same, DEPTHS),
    "map": fcn(heads.MapHead, dict(channels=2), 2, "numbers", same, same, VECTORS),
    "ASPP": aspp(
        heads.ASPPHead,
        dict(channels=3, output_size=(8, 7), dropout=0.25, seed=5),
        *(3, "classes", softmax, largest),
    ),
    "ASPP sigmoid": aspp(
        *(heads.ASPPHead, dict(channels=3, activation="sigmoid"), 3, "classes", same, largest)
    ),
    "ASPP segmentation": aspp(
        heads.ASPPSegmentationHead, dict(channels=3), *(3, "classes", softmax, largest, LABELS)
    ),
    "ASPP normals": aspp(
        *(heads.ASPPNormalsHead, dict(output_size=(8, 8), seed=4, dropout=0)),
        *(3, "normals", unit, unit, NORMALS),
    ),
    "ASPP depth": aspp(
        *(heads.ASPPDepthHead, dict(output_size=(8, 8), activation="softplus")),
        *(1, "metres", same, same, DEPTHS),
    ),
    "ASPP map": aspp(
        heads.ASPPMapHead, dict(output_size=(8, 7)), *(1, "numbers", same, same, NUMBERS)
    ),
    "ASPP vectors": aspp(heads.ASPPMapHead, dict(channels=2), 2, "numbers", same, same, VECTORS),
    "attributes": case(
        heads.AttributesHead,
        dict(num_attributes=3, dropout=0.3, seed=2),
        *("attributes", sigmoid, None, ATTRIBUTES),
        **ROWS,
        weights=2,
        macs=5 * 6 * 3,
    ),
    "detection": case(
        heads.DetectionHead,
        dict(num_classes=3, dropout=0.3, seed=2),
        *("objects", {"classes": softmax, "boxes": same}, None, REGIONS),
        **ROWS,
        weights=4,
        macs=5 * 6 * 5 * (1 + 3),
    ),
}


# Those that compute as another one does.
ALIKE = ["segmentation", "depth", "map"]
ALIKE += ["ASPP sigmoid", "ASPP segmentation", "ASPP depth", "ASPP map", "ASPP vectors"]


@pytest.mark.one_backend
def test_the_table_is_complete():
    check_table(HEADS, heads)


@pytest.mark.parametrize(("case", "check"), contract(HEADS, ALIKE))
def test_contract(case, check, tmp_path):
    CHECKS[check](HEADS[case], tmp_path)


@pytest.mark.parametrize("size", [3, 1000])  # The probabilities of the latter are 0 and 1.
@pytest.mark.parametrize("case", HEADS)
def test_predictions_and_back(case, size):
    case = HEADS[case]
    head, meaning = case.make(), case.more["prediction"]
    assert head.kind == case.more["kind"]
    shapes = head.compute_output_shape(case.inputs[0].shape)
    outputs = keras.tree.map_shape_structure(lambda shape: size * draw(*shape), shapes)
    prediction = head.prediction(keras.tree.map_structure(ops.convert_to_tensor, outputs))
    if isinstance(meaning, dict):
        for key, each in meaning.items():
            np.testing.assert_allclose(value(prediction[key]), each(outputs[key]), 1e-4, 1e-6)
        return
    np.testing.assert_allclose(value(prediction), meaning(outputs), rtol=1e-4, atol=1e-6)
    back = head.outputs_for(prediction)
    assert np.isfinite(value(back)).all()
    np.testing.assert_allclose(value(head.prediction(back)), value(prediction), 1e-4, 1e-6)
    if case.more["decode"] is not None:
        decoded = ops.convert_to_numpy(head.decode(prediction))
        expected = case.more["decode"](value(prediction))
        np.testing.assert_allclose(decoded, expected, rtol=1e-4, atol=1e-6)
        assert decoded.dtype == ("int32" if case.more["decode"] is largest else "float32")


@pytest.mark.one_backend
@pytest.mark.parametrize("case", [name for name, one in HEADS.items() if one.more["targets"]])
def test_targets(case):
    head, targets = HEADS[case].make(), HEADS[case].more["targets"]
    for right in targets["right"]:
        right, *output = right if isinstance(right, tuple) else (right,)
        head.check_targets(right, "y", *output)
    for wrong, message, *output in targets["wrong"]:
        with pytest.raises(ValueError, match=message):
            head.check_targets(wrong, "y", *output)
