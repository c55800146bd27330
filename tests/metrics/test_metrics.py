"""What all metrics have in common, against references in NumPy: batches, weights, the unknown."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import check_configuration, check_table, value

from keras_mtl import losses, metrics
from keras_mtl.geometry import NormalsCodebook

BOOK = NormalsCodebook.default()
SHAPE = (6, 3, 4)  # Of six examples.
BIN = metrics.MedianAngularError.BIN_WIDTH
RNG = np.random.default_rng(20160627)


def some(shape, share=0.3):
    return RNG.random(shape) < share


# References: of targets, predictions, and weights of the shape of the positions


def mean_of(values):
    """A weighted mean of what a function gives, with which of it is known."""

    def reference(true, predicted, weights):
        each, known = values(true, predicted.astype("float64"))
        return np.average(each[known], weights=np.broadcast_to(weights, each.shape)[known])

    return reference


def depth_error(true, predicted):
    return np.abs(true - predicted[..., 0]), true > 0


def relative_error(true, predicted):
    return np.abs(true - predicted[..., 0]) / np.where(true > 0, true, 1), true > 0


def within_ratio(threshold):
    def within(true, predicted):
        ratio = predicted[..., 0] / np.where(true > 0, true, 1)
        return (1 / threshold < ratio) & (ratio < threshold), true > 0

    return mean_of(within)


def map_error(true, predicted):
    return np.abs(true - predicted.reshape(true.shape)), np.isfinite(true)


def degrees(true, predicted):
    if predicted.shape[-1] != 3:
        shares = np.exp(predicted - predicted.max(-1, keepdims=True))
        predicted = value(BOOK.decode(shares / shares.sum(-1, keepdims=True)))
    cross = np.linalg.norm(np.cross(true, predicted), axis=-1)
    return np.rad2deg(np.arctan2(cross, (true * predicted).sum(-1))), np.abs(true).sum(-1) > 0


def median(true, predicted, weights):
    """Between which angles it lies: as much weight is below as above."""
    angles, known = degrees(true, predicted.astype("float64"))
    order = np.argsort(angles[known])
    upto = np.cumsum(np.broadcast_to(weights, angles.shape)[known][order])
    first, last = (np.searchsorted(upto, upto[-1] * half) for half in (0.5 - 1e-6, 0.5 + 1e-6))
    return tuple(angles[known][order][[first, last]])


def within_angle(angle):
    def within(true, predicted):
        angles, known = degrees(true, predicted)
        return angles < angle, known

    return mean_of(within)


def confusion(score, void=255):
    """A function of each class's pixels: of it, of it or found as it, and both."""

    def reference(true, predicted, weights):
        weights = np.where(true == void, 0, weights)
        found = predicted.argmax(-1)
        is_class = [(true == c, found == c) for c in range(predicted.shape[-1])]
        return score(
            *(weights[t].sum() for t, _ in is_class),
            both=np.array([weights[t & f].sum() for t, f in is_class]),
            either=np.array([weights[t | f].sum() for t, f in is_class]),
        )

    return reference


def pixel_accuracy(*truth, both, either):
    return both.sum() / sum(truth)


def mean_iu(*truth, both, either):
    return np.mean(both[either > 0] / either[either > 0])


def weighted_iu(*truth, both, either):
    return (both / np.maximum(either, 1e-9) * truth).sum() / sum(truth)


def triplets(_, predicted):
    anchor, positive, negative = predicted.reshape(-1, 3, predicted.shape[-1]).swapaxes(0, 1)
    near, far = (np.linalg.norm(anchor - other, axis=1) for other in (positive, negative))
    return near < far, np.full(len(near), True)


# Data: six examples, or triplets


@dataclass
class Data:
    true: np.ndarray
    predicted: np.ndarray
    marks: tuple  # Of the unknown.
    loss: keras.losses.Loss
    wrong: str  # What is said of predictions that lack a column, or have one too many.
    forms: tuple = field(default_factory=lambda: (lambda true, predicted: (true, predicted),))

    def known(self):
        """Which targets are, in a form that goes with them."""
        mark, true = self.marks[0], self.true
        if true.shape[-1] == 3:
            return np.abs(true).sum(-1, keepdims=True) > 0
        return ~np.isnan(true) if np.isnan(mark) else true != mark

    def shapes_of_weights(self):
        if isinstance(self.loss, losses.TripletLoss):
            return [(18,), (18, 1)]
        return [(6,), (6, 1, 1), SHAPE, (*SHAPE, 1)]

    def spread(self, weights):
        """Weights in a form that goes with the positions."""
        if len(weights) == 18:
            return weights.ravel()[::3]  # A triplet has the weight of its anchor.
        weights = weights.reshape(*weights.shape[:3], *[1] * (3 - weights.ndim))
        weights = np.broadcast_to(weights, SHAPE)
        several = self.true.ndim == 4 and self.true.shape[-1] == 2
        return weights[..., None] if several else weights


