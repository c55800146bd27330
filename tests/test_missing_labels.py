"""Networks of several tasks whose labels are not all known: training, scores, weights and files."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl import MultiTaskModel, Task
from keras_mtl.gradients import task_gradients
from keras_mtl.optimizers import SGD
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import Tower

ONE = pytest.mark.one_backend
NAN = np.nan
ROWS, BATCH = 23, 8
TASKS = ("age", "kind", "marks")
KIND_WEIGHTS = {0: 0.5, 2: 3.0}  # 1 of class 1.
MARK_WEIGHTS = np.array([[1, 2], [0, 1], [0.5, 4], [3, 1]])


def tower(normalized=False):
    x = features = keras.Input((5,))
    x = layers.Dense(4, activation="tanh", name="one")(x)
    if normalized:
        x = layers.BatchNormalization(momentum=0.5, name="norm")(x)
    return Tower(keras.Model(features, layers.Dense(4, activation="tanh", name="two")(x)), ["one"])


def tasks(**options):
    """Options are of tasks, such as `kind={"missing": 7}`."""
    return {
        "age": Task.regression(2, **options.get("age", {})),
        "kind": Task.classification(3, **options.get("kind", {})),
        "marks": Task.attributes(4, **options.get("marks", {})),
    }


def made(names=TASKS, normalized=False, rate=0.3, **options):
    """A compiled model whose weights are drawn, so that two are the same."""
    every = tasks(**options)
    sharing = CrossStitched(["one"]) if len(names) > 1 else Branched.independent()
    model = MultiTaskModel(tower(normalized), sharing, {name: every[name] for name in names})
    return started(compiled(model, rate))


def compiled(model, rate=0.3):
    model.compile(SGD(rate))
    return model


def started(model):
    rng = np.random.default_rng(7)
    # Variances are positive.
    model.set_weights([np.abs(rng.normal(0, 0.5, x.shape)) for x in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def shared():
    return made()


@pytest.fixture
def model(shared):
    return started(shared)


def examples():
    """Features, labels, and which of them are known: of some batches of 8 none, of others all."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 5)).astype("float32")
    y = {
        "age": rng.normal(size=(ROWS, 2)).astype("float32"),
        "kind": rng.integers(0, 3, ROWS),
        "marks": rng.integers(0, 2, (ROWS, 4)),
    }
    known = {name: rng.random(labels.shape) < 0.6 for name, labels in y.items()}
    known["age"][8:16], known["age"][16:] = False, True
    known["kind"][16:], known["kind"][:5] = False, False
    known["marks"][:8], known["marks"][10] = False, False
    return x, y, known


X, FULL, KNOWN = examples()
MARKS = {"age": NAN, "kind": -1, "marks": -1}


def marked(**marks):
    marks = MARKS | marks
    return {name: np.where(KNOWN[name], FULL[name], marks[name]) for name in TASKS}


Y = marked()


