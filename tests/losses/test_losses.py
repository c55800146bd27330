"""What all losses have in common, against references in NumPy: values, gradients, the unknown."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import check_configuration, check_table, value

from keras_mtl import losses
from keras_mtl.geometry import NormalsCodebook

BOOK = NormalsCodebook.default()
PIXELS, REGIONS = (2, 3, 4), (2, 8)
RNG = np.random.default_rng(20160627)


# References: the loss of every position in float64, NaN where it is unknown


def crossentropy(labels, known, logits):
    logits = logits.astype("float64")
    shifted = logits - logits.max(-1, keepdims=True)
    picked = np.take_along_axis(shifted, np.where(known, labels, 0)[..., None], -1)[..., 0]
    return np.where(known, np.log(np.exp(shifted).sum(-1)) - picked, np.nan)


def segmentation(true, predicted):
    return crossentropy(true, true != 255, predicted)


def detection(true, predicted):
    return crossentropy(true, true != -1, predicted)


def words(true, predicted):
    known = np.isfinite(true).all(-1) & (np.abs(true).sum(-1) > 0)
    return crossentropy((true.astype("float64") @ BOOK.codewords.T).argmax(-1), known, predicted)


def cosine(true, predicted):
    """From the angle."""
    a, b = true.astype("float64"), predicted.astype("float64")
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))
    return np.where(np.abs(true).sum(-1) > 0, 1 - np.cos(angle), np.nan)


def depth(true, predicted):
    return np.where(true > 0, np.abs(true - predicted[..., 0].astype("float64")), np.nan)


def absolute(true, predicted):
    return np.abs(true - predicted.reshape(true.shape).astype("float64"))


def smooth(true, predicted, beta=0.3):
    """Of the offsets of the own class; the background has none, but counts."""
    label = true[..., 0].astype(int)
    offsets = predicted.astype("float64").reshape(*label.shape, -1, 4)
    own = np.take_along_axis(offsets, np.maximum(label, 0)[..., None, None], -2)[..., 0, :]
    error = np.abs(own - true[..., 1:])
    each = np.where(error < beta, error**2 / 2 / beta, error - beta / 2).sum(-1)
    return np.where(label < 0, np.nan, np.where(label > 0, each, 0))


def attributes(true, predicted):
    likelihood = 1 / (1 + np.exp(np.where(true == 1, -1, 1) * predicted.astype("float64")))
    each = np.where(true < 0, 0, -np.log(likelihood)).sum(-1)
    return np.where((true < 0).all(-1), np.nan, each)


def triplets(_, predicted, margin=1.5):
    anchor, positive, negative = predicted.astype("float64").reshape(-1, 3, 4).swapaxes(0, 1)
    closer = ((anchor - positive) ** 2).sum(-1) - ((anchor - negative) ** 2).sum(-1)
    return np.maximum(0, closer + margin)


# Batches, of which some is unknown


def some(shape, share=0.3):
    return RNG.random(shape) < share


def numbers(*shape, scale=1.0):
    return RNG.normal(0, scale, shape).astype("float32")


def unit_normals():
    normals = numbers(*PIXELS, 3)
    normals[..., 2] = -np.abs(normals[..., 2])
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.where(some((*PIXELS, 1)), 0, normals)


def map_of(*shape):
    """Exactly zero here and there, which counts."""
    values = np.where(some(shape), 0, numbers(*shape))
    return np.where(some(shape), np.float32(np.nan), values)


CLASSES = RNG.integers(-1, 4, REGIONS)
OFFSETS = np.concatenate([CLASSES[..., None], numbers(*REGIONS, 4, scale=2)], -1).astype("float32")
MARKS = np.where(some((*REGIONS, 5)) | (CLASSES[..., None] <= 0), -1, some((*REGIONS, 5), 0.5))
DEPTH = np.where(some(PIXELS), 0, RNG.uniform(0.5, 8, PIXELS)).astype("float32")
LABELS = np.where(some(PIXELS), 255, RNG.integers(0, 5, PIXELS)).astype("uint8")


# The table


@dataclass
class Case:
    kind: type
    options: dict[str, Any]
    reference: Callable
    true: np.ndarray
    predicted: np.ndarray
    marks: tuple  # Of the unknown.
    wrong: list  # Shapes, or arrays, of targets and predictions, and what is said of them.
    forms: tuple = ()  # Functions to targets and predictions that mean the same.

    def make(self, **options):
        return self.kind(**self.options, **options)

    def losses(self):
        return self.reference(self.true, self.predicted)

    def known(self):
        """By which targets are marked as unknown: an axis for each of theirs."""
        known = ~np.isnan(self.losses())
        return known.reshape(*known.shape, *[1] * (self.true.ndim - known.ndim))


def last_axis_of_one(true, predicted):
    return true[..., None], predicted


def no_last_axis(true, predicted):
    return true, predicted[..., 0]


ONE_SHAPE = "`y_true` and `y_pred` must have one shape .*Received"
NO_NORMALS = "`y_true` must be .*of shape .*Received"
UNEQUAL = "`y_pred` must have the shape of `y_true`.*Received"
PICTURE = np.full((*PIXELS, 3), 127, "uint8"), (*PIXELS, 3), "unit vectors of floats.*uint8"
CASES = {
    "attributes": Case(
        losses.AttributesCrossentropy,
        *({}, attributes, MARKS, numbers(*REGIONS, 5, scale=5), (-1, -1.0, np.nan), []),
    ),
    "depth": Case(
        losses.DepthL1,
        *({}, depth, DEPTH, (DEPTH + numbers(*PIXELS))[..., None], (0, -1, np.nan, np.inf)),
        [
            ((3, 4, 6), (3, 4, 6, 2), ONE_SHAPE),
            ((3, 4, 6), (3, 4, 5, 1), ONE_SHAPE),
            ((4, 6), (4, 6), ONE_SHAPE),
            ((3, 4, 6), (3, 1), ONE_SHAPE),
        ],
        (last_axis_of_one, no_last_axis),
    ),
    "detection": Case(
        losses.DetectionCrossentropy,
        *({}, detection, CLASSES, numbers(*REGIONS, 4, scale=3), (-1, -1.0, np.nan)),
        [((2, 8), (2, 32), "`y_pred` must be of shape .*Received")],
    ),
    "map": Case(
        *(losses.MapL1, {}, absolute, map_of(*PIXELS), numbers(*PIXELS, 1)),
        (np.nan, np.inf, -np.inf),
        [
            ((3, 4, 6), (3, 4, 6, 2), ONE_SHAPE),
            ((3, 4, 6), (3, 4, 5, 1), ONE_SHAPE),
            ((3, 4, 6, 1), (3, 4, 6, 2), ONE_SHAPE),
            ((3, 4, 6, 2), (3, 4, 6, 3), r"\(batch, height, width, channels\).*Received"),
            ((3, 4), (3, 4), ONE_SHAPE),
        ],
        (last_axis_of_one, no_last_axis),
    ),
    # Of some pixels one number is known, the other one not.
    "vectors": Case(
        *(losses.MapL1, {}, absolute, map_of(*PIXELS, 2), numbers(*PIXELS, 2), (np.nan,), []),
    ),
    "normals of words": Case(
        *(losses.NormalsCodebookCrossentropy, {"codebook": BOOK}, words, unit_normals()),
        *(numbers(*PIXELS, 20, scale=3), (0, np.nan)),
        [
            ((*PIXELS, 3), (*PIXELS, 7), "num_words=20.*Received"),
            ((*PIXELS, 2), (*PIXELS, 20), NO_NORMALS),
            (PICTURE[0], (*PIXELS, 20), PICTURE[2]),
        ],
    ),
    "normals": Case(
        *(losses.NormalsCosine, {}, cosine, unit_normals(), numbers(*PIXELS, 3, scale=3)),
        (0, np.nan, np.inf),
        [
            ((3, 4, 6), (3, 4, 6, 3), NO_NORMALS),
            ((3, 4, 6, 1), (3, 4, 6, 3), NO_NORMALS),
            ((3, 4, 6, 3), (3, 4, 6, 1), UNEQUAL),
            ((3, 4, 6, 3), (3, 1, 6, 3), UNEQUAL),
            ((3, 4, 6, 3), (4, 6, 3), UNEQUAL),
            PICTURE,
        ],
    ),
    "segmentation": Case(
        losses.SegmentationCrossentropy,
        *({}, segmentation, LABELS, numbers(*PIXELS, 5, scale=3), (255, 255.0, -1, np.nan)),
        [(PIXELS, (3, 4, 5), "`y_pred` must be of shape .*Received")],
        (last_axis_of_one,),
    ),
    "void is 0": Case(
        *(losses.SegmentationCrossentropy, {"ignore_class": 0}),
        lambda true, predicted: crossentropy(true, true != 0, predicted),
        *(LABELS % 5, numbers(*PIXELS, 5, scale=3), (0, -1, np.nan), []),
    ),
    "boxes": Case(
        *(
            losses.SmoothL1,
            {"beta": 0.3},
            smooth,
            OFFSETS,
            numbers(*REGIONS, 16, scale=2),
            (-1, np.nan),
        ),
        [
            ((1, 2, 4), (1, 2, 8), "`y_true` must be of shape .*Received"),
            ((1, 2, 5), (1, 2, 7), "`y_pred` a multiple of 4.*Received"),
        ],
    ),
    "triplets": Case(
        *(losses.TripletLoss, {"margin": 1.5}, triplets, np.zeros(15), numbers(15, 4), ()),
        [(s[0], s, r"`y_pred` must be of shape \(3K, D\).*Rec") for s in ((4, 2), (3,), (3, 2, 2))],
        (lambda _, predicted: (np.full((15, 1), 7, "int32"), predicted),),
    ),
}
ONE = pytest.mark.one_backend
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None]


def reduced(each, reduction, weights=1.0):
    """A weighted loss, averaged over what is known."""
    known, weights = ~np.isnan(each), np.broadcast_to(weights, each.shape)
    weighted = np.where(known, weights * np.nan_to_num(each), 0)
    by = {"sum": 1, "mean_with_sample_weight": weights[known].sum()}.get(reduction, known.sum())
    return weighted if reduction is None else weighted.sum() / by


def shapes_of_weights(case):
    """One of a sample; one of a position, with and without a last axis; and so on."""
    if case.kind is losses.TripletLoss:
        return [(15,), (15, 1)]
    positions = case.losses().shape[:3]
    ones = (1,) * (len(positions) - 1)
    return [positions[:1], (positions[0], *ones), positions, (*positions, 1)]


def spread(weights, each):
    """Weights in a form that multiplies the losses of all positions."""
    if len(weights) != len(each):
        return weights.ravel()[::3]  # A triplet has the weight of its anchor.
    weights = weights[..., 0] if weights.ndim > each.ndim else weights
    return weights.reshape(*weights.shape, *[1] * (each.ndim - weights.ndim))


def close(found, expected):
    np.testing.assert_allclose(value(found), expected, rtol=1e-5, atol=1e-6)


@ONE
def test_the_table_is_complete():
    check_table(CASES, losses, but=[losses.KnownLoss])
    for case in CASES.values():
        assert np.isnan(case.losses()).any() == bool(case.marks)


@ONE
@pytest.mark.parametrize("case", CASES)
def test_configuration(case):
    case = CASES[case]
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", case.kind.__name__).lower()
    assert case.make().name == name and case.make().reduction == "sum_over_batch_size"
    check_configuration(replace(case, options={**case.options, "reduction": "sum", "name": "my"}))


@pytest.mark.parametrize("case", [pytest.param(x, marks=[ONE] * (x == "void is 0")) for x in CASES])
def test_values(rng, case):
    """In all reductions, with and without weights."""
    case = CASES[case]
    each = case.losses()
    for reduction in REDUCTIONS:
        loss = case.make(reduction=reduction)
        close(loss(case.true, case.predicted), reduced(each, reduction))
        weights = rng.random(shapes_of_weights(case)[-1])
        expected = reduced(each, reduction, spread(weights, each))
        close(loss(case.true, case.predicted, weights), expected)
    for shape in shapes_of_weights(case)[:-1]:
        weights = rng.random(shape)
        expected = reduced(each, "mean", spread(weights, each))
        close(case.make()(case.true, case.predicted, weights), expected)
    for form in case.forms:
        close(case.make()(*form(case.true, case.predicted)), reduced(each, "mean"))


@pytest.mark.parametrize("case", [name for name, case in CASES.items() if case.marks])
def test_the_unknown_does_not_count(case):
    """However it is marked, and whatever is predicted there."""
    case = CASES[case]
    known = case.known()
    there = known if known.ndim == case.predicted.ndim else known[..., None]
    predicted = np.where(there, case.predicted, 99)
    for mark in case.marks:
        marked = np.where(known, case.true, np.asarray(mark, np.result_type(mark, "float32")))
        close(case.make()(marked, predicted), reduced(case.losses(), "mean"))


@pytest.mark.parametrize("case", [name for name in CASES if name != "void is 0"])
def test_gradients_in_fit(case):
    """One step on the predictions themselves moves them by minus the gradient."""
    case = CASES[case]
    start, rows = case.predicted, len(case.predicted)
    one_hot = keras.Input((rows,))
    outputs = keras.layers.Dense(start[0].size, use_bias=False)(one_hot)
    model = keras.Model(one_hot, keras.layers.Reshape(start.shape[1:])(outputs))
    loss = keras.losses.get(keras.losses.serialize(case.make()))
    model.compile(keras.optimizers.SGD(1.0), loss)
    nothing = [np.full(case.true.shape, mark, "float32") for mark in case.marks]
    for true in (case.true, *nothing):
        model.set_weights([start.reshape(rows, -1)])
        found = model.train_on_batch(np.eye(rows), true)
        moved = start - model.get_weights()[0].reshape(start.shape)
        if true is not case.true:
            assert float(found) == 0 and (moved == 0).all()
            continue
        assert float(found) == pytest.approx(reduced(case.losses(), "mean"), rel=1e-5)
        numeric = np.zeros(start.shape)
        for place in np.ndindex(start.shape):
            step = np.zeros(start.shape)
            step[place] = 1e-5
            sides = (case.reference(true, start.astype("float64") + s) for s in (step, -step))
            numeric[place] = np.subtract(*(reduced(side, "mean") for side in sides)) / 2e-5
        np.testing.assert_allclose(moved, numeric, rtol=1e-3, atol=1e-5)
        assert (moved[numeric == 0] == 0).all() and (numeric != 0).any()


@pytest.mark.parametrize("dtype", [pytest.param("float16", marks=ONE), "bfloat16"])
@pytest.mark.parametrize("case", CASES)
def test_half_precision_is_summed_in_full(case, dtype):
    case = CASES[case]
    half = ops.cast(case.predicted, dtype)
    found = case.make()(case.true, half)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    close(found, reduced(case.reference(case.true, value(half)), "mean"))


@ONE
@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_refused(case):
    case = CASES[case]
    for true, predicted, message in case.wrong:
        true = true if isinstance(true, np.ndarray) else np.ones(true)
        with pytest.raises(ValueError, match=message):
            case.make()(true, np.ones(predicted))
    rows = len(case.predicted)
    for shape in ((rows + 1,), (rows, 2), *[()] * (case.kind is losses.TripletLoss)):
        with pytest.raises(ValueError, match=r"`sample_weight` must have one value.*Received"):
            case.make()(case.true, case.predicted, np.ones(shape))


@ONE
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: losses.NormalsCodebookCrossentropy("words"), "`codebook`.*'words'"),
        (lambda: losses.SmoothL1(beta=0), "`beta` must be positive. Received: beta=0"),
        (lambda: losses.TripletLoss(-1), "`margin` must be at least 0. Received: margin=-1"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