def maps(*last):
    true = np.where(some((*SHAPE, *last)), 0, RNG.normal(size=(*SHAPE, *last)))
    return np.where(some(true.shape), np.nan, true).astype("float32")


def numbers(*last):
    return RNG.normal(size=(*SHAPE, *last)).astype("float32")


FORMS = (
    lambda true, predicted: (true[..., None], predicted),
    lambda true, predicted: (true, predicted[..., 0]),
)
METRES = np.where(some(SHAPE), 0, RNG.uniform(0.3, 9, SHAPE)).astype("float32")
GUESSES = (METRES * np.exp(RNG.normal(0, 0.5, SHAPE)) * np.where(some(SHAPE, 0.1), -1, 1))[
    ..., None
]
NORMALS = np.where(some((*SHAPE, 1)), 0, numbers(3))
NORMALS /= np.maximum(np.linalg.norm(NORMALS, axis=-1, keepdims=True), 1e-9)
TURNED = 3 * NORMALS + numbers(3) * RNG.choice([0.05, 1, 9], (*SHAPE, 1))
LABELS = RNG.integers(0, 4, SHAPE).astype("uint8")  # None is of class 4.
SCORES = numbers(5) + 1.5 * np.eye(256)[LABELS][..., :5] - [0, 0, 0, 0, 9]
LABELS[some(SHAPE)] = 255
BY_SHAPE, ONE_SHAPE = "`y_pred` of shape .*Received", "`y_true` and `y_pred` must have one shape"
DEPTH = Data(
    METRES, GUESSES.astype("float32"), (0, -1, np.nan, np.inf), losses.DepthL1(), ONE_SHAPE, FORMS
)
MAP = Data(maps(), numbers(1), (np.nan, np.inf), losses.MapL1(), ONE_SHAPE, FORMS)
# Of some pixels one number is known, the other one not.
VECTORS = Data(maps(2), numbers(2), (np.nan,), losses.MapL1(), ONE_SHAPE)
ANGLES = Data(NORMALS, TURNED.astype("float32"), (0, np.nan), losses.NormalsCosine(), BY_SHAPE)
WORDS = replace(ANGLES, predicted=numbers(20), loss=losses.NormalsCodebookCrossentropy(BOOK))
CLASSES = Data(
    *(LABELS, SCORES.astype("float32"), (255,), losses.SegmentationCrossentropy(), BY_SHAPE),
    forms=FORMS[:1],
)
VOID = replace(CLASSES, true=np.where(LABELS == 255, -1, LABELS.astype("int32")), marks=(-1,))
TRIPLETS = Data(
    *(np.zeros(18, "float32"), RNG.normal(size=(18, 4)).astype("float32"), ()),
    *(losses.TripletLoss(), r"`y_pred` must be of shape \(3K, D\)"),
)


# The table


@dataclass
class Case:
    kind: type
    options: dict[str, Any]
    data: Data
    reference: Callable | dict[str, Callable]
    diverged: Any  # The result of predictions that are NaN.
    name: str = ""  # If it is not that of the class.

    def make(self):
        return self.kind(**self.options)

    def expected(self, weights=None, predicted=None):
        """Of each score, by its name; one score has none."""
        data, known = self.data, isinstance(self.reference, dict)
        weights = data.spread(np.ones(data.shapes_of_weights()[0]) if weights is None else weights)
        predicted = data.predicted if predicted is None else predicted
        references = self.reference if known else {"": self.reference}
        return {key: of(data.true, predicted, weights) for key, of in references.items()}


def results(metric):
    found = metric.result()
    found = found if isinstance(found, dict) else {"": found}
    return {name: float(value(score)) for name, score in found.items()}


def close(found, expected):
    """Equal, or less than a bin beyond the angles between which a median lies."""
    assert list(found) == list(expected)
    for name, score in expected.items():
        assert np.isnan(found[name]) == np.isnan(score).any(), name
        near = BIN if isinstance(score, tuple) else 0
        nearest = np.clip(found[name], np.min(score) - near, np.max(score) + near)
        np.testing.assert_allclose(found[name], nearest, rtol=1e-5, atol=1e-6, err_msg=name)


ERRORS = {"absolute_error": mean_of(depth_error), "relative_error": mean_of(relative_error)}
RATIOS = {f"within_{1.25**n:.10g}": within_ratio(1.25**n) for n in (1, 2, 3)}
SHARES = {f"within_{angle:g}": within_angle(angle) for angle in (11.25, 22.5, 30)}
MEAN = mean_of(degrees)
PARTS = {"mean_angular_error": MEAN, "median_angular_error": median, **SHARES}
OF_CLASSES = {
    "pixel_accuracy": pixel_accuracy,
    "mean_iu": mean_iu,
    "frequency_weighted_iu": weighted_iu,
}
OF_CLASSES |= {
    f"iu_of_{c}": lambda *_, both, either, c=c: both[c] / either[c] if either[c] else np.nan
    for c in range(5)
}