class Batches(keras.utils.PyDataset):
    """The examples, in order; `change` takes and gives what a batch is."""

    def __init__(self, y, weights=None, change=lambda index, batch: batch):
        super().__init__()
        self.y, self.weights, self.change = y, weights, change

    def __len__(self):
        return -(-ROWS // BATCH)

    def __getitem__(self, index):
        rows = slice(index * BATCH, (index + 1) * BATCH)
        batch = X[rows], {name: labels[rows] for name, labels in self.y.items()}
        if self.weights is not None:
            batch += ({name: each[rows] for name, each in self.weights.items()},)
        return self.change(index, batch)


def each_loss(found, name):
    """Of each number or row, in float64; with which of them are known."""
    true, known = FULL[name], KNOWN[name]
    found = found[name].astype("float64")
    if name == "age":
        return (true - found) ** 2, known
    if name == "kind":
        picked = np.take_along_axis(found, true[:, None], -1)[:, 0]
        return np.log(np.exp(found).sum(-1)) - picked, known
    each = np.log1p(np.exp(np.where(true == 1, -1, 1) * found))
    return np.where(known, each, 0).sum(-1), known.any(-1)


def losses_of(model, weights=None):
    """The mean over what is known of the whole of the examples, by tasks."""
    found, means = model.predict(X, verbose=0), {}
    for name in model.tasks:
        each, known = each_loss(found, name)
        factor = np.ones(ROWS) if weights is None or name not in weights else weights[name]
        factor = factor.reshape(-1, *[1] * (each.ndim - 1))
        means[f"{name}_loss"] = (factor * each)[known].mean()
    return means


def state(model):
    return {weight.path: ops.convert_to_numpy(weight).copy() for weight in model.weights}


def same(one, other, tolerance=2e-6):
    assert set(one) == set(other)
    for key, expected in other.items():
        np.testing.assert_allclose(one[key], expected, tolerance, tolerance, err_msg=key)


def moved(one, other):
    """The first words of the paths of what is not the same."""
    return {path.split("/")[0] for path in one if (one[path] != other[path]).any()}


def trained(model, *args, **kwargs):
    """Its weights after an epoch in order; without momentum nothing else is kept."""
    started(model).fit(*args, verbose=0, shuffle=False, **kwargs)
    return state(model)


# Scores


@pytest.mark.parametrize("way", ["arrays", "batches"])
def test_scores_are_of_all_that_is_known(model, way):
    given = (X, Y) if way == "arrays" else (Batches(Y),)
    found = model.evaluate(*given, batch_size=None if way == "batches" else BATCH, **QUIET)
    expected = losses_of(model)
    predicted = model.predict(X, verbose=0)
    known = KNOWN["kind"]
    expected["kind_accuracy"] = (predicted["kind"].argmax(-1) == FULL["kind"])[known].mean()
    known = KNOWN["age"]
    expected["age_mae"] = np.abs(predicted["age"] - FULL["age"])[known].mean()
    same({name: found[name] for name in expected}, expected)
    assert set(found) == {*expected, "loss"} and np.isfinite(found["loss"])


QUIET = {"verbose": 0, "return_dict": True}


def test_of_one_task_too():
    model = made(["age"])
    found = model.evaluate(X, Y["age"], batch_size=BATCH, **QUIET)
    assert found["loss"] == pytest.approx(losses_of(model)["age_loss"], rel=1e-5)


def test_the_joint_loss_of_a_batch(model):
    """That of its tasks by their weights, each over what is known in it."""
    found = model.evaluate(X, Y, batch_size=ROWS, **QUIET)
    expected = losses_of(model)
    by_weight = expected["age_loss"] + expected["kind_loss"] + expected["marks_loss"] / 4
    assert found["loss"] == pytest.approx(by_weight, rel=1e-5)


@pytest.mark.parametrize("way", ["absent", "None", "marked"])
def test_scores_of_nothing(model, way):
    nothing = {"absent": {}, "None": {"kind": None}, "marked": {"kind": np.full(ROWS, -1)}}[way]
    y = {name: labels for name, labels in Y.items() if name != "kind"} | nothing
    found = model.evaluate(X, y, batch_size=BATCH, **QUIET)
    expected = losses_of(model)
    assert np.isnan(found["kind_loss"]) and np.isnan(found["kind_accuracy"])
    assert found["age_loss"] == pytest.approx(expected["age_loss"], rel=1e-5)
    assert np.isfinite(found["loss"])


# Training


@pytest.mark.parametrize("batch", [0, pytest.param(1, marks=ONE), pytest.param(2, marks=ONE)])
def test_gradients_are_those_of_the_known_rows(model, batch):
    """Of each task, and of what the tasks share."""
    rows = np.arange(batch * BATCH, min(ROWS, (batch + 1) * BATCH))
    found = task_gradients(model, (X[rows], {name: y[rows] for name, y in Y.items()}))
    for name in ("kind", "marks"):
        known = KNOWN[name][rows].reshape(len(rows), -1).any(-1)
        if not known.any():
            assert all((each == 0).all() for each in found[name].values())
            continue
        of_known = rows[known]
        alone = task_gradients(model, (X[of_known], {name: Y[name][of_known]}))
        same(found[name], alone[name], 1e-6)
        assert not alone["age"]["age_head/kernel"].any()


def test_a_task_without_labels_warns_and_stays():
    model = made()
    before = state(model)
    y = {"age": Y["age"], "marks": Y["marks"]}
    with pytest.warns(UserWarning, match=r"`y` has no labels of \['kind'\].*None in place"):
        model.fit(X, y, batch_size=BATCH, verbose=0)
    after = state(model)
    assert {"kind_head", "kind_two"} & moved(before, after) == set()
    assert {"age_head", "marks_head", "stitch_one"} <= moved(before, after)
    assert all(np.isfinite(each).all() for each in after.values())


@ONE
@pytest.mark.filterwarnings("error:`y` has no labels")
def test_none_says_that_it_is_meant():
    model = made()
    before = state(model)
    model.fit(X, Y | {"kind": None}, batch_size=BATCH, verbose=0)
    assert "kind_head" not in moved(before, state(model))


TENSORFLOW = keras.backend.backend() == "tensorflow"


@pytest.mark.xfail(
    TENSORFLOW, strict=True, reason="Keras takes the keys of the first batch for all"
)
@pytest.mark.parametrize("nothing", [{}, {"kind": None, "marks": None}], ids=["absent", "None"])
def test_batches_lack_labels_that_others_have(nothing):
    """As if those were marked."""

    def without(index, batch):
        x, y = batch
        return (x, {"age": y["age"]} | nothing) if index == 1 else batch

    def unknown(index, batch):
        x, y = batch
        marks = {name: np.full_like(y[name], -1) for name in ("kind", "marks")}
        return (x, y | marks) if index == 1 else batch

    model = made()
    expected = trained(model, Batches(Y, change=unknown))
    same(trained(model, Batches(Y, change=without)), expected)
    model.evaluate(Batches(Y, change=without), verbose=0)


@ONE
def test_normalisation_sees_all_pictures():
    model = made(normalized=True)
    nothing = {name: np.full_like(labels, MARKS[name]) for name, labels in FULL.items()}
    nothing["age"] = np.full_like(FULL["age"], NAN)
    one, other = (trained(model, X, y, batch_size=BATCH) for y in (Y, FULL))
    assert all(np.isfinite(each).all() for each in one.values())
    model = started(compiled(model, rate=0.0))
    expected = {}
    for y in (Y, FULL, nothing):
        started(model).fit(X, y, batch_size=BATCH, verbose=0, shuffle=False)
        found = {path: each for path, each in state(model).items() if "moving" in path}
        assert found
        same(found, expected or found)
        expected = found
    before = state(started(model))
    assert moved(before, state(model)) == set()


def test_a_batch_of_nothing_changes_nothing(model):
    nothing = {name: np.full(FULL[name].shape, MARKS[name]) for name in TASKS}
    before = state(model)
    found = model.train_on_batch(X, nothing, return_dict=True)
    assert float(found["loss"]) == 0 and moved(before, state(model)) == set()


@ONE
@pytest.mark.filterwarnings("ignore:`y` has no labels")
def test_an_absent_task_goes_on_by_momentum_as_one_of_nothing():
    model, found = made(), []
    absent = {"age": Y["age"], "marks": Y["marks"]}
    for y in (absent, Y | {"kind": np.full(ROWS, -1)}):
        started(model).compile(SGD(0.1, momentum=0.9))
        for labels in (Y, y):
            model.fit(X, labels, batch_size=BATCH, verbose=0, shuffle=False)
        found.append(state(model))
    same(*found)


# Weights of samples


def test_sample_weights_of_one_output(model):
    weights = {"kind": np.random.default_rng(1).random(ROWS).astype("float32")}
    found = model.evaluate(X, Y, batch_size=ROWS, sample_weight=weights, **QUIET)
    same({k: found[k] for k in ("age_loss", "kind_loss", "marks_loss")}, losses_of(model, weights))


def test_sample_weights_in_arrays_and_batches():
    rng = np.random.default_rng(1)
    some = {"kind": rng.random(ROWS).astype("float32")}
    ones = {name: np.ones(ROWS, "float32") for name in TASKS}
    model = made()
    expected = trained(model, X, Y, batch_size=BATCH, sample_weight=ones | some)
    same(trained(model, X, Y, batch_size=BATCH, sample_weight=some), expected)
    same(trained(model, Batches(Y, some)), expected)


@ONE
def test_sample_weights_of_none():
    some = {"kind": np.random.default_rng(1).random(ROWS).astype("float32")}
    model = made()
    expected = trained(model, X, Y, batch_size=BATCH, sample_weight=some)
    same(trained(model, X, Y, batch_size=BATCH, sample_weight={"age": None} | some), expected)
    assert "kind_head" in moved(trained(model, X, Y, batch_size=BATCH), expected)
    absent = {"age": Y["age"], "kind": Y["kind"], "marks": None}
    trained(model, X, absent, batch_size=BATCH, sample_weight=some)


@ONE
def test_weights_of_validation():
    weights = {"kind": np.random.default_rng(1).random(ROWS).astype("float32")}
    model = made(rate=0.0)
    history = model.fit(
        *(X, Y), batch_size=ROWS, verbose=0, validation_data=(X, Y, weights)
    ).history
    found = {name: history[f"val_{name}"][-1] for name in losses_of(model)}
    same(found, losses_of(model, weights))


# Weights of classes


def as_sample_weights(y):
    """What the weights of classes mean."""
    table = np.array([KIND_WEIGHTS.get(each, 1.0) for each in range(3)], "float32")
    no, yes = MARK_WEIGHTS.astype("float32").T
    return {
        "age": np.ones(len(y["age"]), "float32"),
        "kind": table[np.maximum(y["kind"], 0)],
        "marks": np.where(y["marks"] == 1, yes, no),
    }


CLASS_WEIGHT = {"kind": KIND_WEIGHTS, "marks": MARK_WEIGHTS}


def test_class_weights_are_sample_weights_by_the_label():
    model = made()
    expected = trained(model, X, Y, batch_size=BATCH, sample_weight=as_sample_weights(Y))
    weighted = trained(model, Batches(Y), class_weight=CLASS_WEIGHT)
    same(weighted, expected)
    # And they are gone, also from what has been compiled.
    assert {"kind_head", "marks_head"} <= moved(trained(model, Batches(Y)), weighted)


@ONE
def test_class_weights_of_arrays():
    model = made()
    expected = trained(model, X, Y, batch_size=BATCH, sample_weight=as_sample_weights(Y))
    same(trained(model, X, Y, batch_size=BATCH, class_weight=CLASS_WEIGHT), expected)
    plain = trained(model, X, Y, batch_size=BATCH)
    assert {"kind_head", "marks_head"} <= moved(plain, expected)
    same(trained(model, X, Y, batch_size=BATCH), plain)


@ONE
def test_class_weights_are_gone_after_fit(model):
    """Without a `compile` in between."""
    before = model.train_on_batch(X, Y, return_dict=True)
    started(model).fit(X, Y, class_weight=CLASS_WEIGHT, verbose=0, batch_size=ROWS)
    started(model).reset_metrics()
    after = model.train_on_batch(X, Y, return_dict=True)
    same(after, before)
    model.reset_metrics()
    found = started(model).train_on_batch(X, Y, class_weight=CLASS_WEIGHT, return_dict=True)
    weighted = state(model)
    model.reset_metrics()
    started(model).train_on_batch(X, Y, sample_weight=as_sample_weights(Y))
    same(state(model), weighted)
    assert float(found["loss"]) != pytest.approx(float(before["loss"]))
    assert model.evaluate(X, Y, **QUIET)["kind_loss"] == pytest.approx(
        losses_of(model)["kind_loss"], rel=1e-5
    )


@ONE
def test_class_weights_and_sample_weights_multiply():
    weights = {"kind": np.random.default_rng(1).random(ROWS).astype("float32")}
    by_label = as_sample_weights(Y)
    both = by_label | {"kind": by_label["kind"] * weights["kind"]}
    model = made()
    found = trained(
        *(model, X, Y), batch_size=BATCH, sample_weight=weights, class_weight=CLASS_WEIGHT
    )
    same(found, trained(model, X, Y, batch_size=BATCH, sample_weight=both))


@ONE
def test_class_weights_of_a_task():
    plain = made()
    of_tasks = made(kind={"class_weight": KIND_WEIGHTS}, marks={"class_weight": MARK_WEIGHTS})
    expected = trained(plain, X, Y, batch_size=BATCH, class_weight=CLASS_WEIGHT)
    same(trained(of_tasks, X, Y, batch_size=BATCH), expected)
    # Those of `fit` take their place, of the outputs that they are of.
    other = {"kind": {0: 4.0}}
    found = trained(of_tasks, X, Y, batch_size=BATCH, class_weight=other)
    expected = trained(plain, X, Y, batch_size=BATCH, class_weight=CLASS_WEIGHT | other)
    same(found, expected)


@ONE
def test_class_weights_of_one_hot_labels():
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model = MultiTaskModel(
        *(tower(), CrossStitched(["one"])),
        {"kind": Task(layers.Dense(3), loss, kind="classes"), "age": Task.regression(2)},
    )
    y = {"kind": np.where(KNOWN["kind"][:, None], np.eye(3)[FULL["kind"]], NAN), "age": Y["age"]}
    weights = {"kind": as_sample_weights(Y)["kind"]}
    expected = trained(compiled(model), X, y, sample_weight=weights)
    same(trained(compiled(model), X, y, class_weight={"kind": KIND_WEIGHTS}), expected)


# What means that a label is not known


@ONE
def test_other_marks():
    model = made(age={"missing": -999}, kind={"missing": (7, 8)}, marks={"missing": -5})
    y = marked(age=-999, kind=7, marks=-5)
    y["kind"][::2][~KNOWN["kind"][::2]] = 8
    found = model.evaluate(X, y, batch_size=BATCH, **QUIET)
    expected = losses_of(model)
    same({name: found[name] for name in expected}, expected)
    same(trained(model, X, y, batch_size=BATCH), trained(made(), X, Y, batch_size=BATCH))


@ONE
def test_marks_that_are_not_the_tasks_are_labels():
    """-1 is a number like others, and no class of a task that says something else."""
    y = Y | {"age": np.where(KNOWN["age"], FULL["age"], -1)}
    predicted = made().predict(X, verbose=0)["age"]
    found = made().evaluate(X, y, batch_size=BATCH, **QUIET)
    assert found["age_loss"] == pytest.approx(((predicted - y["age"]) ** 2).mean(), rel=1e-5)


@ONE
def test_minus_one_is_no_class_whatever_else_is_said_to_be_missing():
    found = made(kind={"missing": 7}).evaluate(X, Y, **QUIET)
    assert found["kind_loss"] == pytest.approx(made().evaluate(X, Y, **QUIET)["kind_loss"])


@ONE
def test_a_file_keeps_all_of_it(tmp_path):
    options = {
        "age": {"missing": -999},
        "kind": {"missing": (7, 8), "class_weight": KIND_WEIGHTS},
        "marks": {"class_weight": MARK_WEIGHTS},
    }
    model = made(**options)
    y = marked(age=-999, kind=8)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.task("age").missing_of() == (-999,)
    assert loaded.task("kind").missing_of() == (7, 8)
    same(loaded.evaluate(X, y, **QUIET), model.evaluate(X, y, **QUIET))
    same(*(trained(each, X, y, batch_size=BATCH) for each in (loaded, model)))


@ONE
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = made()
    finally:
        keras.config.set_dtype_policy(before)
    assert model.stage("age", "one").compute_dtype == policy.removeprefix("mixed_")
    found = model.evaluate(X, Y, batch_size=BATCH, **QUIET)
    expected = losses_of(model)
    same({name: found[name] for name in expected}, expected, 1e-3)
    model.fit(X, Y, batch_size=BATCH, verbose=0)
    after = state(model)
    assert all(np.isfinite(each).all() for each in after.values())
    nothing = {name: np.full(FULL[name].shape, MARKS[name]) for name in TASKS}
    model.train_on_batch(X, nothing)
    heads = {path for path in after if "head" in path}
    assert all((state(model)[path] == after[path]).all() for path in heads)


# What is refused


OF_TASKS = {
    "missing: text": (dict(missing="x"), "`missing` must be a number.*Received: missing='x'"),
    "missing: a list with text": (dict(missing=[1, "x"]), "`missing` must be a number"),
    "missing: bool": (dict(missing=True), "`missing` must be a number"),
    "missing: dict": (dict(missing={"a": 1}), "`missing` must be a number"),
    "class_weight: text": (dict(class_weight="x"), "`class_weight` must be a dict"),
    "class_weight: of text": (dict(class_weight={0: "x"}), "`class_weight` must be a dict"),
}


@ONE
@pytest.mark.parametrize("case", OF_TASKS)
def test_wrong_tasks_are_refused(case):
    options, message = OF_TASKS[case]
    with pytest.raises(ValueError, match=message):
        Task.classification(3, **options)


@ONE
@pytest.mark.parametrize("weights", [np.ones(4), {3: 1.0}, {0: -1.0}, [1, NAN, 1]])
def test_class_weights_of_tasks_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match=r"`class_weight\['kind'\]` must be .*Received"):
        made(kind={"class_weight": weights})


