"""Every loss over labels of which some are missing, against the same loss on those that are known.

The reference chooses what is known with NumPy and asks the plain loss, of Keras or of the library.
"""

import functools
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from keras import losses, ops
from layer_checks import value

from keras_mtl import losses as ours
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.losses import KnownLoss

ONE = pytest.mark.one_backend
RNG = np.random.default_rng(20160627)
ROWS, PIXELS, NAN = (6,), (2, 3, 2), np.nan
KNOWN = 0.6  # Of what is known, the share: the same in all draws, so that shapes are.
BOOK = NormalsCodebook.default()


# Functions of one's own


def ratio_of_each(y_true, y_pred):
    """A value for each number; with a label of 0 it divides by zero."""
    return ops.abs(y_true - y_pred) / ops.abs(y_true)


def mean_of_last(y_true, y_pred):
    return ops.mean(ops.square(ops.square(y_true - y_pred)), axis=-1)


def log_ratio_of_last(y_true, y_pred):
    """NaN in value and gradient at a label of 0."""
    return ops.mean(y_pred * ops.log(y_true) + ops.sqrt(y_true) * y_pred, axis=-1)


def one_number(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred) * ops.abs(y_pred))


@keras.saving.register_keras_serializable("tests")
class Own(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)


# Labels and outputs of shapes (..., 4), or without the last axis


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def numbers(*lead):
    return normal(*lead, 4), normal(*lead, 4)


def single(*lead):
    return normal(*lead, 1), normal(*lead, 1)


def positive(*lead):
    return tuple(RNG.uniform(0.2, 3, (2, *lead, 4)).astype("float32"))


def signs(*lead):
    return RNG.choice([-1.0, 1.0], (*lead, 4)).astype("float32"), normal(*lead, 4)


def yes_or_no(*lead):
    return RNG.integers(0, 2, (*lead, 4)).astype("float32"), normal(*lead, 4)


def classes(*lead):
    return RNG.integers(0, 4, lead).astype("float32"), normal(*lead, 4)


def chances(*lead):
    label, predicted = one_hot(*lead)
    return label.argmax(-1).astype("float32"), predicted


def one_hot(*lead):
    scores = np.exp(normal(*lead, 4))
    label = np.eye(4, dtype="float32")[RNG.integers(0, 4, lead)]
    return label, scores / scores.sum(-1, keepdims=True)


def shares(*lead):
    return tuple(one_hot(*lead)[1] for _ in range(2))


def marked(*lead):
    return RNG.integers(0, 4, lead).astype("float32"), normal(*lead, 4)


def sentences(*lead):
    return RNG.integers(1, 4, (*lead, 2)).astype("float32"), normal(*lead, 7, 4)


def unit(*lead):
    vectors = normal(*lead, 3)
    vectors[..., 2] = -np.abs(vectors[..., 2])
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def depths(*lead):
    return RNG.uniform(0.5, 8, lead).astype("float32"), normal(*lead, 1)


def boxes(*lead):
    label = RNG.integers(0, 4, lead).astype("float32")
    return np.concatenate([label[..., None], normal(*lead, 4)], -1), normal(*lead, 16)