def prefixed(name, references):
    return {f"{name}_{key}": each for key, each in references.items()}


def of_classes(kind, scores, name, **options):
    """With void pixels of 255, which is the default, and of another label."""

    def references(void):
        if callable(scores):
            return confusion(scores, void)
        return prefixed(name, {key: confusion(score, void) for key, score in scores.items()})

    options, diverged = {"num_classes": 5} | options, np.nan if callable(scores) else None
    first = Case(kind, options, CLASSES, references(255), diverged, name)
    options = options | {"ignore_class": -1}
    return {name: first, f"{name}, -1": Case(kind, options, VOID, references(-1), None, name)}


CASES = {
    "depth": Case(
        *(metrics.DepthAbsoluteError, {}, DEPTH, ERRORS["absolute_error"], np.nan, "absolute_error")
    ),
    "relative": Case(
        *(metrics.DepthRelativeError, {}, DEPTH, ERRORS["relative_error"], np.nan, "relative_error")
    ),
    "ratio": Case(
        *(metrics.DepthWithinRatio, {"threshold": 2}, DEPTH, within_ratio(2), 0, "within_2")
    ),
    "depths": Case(
        *(metrics.DepthScores, {}, DEPTH, prefixed("depth", ERRORS | RATIOS), None, "depth")
    ),
    "map": Case(metrics.MapAbsoluteError, {}, MAP, mean_of(map_error), np.nan, "absolute_error"),
    "vectors": Case(
        *(metrics.MapAbsoluteError, {}, VECTORS, mean_of(map_error), np.nan, "absolute_error")
    ),
    "mean angle": Case(metrics.MeanAngularError, {}, ANGLES, MEAN, np.nan),
    "median angle": Case(metrics.MedianAngularError, {}, ANGLES, median, (180, 180)),
    "angle": Case(
        *(metrics.WithinAngle, {"degrees": 22.5}, ANGLES, SHARES["within_22.5"], 0, "within_22.5")
    ),
    "normals": Case(metrics.NormalsScores, {}, ANGLES, prefixed("normals", PARTS), None, "normals"),
    "mean of words": Case(metrics.MeanAngularError, {"codebook": BOOK}, WORDS, MEAN, None),
    "median of words": Case(metrics.MedianAngularError, {"codebook": BOOK}, WORDS, median, None),
    "angle of words": Case(
        *(metrics.WithinAngle, {"degrees": 30, "codebook": BOOK}, WORDS, SHARES["within_30"]),
        *(None, "within_30"),
    ),
    "words": Case(
        metrics.NormalsScores,
        {"codebook": BOOK, "name": "words"},
        *(WORDS, prefixed("words", PARTS), None, "words"),
    ),
    **of_classes(metrics.PixelAccuracy, pixel_accuracy, "pixel_accuracy"),
    **of_classes(metrics.MeanIU, mean_iu, "mean_iu"),
    **of_classes(metrics.FrequencyWeightedIU, weighted_iu, "frequency_weighted_iu"),
    **of_classes(metrics.SegmentationScores, OF_CLASSES, "segmentation", per_class=True),
    "triplets": Case(metrics.TripletAccuracy, {}, TRIPLETS, mean_of(triplets), 0),
}

# Parts of what is tested on every backend, and the same with other options.
ON_ONE = ["mean of words", "median of words", "angle of words", "relative", "mean angle"]
ON_ONE += ["pixel_accuracy", "frequency_weighted_iu"]
ON_ONE += [name for name in CASES if name.endswith(", -1")]


def every(wanted=lambda case: True):
    """The names of the cases that are wanted, some of which run on one backend."""
    one = pytest.mark.one_backend
    names = [name for name, case in CASES.items() if wanted(case)]
    return [pytest.param(name, marks=[one] * (name in ON_ONE)) for name in names]


@pytest.mark.one_backend
def test_the_table_is_complete():
    check_table(CASES, metrics, but=[metrics.KnownMetric])


@pytest.mark.one_backend
@pytest.mark.parametrize("case", CASES)
def test_configuration(case):
    case = CASES[case]
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", case.kind.__name__).lower()
    assert case.make().name == (case.name or name)
    check_configuration(replace(case, options={**case.options, "name": "mine"}))