WRONG = {
    "unknown output": (dict(y=Y | {"size": Y["age"]}), r"`y` has unknown tasks \['size'\]"),
    "no output": (dict(y={}), "`y` must have labels of one of"),
    "all None": (dict(y=dict.fromkeys(Y)), "`y` must have labels of one of"),
    "weights of an unknown output": (
        dict(sample_weight={"size": np.ones(ROWS)}),
        r"`sample_weight` must be of outputs .*Received: \['size'\]",
    ),
    "weights of an absent output": (
        dict(y={"age": Y["age"], "kind": None}, sample_weight={"kind": np.ones(ROWS)}),
        r"`sample_weight` must be of outputs that have targets.*Received: \['kind'\]",
    ),
    "weights of two numbers": (
        dict(sample_weight={"kind": np.ones((ROWS, 2))}),
        "`sample_weight` must have one value",
    ),
    "class weights of an unknown output": (
        dict(class_weight={"size": {0: 1}}),
        "`class_weight` must be by the outputs .*Received: 'size'",
    ),
    "class weights of no output": (dict(class_weight={0: 1.0}), "`class_weight` .*Received: 0"),
    "class weights as a list": (dict(class_weight=[1, 2]), r"`class_weight` .*Received: \[1, 2\]"),
    "too many class weights": (dict(class_weight={"kind": np.ones(4)}), r"`class_weight\['kind'"),
    "weights of a class too many": (dict(class_weight={"kind": {3: 1}}), r"`class_weight\['kind'"),
    "weights of no class": (dict(class_weight={"kind": {-4: 1}}), r"`class_weight\['kind'"),
    "negative class weights": (
        dict(class_weight={"kind": {0: -1.0}}),
        r"`class_weight\['kind'\]` .*at least 0",
    ),
    "class weights of infinity": (
        dict(class_weight={"kind": {0: np.inf}}),
        r"`class_weight\['kind'\]`",
    ),
    "text as class weights": (dict(class_weight={"kind": "balanced"}), r"`class_weight\['kind'"),
    "weights of other attributes": (
        dict(class_weight={"marks": np.ones((3, 2))}),
        r"`class_weight\['marks'\]` .*\(4, 2\)",
    ),
}