class Plain(losses.Loss):
    """A function as a loss of Keras, as `compile` makes it."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)


@dataclass
class Case:
    loss: Any  # As it is given to `KnownLoss`.
    draw: Callable
    plain: Any = None  # The loss that is asked of the known part, if not the same.
    each: bool = False  # Whether every number counts by itself.
    marks: tuple = (NAN,)
    leads: tuple = (ROWS, PIXELS)
    wrap: int = 0  # How many axes of 1 the loss needs in front of what is chosen.
    missing: tuple | None = None
    by_rows: bool = False  # Whether it is asked row by row where some are missing.

    def make(self, **options):
        return KnownLoss(self.loss, self.missing, **options)

    @functools.cached_property
    def known(self):
        return self.make()

    @functools.cached_property
    def of_part(self):
        """The plain loss; by rows their mean."""
        loss = losses.get(self.plain or self.loss)
        loss = loss if isinstance(loss, losses.Loss) else Plain(loss)
        if not self.by_rows:
            return loss
        return lambda true, predicted: ops.mean(
            ops.stack([loss(true[n : n + 1], predicted[n : n + 1]) for n in range(len(true))])
        )

    def expected(self, true, predicted, known):
        """The plain loss of what is known, and its gradient, 0 elsewhere."""
        one_by_one = known.ndim == predicted.ndim
        parts = [x[known] for x in (true, predicted)]
        parts = [x[:, None] if one_by_one else x[(None,) * self.wrap] for x in parts]
        found, of_part = value_and_gradient(self.of_part, *parts)
        gradient = np.zeros_like(predicted)
        gradient[known] = of_part.reshape(gradient[known].shape)
        return found, gradient


LOGITS = dict(from_logits=True)
CLASS = (NAN, -1)
SPARSE = losses.SparseCategoricalCrossentropy
CASES = {
    "mse": Case("mse", numbers, each=True),
    "mse of one": Case("mse", single, each=True),
    "squared": Case(losses.MeanSquaredError(), numbers, each=True),
    "absolute": Case(losses.MeanAbsoluteError(), numbers, each=True),
    "percentage": Case(losses.MeanAbsolutePercentageError(), positive, each=True),
    "logarithmic": Case(losses.MeanSquaredLogarithmicError(), positive, each=True),
    "huber": Case(losses.Huber(delta=0.7), numbers, each=True),
    "log cosh": Case(losses.LogCosh(), numbers, each=True),
    "poisson": Case(losses.Poisson(), positive, each=True),
    "hinge": Case(losses.Hinge(), signs, each=True),
    "squared hinge": Case(losses.SquaredHinge(), signs, each=True),
    "binary": Case(losses.BinaryCrossentropy(True), yes_or_no, each=True, marks=CLASS),
    "binary focal": Case(
        losses.BinaryFocalCrossentropy(**LOGITS), yes_or_no, each=True, marks=CLASS
    ),
    "categorical": Case(losses.CategoricalCrossentropy(), one_hot),
    "categorical of logits": Case(losses.CategoricalCrossentropy(True, 0.1), one_hot),
    "categorical focal": Case(losses.CategoricalFocalCrossentropy(), one_hot),
    "generalized": Case(losses.CategoricalGeneralizedCrossEntropy(), chances, marks=CLASS),
    "categorical hinge": Case(losses.CategoricalHinge(), one_hot),
    "divergence": Case(losses.KLDivergence(), shares),
    "cosine": Case(losses.CosineSimilarity(), numbers),
    "sparse": Case(SPARSE(from_logits=True), classes, marks=CLASS),
    "void of 255": Case(
        SPARSE(from_logits=True, ignore_class=255), classes, SPARSE(True), marks=(255, *CLASS)
    ),
    "void of 7": Case(
        *(SPARSE(from_logits=True), classes), marks=(7, 8, NAN), missing=(7, 8), leads=(ROWS,)
    ),
    "of -999": Case("mae", numbers, each=True, marks=(-999,), missing=(-999,), leads=(ROWS,)),
    "dice": Case(losses.Dice(), shares),
    "tversky": Case(losses.Tversky(0.3, 0.7), shares),
    "ctc": Case(losses.CTC(), sentences, leads=(ROWS,)),
    "crossentropy": Case(
        *("crossentropy", chances, "sparse_categorical_crossentropy"), marks=CLASS, leads=(ROWS,)
    ),
    "ce": Case("ce", one_hot, "categorical_crossentropy", leads=(ROWS,)),
    "function": Case(losses.categorical_crossentropy, one_hot, leads=(ROWS,)),
    "own of each": Case(ratio_of_each, positive, each=True),
    "own of the last": Case(mean_of_last, numbers),
    "own, no 0": Case(log_ratio_of_last, positive),
    "own of one number": Case(one_number, numbers, leads=(ROWS,), by_rows=True),
    "own class": Case(Own(), numbers),
    "attributes": Case(
        ours.AttributesCrossentropy(), yes_or_no, marks=CLASS, leads=((2, 3),), wrap=1
    ),
    "depth": Case(ours.DepthL1(), depths, marks=(NAN, 0), leads=(PIXELS,), wrap=2),
    "detection": Case(ours.DetectionCrossentropy(), marked, marks=CLASS, leads=((2, 3),), wrap=1),
    "map": Case(ours.MapL1(), numbers, leads=(PIXELS,), wrap=2),
    "normals of words": Case(
        ours.NormalsCodebookCrossentropy(BOOK),
        *(lambda *lead: (unit(*lead), normal(*lead, 20)),),
        marks=(NAN, 0),
        leads=(PIXELS,),
        wrap=2,
    ),
    "normals": Case(
        *(ours.NormalsCosine(), lambda *lead: (unit(*lead), normal(*lead, 3))),
        marks=(NAN, 0),
        leads=(PIXELS,),
        wrap=2,
    ),
    "segmentation": Case(
        *(ours.SegmentationCrossentropy(), classes), marks=(255, *CLASS), leads=(PIXELS,), wrap=2
    ),
    "boxes": Case(ours.SmoothL1(), boxes, marks=(NAN, -1), leads=((2, 3),), wrap=1),
}
OF_PAIRS = {losses.Circle, ours.TripletLoss}  # Of several rows together.
ON_ALL = {"mse", "binary", "cosine", "sparse", "dice", "own of the last"}  # As maps, too.
PAIRS = [
    pytest.param(
        *(name, lead),
        id=f"{name}, {len(lead)} axes",
        marks=[ONE] * (lead != case.leads[0] and name not in ON_ALL),
    )
    for name, case in CASES.items()
    for lead in case.leads
]


@functools.cache
def _compiled(loss):
    import jax  # would compile each operation for each shape

    return jax.jit(jax.value_and_grad(lambda predicted, true: loss(true, predicted)))


def value_and_gradient(loss, true, predicted):
    if keras.backend.backend() == "jax":
        return tuple(map(value, _compiled(loss)(predicted, true)))
    vjp = importlib.import_module(f"keras_mtl.gradients._{keras.backend.backend()}").vjp
    predicted = ops.array(predicted)
    (found,), _, pull = vjp(lambda given: ([loss(true, given[0])], None), [predicted])
    (gradient,) = pull([ops.ones_like(found)])
    return value(found), value(ops.zeros_like(predicted) if gradient is None else gradient)


def near(found, expected):
    """To 1e-6, of values and of gradients, of which some cancel out."""
    size = max(1, np.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=3e-7 * size)


def some_of(shape):
    """A bool array in which a fixed share is true, at random."""
    known = np.arange(np.prod(shape)) < round(KNOWN * np.prod(shape))
    return RNG.permutation(known).reshape(shape)


def without(true, known, mark):
    """Labels with a mark in place of what is not known; positions with all they hold."""
    known = known.reshape(*known.shape, *[1] * (true.ndim - known.ndim))
    return np.where(known, true, np.float32(mark))


@pytest.fixture(autouse=True)
def _same_draws_whatever_ran_before():
    global RNG
    RNG = np.random.default_rng(20160627)


@ONE
def test_the_table_is_complete():
    kinds = {type(case.loss) for case in CASES.values()} | OF_PAIRS
    for package, but in ((losses, losses.Loss), (ours, KnownLoss)):
        every = {each for each in vars(package).values() if isinstance(each, type)}
        assert every - {but} <= kinds


@pytest.mark.parametrize("name, lead", PAIRS)
def test_positions_are_left_out(name, lead):
    """Values and gradients are those of the known alone, however the others are marked."""
    case = CASES[name]
    true, predicted = case.draw(*lead)
    for mark in case.marks:
        known = some_of(lead)
        found, moved = value_and_gradient(case.known, without(true, known, mark), predicted)
        expected, gradient = case.expected(true, predicted, known)
        near(found, expected)
        near(moved, gradient)
        assert (moved[~known] == 0).all() and (moved[known] != 0).any()


EACH = [pair for pair in PAIRS if CASES[pair.values[0]].each]
SOME_ON_ALL = {*ON_ALL, "poisson", "own of each"}


def less(pairs):
    """Of which some alone run on every backend, where all of them are left out as positions."""
    return [
        pair if pair.values[0] in SOME_ON_ALL else pytest.param(*pair.values, id=pair.id, marks=ONE)
        for pair in pairs
    ]


@pytest.mark.parametrize("name, lead", less(EACH))
def test_numbers_are_left_out_one_by_one(name, lead):
    case = CASES[name]
    true, predicted = case.draw(*lead)
    known = some_of(true.shape)
    labels = without(true, known, case.marks[-1])
    found, moved = value_and_gradient(case.known, labels, predicted)
    expected, gradient = case.expected(true, predicted, known)
    near(found, expected)
    near(moved, gradient)
    assert (moved[~known] == 0).all()


@pytest.mark.parametrize("name, lead", PAIRS)
def test_of_nothing_it_is_zero(name, lead):
    """So is its gradient, whatever stands in the outputs."""
    case = CASES[name]
    true, predicted = case.draw(*lead)
    for mark in case.marks:
        labels = without(true, np.zeros(lead, bool), mark)
        found, moved = value_and_gradient(case.known, labels, predicted)
        assert found == 0 and (moved == 0).all()


@pytest.mark.parametrize("name, lead", less(PAIRS))
def test_of_everything_it_is_the_plain_loss(name, lead):
    case = CASES[name]
    true, predicted = case.draw(*lead)
    found, moved = value_and_gradient(case.known, true, predicted)
    plain = losses.get(case.plain or case.loss)
    plain = plain if isinstance(plain, losses.Loss) else Plain(plain)
    expected, gradient = value_and_gradient(plain, true, predicted)
    np.testing.assert_allclose(
        found, expected, rtol=2.4e-7, atol=6e-8
    )  # 2 units of the last place.
    near(moved, gradient)


@pytest.mark.parametrize("name", ["mse", "sparse", "own of one number"])
def test_what_is_predicted_of_the_unknown_does_not_matter(name):
    """Not even NaN or infinity, in values or gradients."""
    case = CASES[name]
    true, predicted = case.draw(*ROWS)
    known = some_of(ROWS)
    labels = without(true, known, NAN)
    expected, gradient = value_and_gradient(case.known, labels, predicted)
    for number in (NAN, np.inf, -1e30):
        wild = np.where(known[:, None], predicted, np.float32(number))
        found, moved = value_and_gradient(case.known, labels, wild)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(moved, gradient)


# Reductions and weights

SOME = {
    "absolute": losses.MeanAbsoluteError,
    "cosine": losses.CosineSimilarity,
    "sparse": lambda **options: SPARSE(from_logits=True, **options),
    "own class": Own,
}
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]


@ONE
@pytest.mark.parametrize("lead", [ROWS, PIXELS], ids=["rows", "pixels"])
@pytest.mark.parametrize("name", SOME)
def test_reductions_and_weights(name, lead):
    """Weights are of samples, or of positions, also with a last axis; of the unknown none count."""
    true, predicted = CASES[name].draw(*lead)
    known = some_of(lead)
    labels = without(true, known, NAN)
    where, ones = np.nonzero(known), [1] * len(lead)
    for reduction in REDUCTIONS:
        loss = SOME[name](reduction=reduction)
        for shape in (None, lead[:1], lead, (*lead, 1)):
            weights = () if shape is None else (RNG.random(shape).astype("float32"),)
            of_known = [each.reshape(*shape[: len(lead)], *ones[len(shape) :]) for each in weights]
            of_known = [np.broadcast_to(each, lead)[where] for each in of_known]
            found = value(KnownLoss(loss)(labels, predicted, *weights))
            expected = value(loss(true[where], predicted[where], *of_known))
            if reduction in ("none", None):
                assert found.shape == lead and (found[~known] == 0).all()
                found = found[where]
            near(found, expected)


@ONE
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_of_numbers_one_by_one(reduction, weighted):
    """Sums are of rows, which are the means of what is known of them; means are of all numbers."""
    true, predicted = numbers(*ROWS)
    known = some_of(true.shape)
    known[2] = False
    weights = RNG.random(6).astype("float32") if weighted else np.ones(6, "float32")
    error = np.where(known, np.abs(true - predicted), 0)
    rows = weights * error.sum(-1) / np.maximum(known.sum(-1), 1)
    by_number = (weights[:, None] * error).sum()
    expected = {
        "sum": rows.sum(),
        "none": rows,
        None: rows,
        "mean_with_sample_weight": by_number / (weights[:, None] * known).sum(),
    }.get(reduction, by_number / known.sum())
    loss = KnownLoss(losses.MeanAbsoluteError(reduction))
    near(value(loss(without(true, known, NAN), predicted, *[weights] * weighted)), expected)


def test_weights_of_single_numbers():
    true, predicted = numbers(*ROWS)
    known, weights = some_of(true.shape), RNG.random(true.shape).astype("float32")
    labels = without(true, known, NAN)
    expected = (weights * np.abs(true - predicted))[known].mean()
    near(value(KnownLoss("mae")(labels, predicted, weights)), expected)


@pytest.mark.parametrize("loss", [losses.Dice, losses.Tversky])
def test_sums_of_each_picture(loss):
    """A picture without a known pixel has no loss; of another one some are left out."""
    true, predicted = shares(4, 3, 2)
    known = some_of((4, 3, 2))
    known[1], known[3] = False, True
    labels = without(true, known, NAN)
    each = loss(axis=(1, 2, 3))
    found = value(KnownLoss(each)(labels, predicted))
    alone = [
        float(each(true[n][known[n]][None, None], predicted[n][known[n]][None, None]))
        for n in (0, 2, 3)
    ]
    near(found, np.mean(alone))


@ONE
def test_what_compares_rows_is_not_a_number_where_some_are_missing():
    true, predicted = RNG.integers(0, 2, 6).astype("float32"), normal(6, 4)
    predicted /= np.linalg.norm(predicted, axis=-1, keepdims=True)
    circle = losses.Circle()
    near(value(KnownLoss(circle)(true, predicted)), value(circle(true, predicted)))
    true[2] = NAN
    assert np.isnan(value(KnownLoss(circle)(true, predicted)))
    # Triplets have no labels.
    triplets = ours.TripletLoss()
    expected = value(triplets(np.zeros(6), predicted))
    near(value(KnownLoss(triplets)(np.full(6, NAN), predicted)), expected)


def test_masks_of_outputs_count_too():
    true, predicted = normal(2, 3, 4), ops.array(normal(2, 3, 4))
    known, mask = some_of((2, 3)), np.array([[True, True, False], [False, True, True]])
    predicted._keras_mask = ops.array(mask)
    loss = losses.CosineSimilarity()
    found = value(KnownLoss(loss)(without(true, known, NAN), predicted))
    both = np.nonzero(known & mask)
    near(found, value(loss(true[both], value(predicted)[both])))


@ONE
@pytest.mark.parametrize("share", [KNOWN, 1.0])
@pytest.mark.parametrize("loss", [losses.CategoricalCrossentropy, losses.CosineSimilarity])
def test_classes_along_another_axis(loss, share):
    """Of pictures whose channels are first; Keras takes them."""
    true, predicted = one_hot(*PIXELS)
    known = some_of(PIXELS) if share < 1 else np.ones(PIXELS, bool)
    first = [np.moveaxis(x, -1, 1) for x in (without(true, known, NAN), predicted)]
    found = value(KnownLoss(loss(axis=1))(*first))
    near(found, value(loss()(true[known], predicted[known])))


@ONE
def test_answers_along_another_axis():
    """Which is the last one here."""
    true, predicted = yes_or_no(*ROWS)
    known, loss = some_of(true.shape), losses.BinaryCrossentropy(True, axis=1)
    found = value(KnownLoss(loss)(without(true, known, NAN), predicted))
    near(found, value(loss(true[known][:, None], predicted[known][:, None])))


# Types of labels


TYPES = [
    *("uint8", "int32", "float16"),
    *(pytest.param(dtype, marks=ONE) for dtype in ("int8", "int64", "float64")),
]


@pytest.mark.parametrize("dtype", TYPES)
def test_types_of_labels(dtype):
    """-1 of unsigned numbers is 255, and no label: it is not taken for the void one by chance."""
    true, predicted = classes(*ROWS)
    mark = 255 if dtype == "uint8" else -1
    loss = SPARSE(from_logits=True, ignore_class=255)
    known = some_of(ROWS)
    found = value(KnownLoss(loss)(without(true, known, mark).astype(dtype), predicted))
    near(found, value(SPARSE(from_logits=True)(true[known], predicted[known])))


def test_unsigned_labels_may_be_255():
    """Which is -1 to some backends."""
    found = KnownLoss("mae", (-1,))(np.array([[255], [3]], "uint8"), np.zeros((2, 1), "float32"))
    assert float(found) == 129


@ONE
def test_other_marks_of_losses_of_the_library():
    for name, mark in (("map", -999), ("attributes", 9), ("segmentation", 7)):
        case = CASES[name]
        true, predicted = case.draw(*case.leads[0])
        known = some_of(case.leads[0])
        loss = KnownLoss(case.loss, (mark,))
        found, moved = value_and_gradient(loss, without(true, known, mark), predicted)
        expected, gradient = case.expected(true, predicted, known)
        near(found, expected)
        near(moved, gradient)


@ONE
def test_a_function_of_labels_without_the_last_axis():
    true, predicted = (np.abs(x) + 0.1 for x in single(*ROWS))
    known = some_of(ROWS)
    found = KnownLoss(ratio_of_each)(without(true, known, NAN)[:, 0], predicted)
    near(value(found), (np.abs(true - predicted) / true)[known].mean())


@pytest.mark.parametrize("shape", ["(B,) of (B, 1)", "(B, 1) of (B,)", "(B, 1) of (B, C)"])
def test_an_axis_more_or_less(shape):
    known = some_of(ROWS)
    true, predicted = single(*ROWS)
    loss = losses.MeanSquaredError()
    if shape == "(B, 1) of (B, C)":
        loss, (true, predicted) = SPARSE(from_logits=True), classes(*ROWS)
        true = true[:, None]
    expected = value(loss(true[known], predicted[known]))
    labels = without(true, known, NAN)
    if shape == "(B,) of (B, 1)":
        labels = labels[:, 0]
    elif shape == "(B, 1) of (B,)":
        predicted = predicted[:, 0]
    near(value(KnownLoss(loss)(labels, predicted)), expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["mse", "sparse", "own of the last"])
def test_half_precision(name, dtype):
    """Outputs of it are computed in full."""
    case = CASES[name]
    true, predicted = case.draw(*ROWS)
    half, known = ops.cast(predicted, dtype), some_of(ROWS)
    found = case.make()(without(true, known, NAN), half)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    near(value(found), case.expected(true, value(half), known)[0])


# In a graph, whose batch has no size


@pytest.mark.parametrize("name", ["mse", "sparse", "dice", "own of the last", "own of one number"])
def test_in_fit(name):
    """One step on the predictions themselves moves them by minus the gradient."""
    case = CASES[name]
    true, start = case.draw(*ROWS)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(4, use_bias=False)(inputs))
    model.compile(keras.optimizers.SGD(1.0), case.make())
    known = some_of(ROWS)
    for now in (known, np.ones(6, bool), np.zeros(6, bool)):
        model.set_weights([start])
        found = model.train_on_batch(np.eye(6), without(true, now, NAN))
        moved = start - model.get_weights()[0]
        if not now.any():
            assert float(found) == 0 and (moved == 0).all()
            continue
        expected, gradient = case.expected(true, start, now)
        assert float(found) == pytest.approx(float(expected), rel=1e-6, abs=1e-7)
        np.testing.assert_allclose(moved, gradient, rtol=1e-6, atol=1e-6)


def test_the_share_of_what_is_known():
    true, predicted = numbers(*ROWS)
    for known in (some_of(ROWS), np.ones(6, bool), np.zeros(6, bool)):
        loss, share = KnownLoss("mse").measure(without(true, known, NAN), predicted)
        assert float(share) == pytest.approx(known.mean())
        near(value(loss), value(KnownLoss("mse")(without(true, known, NAN), predicted)))


# Files and arguments


@ONE
@pytest.mark.parametrize(
    "name", ["mse", "crossentropy", "ce", "void of 255", "of -999", "own class"]
)
def test_configuration(name):
    case = CASES[name]
    true, predicted = case.draw(*ROWS)
    labels = without(true, some_of(ROWS), case.marks[0])
    loss = case.make(name="mine")
    written = json.loads(json.dumps(losses.serialize(loss)))
    twin = losses.deserialize(written)
    assert type(twin) is KnownLoss and twin.name == "mine" and twin.reduction == loss.reduction
    np.testing.assert_array_equal(value(twin(labels, predicted)), value(loss(labels, predicted)))


@ONE
def test_names():
    assert KnownLoss("mse").name == "mse" and KnownLoss(one_number).name == "one_number"
    assert KnownLoss(losses.Huber(name="h")).name == "h" and KnownLoss("ce", name="n").name == "n"


@ONE
@pytest.mark.parametrize("loss", ["maee", 3, None, object()])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(ValueError, match="`loss` must be a loss, or the name of one. Received: "):
        KnownLoss(loss)