@pytest.mark.parametrize("case", every())
def test_results(rng, case):
    """At once, batch by batch in all forms of the data, and with all forms of weights."""
    case, metric = CASES[case], CASES[case].make()
    data = case.data
    close(results(metric), dict.fromkeys(case.expected(), np.nan))  # Before anything has come.
    metric.update_state(data.true, data.predicted)
    whole = results(metric)
    close(whole, case.expected())
    third = len(data.true) // 3
    for form in data.forms:
        metric.reset_state()
        metric.update_state(data.true[third:], data.predicted[third:])
        metric.update_state(*form(data.true[:third], data.predicted[:third]))
        assert results(metric) == pytest.approx(whole, rel=1e-5, nan_ok=True)
    for shape in data.shapes_of_weights():
        weights = rng.random(shape) * (rng.random(shape) < 0.8)
        metric.reset_state()
        metric.update_state(data.true, data.predicted, weights)
        close(results(metric), case.expected(weights))


@pytest.mark.parametrize("case", every(lambda case: case.data.marks))
def test_the_unknown_does_not_count(case):
    """However it is marked, and whatever is predicted there."""
    case, metric = CASES[case], CASES[case].make()
    data, known = case.data, case.data.known()
    there = known if known.ndim == data.predicted.ndim else known[..., None]
    predicted = np.where(there, data.predicted, np.nan)
    for mark in data.marks:
        mark = np.asarray(mark, np.result_type(data.true, np.asarray(mark, "float32")))
        metric.reset_state()
        metric.update_state(np.full(data.true.shape, mark), data.predicted)
        close(results(metric), dict.fromkeys(case.expected(), np.nan))
        metric.update_state(np.where(known, data.true, mark), predicted)
        close(results(metric), case.expected())


@pytest.mark.parametrize("case", every(lambda case: case.diverged is not None))
def test_a_network_that_diverged_is_seen(case):
    case = CASES[case]
    found = float(case.make()(case.data.true, np.full_like(case.data.predicted, np.nan)))
    close({"": found}, {"": case.diverged})


@pytest.mark.parametrize("case", every())
def test_half_precision_is_counted_in_full(case):
    case, metric = CASES[case], CASES[case].make()
    half = ops.cast(case.data.predicted, "float16")
    metric.update_state(case.data.true, half)
    close(results(metric), case.expected(predicted=value(half)))
    types = {x.dtype for x in keras.tree.flatten(metric.result())}
    assert {keras.backend.standardize_dtype(x) for x in types} == {"float32"}


FITS = [["depths"], ["vectors"], ["normals"], ["segmentation"], ["triplets"]]
for each in (DEPTH, MAP, WORDS, CLASSES):
    same = [name for name, case in CASES.items() if case.data is each]
    FITS.append(pytest.param(same, marks=pytest.mark.one_backend))


@pytest.mark.parametrize("names", FITS, ids=str)
def test_fit_and_files(names, rng, tmp_path):
    """A compiled model comes back with its metrics, which `fit` and `evaluate` weight."""
    cases = [CASES[name] for name in names]
    data = cases[0].data
    image = keras.Input(data.predicted.shape[1:])
    same = keras.layers.Dense(data.predicted.shape[-1], kernel_initializer="identity")
    model = keras.Model(image, same(image))
    model.compile(keras.optimizers.SGD(1e-3), data.loss, weighted_metrics=[c.make() for c in cases])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config() == model.get_compile_config()
    rows, size = len(data.true), 4 if len(data.true) == 6 else 12
    weights = np.repeat(rng.random(rows // 3), 3) * (np.arange(rows) > 2)
    inputs = data.predicted, data.true, weights
    options = dict(batch_size=size, verbose=0)
    loaded.fit(*inputs[:2], sample_weight=weights, shuffle=False, **options)
    found = loaded.evaluate(*inputs[:2], sample_weight=weights, return_dict=True, **options)
    kernel, bias = loaded.get_weights()
    assert (kernel != np.eye(len(kernel))).any()
    for case in cases:
        expected = case.expected(weights, data.predicted @ kernel + bias)
        expected = {key or case.make().name: score for key, score in expected.items()}
        close({name: float(found[name]) for name in expected}, expected)


@pytest.mark.one_backend
@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_refused(case):
    case, data = CASES[case], CASES[case].data
    rows, last = len(data.true), data.predicted.shape[-1]
    wrong = [data.predicted[:4], np.concatenate([data.predicted] * 2, -1), data.predicted[..., 0]]
    for predicted in wrong[:1] if last == 4 else wrong[1:] if data.wrong == BY_SHAPE else wrong[:2]:
        with pytest.raises(ValueError, match=data.wrong):
            case.make().update_state(data.true, predicted)
    for shape in ((rows - 1,), (rows, 2)):
        with pytest.raises(ValueError, match="`sample_weight` must have one value.*Received"):
            case.make().update_state(data.true, data.predicted, np.ones(shape))