@ONE
@pytest.mark.filterwarnings("ignore:`y` has no labels")
@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_refused(shared, case):
    options, message = WRONG[case]
    options = {"x": X, "y": Y} | options
    model = started(shared)
    before = state(model)
    for method in (model.fit, model.train_on_batch):
        with pytest.raises(ValueError, match=message):
            method(**options)
    assert moved(before, state(model)) == set()
    # And it can be trained as before.
    model.train_on_batch(X, Y)


@ONE
@pytest.mark.parametrize(
    "class_weight",
    [{"kind": [1.0, 2.0]}, {"kind": {-1: 1.0}}, {"kind": {0.5: 1.0}}, {"marks": {2: 1.0}}],
)
def test_more_class_weights_are_refused(model, class_weight):
    with pytest.raises(ValueError, match=r"`class_weight\['.*'\]` must be"):
        model.train_on_batch(X, Y, class_weight=class_weight)


@ONE
@pytest.mark.parametrize(
    "weights",
    [
        {0: 0.5, 1: 2.0},
        np.array([0.5, 2.0]),
        np.array([[0.5, 2.0]] * 4),
    ],
    ids=["dict", "of all", "of each"],
)
def test_class_weights_of_attributes_are_of_no_and_yes(model, weights):
    factor = np.where(Y["marks"] == 1, 2.0, 0.5).astype("float32")
    model.train_on_batch(X, Y, sample_weight={"marks": factor})
    expected = state(model)
    started(compiled(model)).train_on_batch(X, Y, class_weight={"marks": weights})
    same(state(model), expected)
