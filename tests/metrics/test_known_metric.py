"""Every metric over labels of which some are missing, against the same metric on the known part."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from keras import metrics, ops
from layer_checks import value

from keras_mtl import metrics as ours
from keras_mtl.metrics import KnownMetric

ONE = pytest.mark.one_backend
RNG = np.random.default_rng(20160627)
ROWS, PIXELS, NAN = (12,), (4, 3, 2), np.nan
CLASS = (NAN, -1)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def numbers(*lead):
    return normal(*lead, 3), normal(*lead, 3)


def positive(*lead):
    return tuple(RNG.uniform(0.2, 3, (2, *lead, 3)).astype("float32"))


def signs(*lead):
    return RNG.choice([-1.0, 1.0], (*lead, 3)).astype("float32"), normal(*lead, 3)


def yes_or_no(*lead):
    return RNG.integers(0, 2, (*lead, 3)).astype("float32"), RNG.random((*lead, 3)).astype(
        "float32"
    )


def single(*lead):
    return tuple(x[..., :1] for x in yes_or_no(*lead))


def chances(*lead):
    scores = np.exp(normal(*lead, 3))
    return RNG.integers(0, 3, lead).astype("float32"), scores / scores.sum(-1, keepdims=True)


def one_hot(*lead):
    label, predicted = chances(*lead)
    return np.eye(3, dtype="float32")[label.astype(int)], predicted


def shares(*lead):
    return one_hot(*lead)[1], one_hot(*lead)[1]


def equals(*lead):
    return tuple(RNG.integers(0, 3, (2, *lead, 3)).astype("float32"))


def class_maps(*lead):
    """Predicted are numbers of classes, with no axis of scores."""
    return tuple(RNG.integers(0, 3, (2, *lead)).astype("float32"))


def mean_ratio(y_true, y_pred):
    """No number at a label of 0."""
    return ops.mean(y_pred / y_true, axis=-1)


def mean_error(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@dataclass
class Case:
    metric: Any  # A class with options, a name or a function.
    draw: Callable
    options: Any = None
    each: bool = False  # Whether every number counts by itself.
    marks: tuple = (NAN,)
    leads: tuple = (ROWS, PIXELS)
    unknown_alone: bool = True  # Whether it is a number where no label stands in for others.
    plain: Any = None

    def given(self):
        return self.metric if self.options is None else self.metric(**self.options)

    def make(self):
        return KnownMetric(self.given(), [mark for mark in self.marks if mark == mark])

    def make_plain(self):
        metric = metrics.get(self.plain or self.given())
        known = isinstance(metric, metrics.Metric)
        return metric if known else metrics.MeanMetricWrapper(metric)


def of_kind(kind, draw, *, each=False, marks=(NAN,), **options):
    more = {key: options.pop(key) for key in ("leads",) if key in options}
    return Case(kind, draw, options, each, marks, **more)


CASES = {
    "root": of_kind(metrics.RootMeanSquaredError, numbers, each=True),
    "squared": of_kind(metrics.MeanSquaredError, numbers, each=True),
    "absolute": of_kind(metrics.MeanAbsoluteError, numbers, each=True),
    "percentage": of_kind(metrics.MeanAbsolutePercentageError, positive, each=True),
    "logarithmic": of_kind(metrics.MeanSquaredLogarithmicError, positive, each=True),
    "log cosh": of_kind(metrics.LogCoshError, numbers, each=True),
    "poisson": of_kind(metrics.Poisson, positive, each=True),
    "hinge": of_kind(metrics.Hinge, signs, each=True),
    "squared hinge": of_kind(metrics.SquaredHinge, signs, each=True),
    "binary": of_kind(metrics.BinaryCrossentropy, yes_or_no, each=True, marks=CLASS),
    "binary accuracy": of_kind(metrics.BinaryAccuracy, yes_or_no, each=True, marks=CLASS),
    "equal": of_kind(metrics.Accuracy, equals, each=True, marks=CLASS),
    "auc": of_kind(metrics.AUC, yes_or_no, each=True, marks=CLASS),
    "auc of each": of_kind(
        *(metrics.AUC, yes_or_no), multi_label=True, num_labels=3, leads=(ROWS,)
    ),
    "precision": of_kind(metrics.Precision, yes_or_no, each=True, marks=CLASS),
    "precision of one": of_kind(metrics.Precision, yes_or_no, class_id=1),
    "recall": of_kind(metrics.Recall, yes_or_no, each=True, marks=CLASS),
    "recall of the first": of_kind(metrics.Recall, yes_or_no, top_k=2),
    "positives": of_kind(metrics.TruePositives, yes_or_no, each=True, marks=CLASS),
    "negatives": of_kind(metrics.TrueNegatives, yes_or_no, each=True, marks=CLASS),
    "wrong positives": of_kind(metrics.FalsePositives, yes_or_no, each=True, marks=CLASS),
    "wrong negatives": of_kind(metrics.FalseNegatives, yes_or_no, each=True, marks=CLASS),
    "sensitivity": of_kind(
        metrics.SensitivityAtSpecificity, yes_or_no, each=True, marks=CLASS, specificity=0.5
    ),
    "specificity": of_kind(
        metrics.SpecificityAtSensitivity, yes_or_no, each=True, marks=CLASS, sensitivity=0.5
    ),
    "precision at": of_kind(metrics.PrecisionAtRecall, yes_or_no, each=True, recall=0.5),
    "recall at": of_kind(metrics.RecallAtPrecision, yes_or_no, each=True, precision=0.4),
    "binary IoU": of_kind(metrics.BinaryIoU, yes_or_no, each=True, marks=CLASS),
    "f1": of_kind(metrics.F1Score, one_hot, leads=(ROWS,)),
    "f beta": of_kind(metrics.FBetaScore, one_hot, beta=2.0, average="macro", leads=(ROWS,)),
    "r2": of_kind(metrics.R2Score, numbers, leads=(ROWS,)),
    "categorical": of_kind(metrics.CategoricalCrossentropy, one_hot),
    "categorical accuracy": of_kind(metrics.CategoricalAccuracy, one_hot),
    "first two": of_kind(metrics.TopKCategoricalAccuracy, one_hot, k=2),
    "categorical hinge": of_kind(metrics.CategoricalHinge, one_hot),
    "divergence": of_kind(metrics.KLDivergence, shares),
    "cosine": of_kind(metrics.CosineSimilarity, numbers),
    "pearson": of_kind(metrics.PearsonCorrelation, numbers),
    "concordance": of_kind(metrics.ConcordanceCorrelation, numbers),
    "sparse": of_kind(metrics.SparseCategoricalCrossentropy, chances, marks=CLASS, leads=(ROWS,)),
    "sparse accuracy": of_kind(metrics.SparseCategoricalAccuracy, chances, marks=CLASS),
    "sparse first two": of_kind(metrics.SparseTopKCategoricalAccuracy, chances, k=2, marks=CLASS),
    "IoU": of_kind(
        *(metrics.IoU, chances),
        num_classes=3,
        target_class_ids=[0, 2],
        sparse_y_pred=False,
        marks=CLASS,
    ),
    "mean IoU": of_kind(metrics.MeanIoU, chances, num_classes=3, sparse_y_pred=False, marks=CLASS),
    "IoU of classes": of_kind(
        metrics.IoU, class_maps, num_classes=3, target_class_ids=[0, 2], marks=CLASS
    ),
    "mean IoU of classes": of_kind(metrics.MeanIoU, class_maps, num_classes=3, marks=CLASS),
    "one-hot IoU": of_kind(metrics.OneHotIoU, one_hot, num_classes=3, target_class_ids=[1]),
    "one-hot mean IoU": of_kind(metrics.OneHotMeanIoU, one_hot, num_classes=3),
    "mae": Case("mae", numbers, each=True),
    "accuracy": Case("accuracy", chances, marks=CLASS, plain="sparse_categorical_accuracy"),
    "acc": Case("acc", one_hot, plain="categorical_accuracy"),
    "accuracy of one": Case(*("accuracy", single), each=True, marks=CLASS, plain="binary_accuracy"),
    "function": Case(mean_error, numbers),
    "ratio": Case(mean_ratio, positive, unknown_alone=False),
    "segmentation": of_kind(ours.PixelAccuracy, chances, num_classes=3, marks=(255, *CLASS)),
    "classes of pixels": of_kind(ours.MeanIU, chances, num_classes=3, marks=(255, *CLASS)),
}
for case in list(CASES.values())[-2:]:
    case.leads = (PIXELS,)
NONE_OF_ANY = {metrics.Metric, metrics.Mean, metrics.Sum, metrics.MeanMetricWrapper}
ON_ALL = ["mae", "binary accuracy", "accuracy", "auc", "f1", "mean IoU", "cosine", "pearson"]
PAIRS = [
    pytest.param(
        *(name, lead),
        id=f"{name}, {len(lead)} axes",
        marks=[ONE] * (lead != case.leads[0] or name not in ON_ALL),
    )
    for name, case in CASES.items()
    for lead in case.leads
    if lead == case.leads[0]
    or name in [*ON_ALL, "one-hot IoU", "IoU of classes", "precision of one", "equal", "pearson"]
]


def some_of(shape):
    known = np.arange(np.prod(shape)) < round(0.6 * np.prod(shape))
    return RNG.permutation(known).reshape(shape)


def without(true, known, mark):
    known = known.reshape(*known.shape, *[1] * (true.ndim - known.ndim))
    return np.where(known, true, np.float32(mark))


def near(found, expected):
    found, expected = (keras.tree.map_structure(value, each) for each in (found, expected))
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6), found, expected
    )


def is_nan(found):
    return all(np.isnan(value(each)).all() for each in keras.tree.flatten(found))


def check(case, lead, singly):
    """After two batches, each of which has unknown labels, and one that has no other."""
    metric, plain = case.make(), case.make_plain()
    if case.unknown_alone:
        metric.update_state(*batch_of_nothing(case, lead))
    assert is_nan(metric.result())
    for number, mark in enumerate([*case.marks, NAN][:2]):
        true, predicted = case.draw(*lead)
        known = some_of(true.shape if singly else lead)
        weights = RNG.random(known.shape).astype("float32") if number else None
        if isinstance(case.given(), (metrics.IoU, ours.PixelAccuracy, ours.MeanIU)):
            weights = None if weights is None else np.ceil(2 * weights)
        metric.update_state(without(true, known, mark), predicted, weights)
        parts = [x[known] for x in (true, predicted)]
        if singly:
            parts = [x[:, None] for x in parts]
        elif isinstance(plain, ours.PixelAccuracy | ours.MeanIU):
            parts = [x[None, None] for x in parts]
        of_known = None if weights is None else weights[known]
        if of_known is not None and isinstance(plain, ours.PixelAccuracy | ours.MeanIU):
            of_known = of_known[None, None]
        if of_known is not None and isinstance(plain, metrics.BinaryIoU):
            of_known = np.broadcast_to(of_known[:, None], parts[0].shape)  # Keras does not.
        plain.update_state(*parts, of_known)
        if case.unknown_alone:
            metric.update_state(*batch_of_nothing(case, lead))
        near(metric.result(), plain.result())
    metric.reset_state()
    assert is_nan(metric.result())


def batch_of_nothing(case, lead):
    true, predicted = case.draw(*lead)
    return without(true, np.zeros(lead, bool), case.marks[-1]), predicted


@pytest.fixture(autouse=True)
def _same_draws_whatever_ran_before():
    global RNG
    RNG = np.random.default_rng(20160627)


@ONE
def test_the_table_is_complete():
    every = {each for each in vars(metrics).values() if isinstance(each, type)}
    assert every - NONE_OF_ANY == {case.metric for case in CASES.values() if case.metric in every}


@pytest.mark.parametrize("name, lead", PAIRS)
def test_positions_are_left_out(name, lead):
    check(CASES[name], lead, singly=False)


@pytest.mark.parametrize("name, lead", [x for x in PAIRS if CASES[x.values[0]].each])
def test_numbers_are_left_out_one_by_one(name, lead):
    check(CASES[name], lead, singly=True)


@ONE
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["mae", "mean IoU"])
def test_nobody_is_warned_of_weights_that_he_has_not_given(name):
    CASES[name].make().update_state(*CASES[name].draw(*ROWS))


@pytest.mark.parametrize("name", ["mae", "sparse accuracy", "auc", "f1"])
def test_of_everything_it_is_the_plain_metric(name):
    case = CASES[name]
    true, predicted = case.draw(*ROWS)
    metric, plain = case.make(), case.make_plain()
    for each in (metric, plain):
        each.update_state(true, predicted)
    near(metric.result(), plain.result())
    metric.update_state(None, predicted)  # A task that is absent.
    near(metric.result(), plain.result())


@pytest.mark.parametrize("name", ["mae", "sparse accuracy", "cosine"])
def test_what_is_predicted_of_the_unknown_does_not_matter(name):
    case = CASES[name]
    true, predicted = case.draw(*ROWS)
    known = some_of(ROWS)
    metric, plain = case.make(), case.make_plain()
    metric.update_state(without(true, known, NAN), np.where(known[:, None], predicted, NAN))
    plain.update_state(true[known], predicted[known])
    near(metric.result(), plain.result())


@pytest.mark.parametrize("name", ["sparse accuracy", "cosine"])
def test_masks_of_outputs_count_too(name):
    """As Keras has it where a metric is the mean of a function."""
    case = CASES[name]
    true, predicted = case.draw(2, 3)
    mask, known = np.array([[True, True, False], [False, True, True]]), some_of((2, 3))
    masked = ops.convert_to_tensor(predicted)
    masked._keras_mask = ops.convert_to_tensor(mask)
    for among in (known, np.ones_like(known)):
        metric, plain = case.make(), case.make_plain()
        metric.update_state(without(true, among, NAN), masked)
        plain.update_state(true[among & mask], predicted[among & mask])
        near(metric.result(), plain.result())


@ONE
def test_a_batch_of_nothing_spoils_no_function_of_ones_own():
    metric = KnownMetric(mean_ratio)
    metric.update_state(np.ones((3, 2)), np.ones((3, 2), "float32"))
    metric.update_state(np.full((3, 2), NAN), np.ones((3, 2), "float32"))
    assert float(metric.result()) == 1


# Against scikit-learn


@ONE
@pytest.mark.parametrize("seed", range(3))
def test_as_scikit_learn_has_it(seed):
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    known = rng.random(200) < rng.uniform(0.2, 0.9)
    label, scores = rng.integers(0, 4, 200), rng.random((200, 4)).astype("float32")
    scores /= scores.sum(-1, keepdims=True)
    real, guess = rng.normal(size=(2, 200, 2)).astype("float32")
    yes, chance = label > 1, scores[:, :1]
    best, weights = scores[known].argmax(-1), rng.random(200)
    hot = np.where(known[:, None], np.eye(4)[label], NAN)

    def found(metric, true, predicted, weights=None):
        metric = KnownMetric(metric, [-1])
        for rows in np.split(np.arange(200), [7, 50, 100]):
            given = None if weights is None else weights[rows]
            metric.update_state(true[rows], predicted[rows], given)
        return value(metric.result())

    def same(one, other, tolerance=1e-5):
        np.testing.assert_allclose(one, other, rtol=tolerance)

    of_class, of_number = np.where(known, label, -1), without(real, known, NAN)
    same(found("accuracy", of_class, scores), sk.accuracy_score(label[known], best))
    same(
        found("accuracy", of_class, scores, weights),
        sk.accuracy_score(label[known], best, sample_weight=weights[known]),
    )
    for average in ("macro", "micro", "weighted"):
        same(
            found(metrics.F1Score(average), hot, scores),
            sk.f1_score(label[known], best, average=average),
        )
    same(found("mae", of_number, guess), sk.mean_absolute_error(real[known], guess[known]))
    same(found(metrics.R2Score(), of_number, guess), sk.r2_score(real[known], guess[known]), 1e-4)
    of_yes = np.where(known, yes, -1)[:, None]
    exact = metrics.AUC(num_thresholds=20_000)
    same(found(exact, of_yes, chance), sk.roc_auc_score(yes[known], chance[known]), 1e-3)
    exact = metrics.AUC(num_thresholds=20_000, curve="PR")
    same(found(exact, of_yes, chance), sk.average_precision_score(yes[known], chance[known]), 3e-2)
    same(
        found("precision", of_yes, chance > 0.3),
        sk.precision_score(yes[known], chance[known] > 0.3),
    )


# The library's own


@ONE
@pytest.mark.parametrize("mark", [NAN, -999])
def test_metrics_of_the_library(mark):
    """They know of NaN themselves, and of what else it is said to be."""
    normals = normal(*PIXELS, 3)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    depth = RNG.uniform(0.5, 8, PIXELS).astype("float32")
    for metric, true, predicted in (
        (ours.NormalsScores(), normals, normal(*PIXELS, 3)),
        (ours.DepthScores(), depth, normal(*PIXELS, 1)),
        (ours.MapAbsoluteError(), depth[..., None], normal(*PIXELS, 1)),
        (ours.SegmentationScores(3), *chances(*PIXELS)),
    ):
        known = some_of(PIXELS)
        of_known = KnownMetric(metric, [mark])
        of_known.update_state(without(true, known, mark), predicted)
        plain = type(metric).from_config(metric.get_config())
        plain.update_state(true[known][None, None], predicted[known][None, None])
        near(of_known.result(), plain.result())
        of_known.reset_state()
        of_known.update_state(without(true, np.zeros(PIXELS, bool), mark), predicted)
        assert is_nan(of_known.result())


# Files and arguments


@ONE
@pytest.mark.parametrize("name", ["mae", "accuracy", "acc", "sparse accuracy", "segmentation"])
def test_configuration(name):
    case = CASES[name]
    lead = case.leads[0]
    true, predicted = case.draw(*lead)
    metric = KnownMetric(case.given(), [-1, 7], name="mine")
    twin = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(twin) is KnownMetric and (twin.name, tuple(twin.missing)) == ("mine", (-1, 7))
    labels = without(true, some_of(lead), 7)
    for each in (metric, twin):
        each.update_state(labels, predicted)
    near(twin.result(), metric.result())


@ONE
def test_names():
    assert KnownMetric("mae").name == "mae" and KnownMetric("accuracy").name == "accuracy"
    assert KnownMetric(metrics.AUC(name="area")).name == "area"
    assert KnownMetric(mean_error).name == "mean_error"


@ONE
@pytest.mark.parametrize("metric", ["maee", 3, None])
def test_what_is_no_metric_is_refused(metric):
    with pytest.raises(ValueError, match="`metric` must be a metric, or the name of one. Rec"):
        KnownMetric(metric)
