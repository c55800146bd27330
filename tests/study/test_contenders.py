"""What contenders declare, before anything is trained."""

import dataclasses

import keras
import numpy as np
import pytest
from small_studies import examples, network, tasks

from keras_mtl import Task
from keras_mtl.balancing import FixedWeights, PCGrad, RandomLossWeighting, Smoothed
from keras_mtl.sharing import AdaShared, Branched, CrossStitched
from keras_mtl.study import (
    Budget,
    Contender,
    ada_share,
    branched,
    cross_stitch,
    ensemble,
    hard_sharing,
    latent_shared,
    modulated,
    one_task,
    split,
    with_balancing,
)
from keras_mtl.study._digest import digest
from keras_mtl.study.row import with_all_before

pytestmark = pytest.mark.one_backend

ALL = {
    "one-task": one_task(),
    "ensemble": ensemble(),
    "hard sharing": hard_sharing(),
    "split": split("dense1"),
    "cross-stitch": cross_stitch(),
    "cross-stitch from the tower": cross_stitch("from the tower", start="tower"),
    "MTL-shared": latent_shared(3),
    "AdaShare": ada_share(),
    "branched": branched(),
    "modulated": modulated(),
    "balanced": with_balancing(hard_sharing(), PCGrad()),
    "own": Contender("own", Branched.split("dense1"), start="one-task"),
}
# Trainings of one seed: of what is scored, and with all that comes before.
NUMBERS = {
    "one-task": (2, 4),
    "ensemble": (4, 8),
    "hard sharing": (1, 2),
    "split": (1, 2),
    "cross-stitch": (1, 3),
    "cross-stitch from the tower": (1, 2),
    "MTL-shared": (1, 2),
    "AdaShare": (1, 7),  # Policies are compared with the one-task networks.
    "branched": (1, 3),
    "modulated": (1, 2),
    "balanced": (1, 2),
    "own": (1, 3),
}


@pytest.mark.parametrize("name", ALL)
def test_every_network_has_the_steps_of_the_study(make, name):
    """Those of the one-task networks it starts from are counted; those of a search are not."""
    networks = ALL[name].networks(make(steps=9), 0)
    assert (len(networks), len(with_all_before(networks))) == NUMBERS[name]

    def steps(training):
        return training.steps + max((steps(each) for each in training.start), default=0)

    assert {steps(each) for each in networks} == {9}


def test_one_task_networks_are_trained_once_for_all_that_start_from_them(make):
    study = make(contenders=[cross_stitch(), branched(), ensemble()], seeds=1)
    firsts = [each for each in study.trainings if each.schedule == "rising"]
    # Of two tasks, and of the second members, of which the ensemble's and the twin's are the same.
    assert len(firsts) == 4
    assert len({each.hash for each in study.trainings}) == len(study.trainings)


def test_a_twin_is_two_towers_of_one_task_from_different_networks(make):
    study = make(contenders=[cross_stitch()])
    assert [each.name for each in study.contenders] == [
        *("one-task", "cross-stitch", "twin of cross-stitch")
    ]
    twins = study.contenders[-1].networks(study, 0)
    assert [each.outputs for each in twins] == [
        (("age", "age"), ("age_twin", "age")),
        (("species", "species"), ("species_twin", "species")),
    ]
    for training in twins:
        first, second = training.start
        assert first.seed != second.seed and first.outputs == second.outputs


CHANGES = {
    "steps": 10,
    "batch_size": 4,
    "train": examples(20, 3),
    "optimizer": keras.optimizers.SGD(0.1),
    "patience": 2,
    "backbone": lambda seed: keras.Model(*_other_network()),
    "tasks": {"age": Task.regression(weight=2.0), "species": Task.classification(3)},
    "tasks, loss": {"age": Task.regression(loss="mae"), "species": Task.classification(3)},
}


@pytest.mark.parametrize(
    "changed",
    [
        {"validation": examples(12, 4)},
        {"test": examples(12, 5)},
        {"tasks": {"age": Task.regression(metrics=["mse"]), "species": Task.classification(3)}},
        {"tasks": {"age": Task.regression(kind="metres"), "species": Task.classification(3)}},
    ],
)
def test_what_decides_scores_alone_trains_nothing_anew(make, tmp_path, changed):
    before = make(contenders=[ada_share(), hard_sharing()])
    now = make(contenders=[ada_share(), hard_sharing()], folder=tmp_path / "other", **changed)
    assert {each.hash for each in before.rows}.isdisjoint(each.hash for each in now.rows)
    ours, theirs = ({each.hash: each for each in study.trainings} for study in (before, now))
    different = {training.name for hash, training in ours.items() if hash not in theirs}
    # A policy is chosen by scores on the validation examples.
    policy = {f"seed {seed}, AdaShare{part}" for seed in (0, 1) for part in ("", " (first part)")}
    assert different == (set() if "test" in changed else policy)


def _other_network():
    image = keras.Input((4,))
    x = keras.layers.Dense(6, "relu", name="dense0")(image)
    return image, keras.layers.Dense(6, name="dense1")(x)


@pytest.mark.parametrize("name", CHANGES)
def test_a_training_s_hash_holds_all_that_decides(make, tmp_path, name):
    before = {each.hash for each in make().trainings}
    assert before == {each.hash for each in make().trainings}
    changed = make(folder=tmp_path / "other", **{name.split(",")[0]: CHANGES[name]})
    now = {each.hash for each in changed.trainings}
    common = before & now
    # Patience changes the second parts alone.
    assert len(common) == (len(before) // 2 if name == "patience" else 0)


@pytest.mark.parametrize("versions", [{"keras": "3.0.0"}, {"code": "0"}, {"backend": "other"}])
def test_so_it_does_versions(make, monkeypatch, versions):
    before = {each.hash for each in make().trainings}
    known = {**make().versions, **versions}
    monkeypatch.setattr("keras_mtl.study.study.versions", lambda: known)
    assert before.isdisjoint(each.hash for each in make().trainings)


def test_names_that_keras_gives_are_no_part_of_it(make):
    def unnamed():
        x = image = keras.Input((4,))
        for _ in range(2):
            x = keras.layers.Dense(6, "tanh")(x)
        model = keras.Model(image, x)
        model.set_weights([np.ones(weight.shape, "float32") for weight in model.weights])
        return model

    first, second = (make(backbone=unnamed(), cuts=None) for _ in range(2))
    assert first.tower(0).stages != second.tower(0).stages
    assert [each.hash for each in first.trainings] == [each.hash for each in second.trainings]


def test_contenders_that_fit_are_found(make, tmp_path):
    names = [each.name for each in make(contenders="auto").contenders]
    assert {"one-task", "ensemble", "hard sharing", "cross-stitch", "branched"} < set(names)
    assert "split at dense1" in names and "AdaShare" in names
    # One task has nothing to share.
    x, y = examples(20)
    alone = {"age": tasks()["age"]}
    part = (x, {"age": y["age"]})
    study = make(
        tasks=alone,
        train=part,
        validation=part,
        test=part,
        contenders="auto",
        folder=tmp_path / "alone",
    )
    assert [each.name for each in study.contenders] == ["one-task", "ensemble"]


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (lambda: Contender("", Branched()), ValueError, "`name`"),
        (lambda: Contender("a", Branched), TypeError, "`sharing` must be an instance.*Branched"),
        (lambda: Contender("a", Branched(), candidates=2), ValueError, "`candidates`.*2"),
        (lambda: ensemble(0), ValueError, "`members`.*0"),
        (lambda: Contender("a", Branched(), rate=0), ValueError, "`rate`.*0"),
        (lambda: Contender("a", Branched(), steps=1), ValueError, "`steps`.*1"),
        (lambda: Contender("a", Branched(), optimizer="sgd"), TypeError, "`optimizer`.*sgd"),
        (
            lambda: Contender("a", Branched(), callbacks=[]),
            TypeError,
            r"`callbacks`.*function.*\[\]",
        ),
        (lambda: Contender("a", Branched(), heads={"b": 3}), TypeError, r"`heads\['b'\]`.*3"),
        (lambda: branched(2), ValueError, "`budget`.*2"),
        (lambda: with_balancing(one_task(), PCGrad()), ValueError, "`balancing` must be None"),
        (lambda: cross_stitch(alpha=(1, 2, 3)), ValueError, "alpha"),
    ],
)
def test_what_no_contender_is(made, error, message):
    with pytest.raises(error, match=message):
        made()


OWN = {
    "rate": 0.5,
    "steps": 6,
    "optimizer": keras.optimizers.SGD(0.1),
    "callbacks": lambda: [keras.callbacks.Callback()],
    "heads": {"age": keras.layers.Dense(1, name="another")},
    "balancing": PCGrad(),
}


@pytest.mark.parametrize("option", OWN)
@pytest.mark.parametrize("contender", [one_task(), hard_sharing(), cross_stitch()])
def test_what_is_a_contender_s_own_changes_its_networks_alone(make, contender, option):
    """Networks that others start from, too, learn as the study says, but for their steps."""
    if contender.apart and option == "balancing":
        pytest.skip("Networks of one task each have nothing to balance.")
    before = make().trainings
    study = make()
    own = dataclasses.replace(contender, name="own", **{option: OWN[option]})
    # Heads are of one task: networks of others have nothing of it.
    networks = [each for each in own.networks(study, 0) if "age" in dict(each.outputs)]
    assert {each.hash for each in networks}.isdisjoint(
        each.hash for each in contender.networks(study, 0)
    )
    starts = {each.hash for network in networks for each in network.start}
    shared = {each.hash for each in before if each.schedule == "rising"}
    is_shared = contender.start == "one-task" and option != "steps"
    assert starts <= shared if is_shared else starts.isdisjoint(shared)


@pytest.mark.parametrize("contender", [one_task(), hard_sharing(), cross_stitch(), branched()])
def test_heads_of_its_own_do_not_start_from_those_of_others(make, contender):
    head = keras.Sequential([keras.layers.Dense(5, "relu"), keras.layers.Dense(1)])
    own = dataclasses.replace(contender, name="own", heads={"age": head}, soft=False)
    study = make(contenders=[own], seeds=1)
    found = study.run()
    assert not found.failed and "own" in found.scores
    # Networks of the other task are the same as ever.
    names = [each.name for each in study.trainings]
    assert names.count("seed 0, one-task species (first part)") == 1


def test_balancings_by_name(make):
    """Behind the name of a sharing; each network has a copy, with draws of its own seed."""
    study = make(contenders=["hard sharing", "hard sharing + PCGrad", "cross-stitch + MGDA"])
    names = [each.name for each in study.contenders]
    assert names[1:4] == ["hard sharing", "hard sharing + PCGrad", "cross-stitch + MGDA"]
    methods = {each.name: type(each.balancing).__name__ for each in study.contenders}
    assert methods["hard sharing + PCGrad"] == "PCGrad" and methods["hard sharing"] == "NoneType"
    trainings = [each for each in study.trainings if "PCGrad" in each.name]
    models = [each.built(study, each.sharing) for each in trainings]
    for model, training in zip(models, trainings, strict=True):
        study.compile(model, training)
    seeds = [model.balancing.seed for model in models]
    assert None not in seeds and len({*seeds}) == study.seeds
    # Those of one task, and twins, have none.
    balanced = {each.name for each in study.trainings if each.balancing is not None}
    assert not any("one-task" in name or "twin" in name for name in balanced)
    smoothed = with_balancing(hard_sharing(), Smoothed(RandomLossWeighting()), "smoothed")
    (training,) = smoothed.networks(study, 1)
    model = training.built(study, training.sharing)
    study.compile(model, training)
    assert model.balancing.method.seed is not None


REFUSED = {
    "callbacks, none": ({"callbacks": lambda: None}, TypeError, "`callbacks` of 'own'.*None"),
    "callbacks, rate": (
        {"callbacks": lambda: [keras.callbacks.ReduceLROnPlateau("loss")]},
        ValueError,
        "`callbacks` of 'own' must leave the rate alone",
    ),
    "steps": ({"steps": Budget({"age": 3}, 2)}, ValueError, "`first` must have steps.*species"),
    "balancing": ({"balancing": "PCGrad"}, TypeError, "`balancing` must be one of"),
    "balancing, tasks": ({"balancing": FixedWeights({"ages": 2})}, ValueError, "'ages'"),
    "optimizer": (
        {
            "optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5)),
            "search": AdaShared(),
        },
        ValueError,
        "`optimizer` of 'own'.*LossScaleOptimizer",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_with_the_study_is_refused_beforehand(make, name):
    options, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        make(contenders=[dataclasses.replace(hard_sharing(), name="own", **options)])


def made_function(value, inner="x"):
    """A function of a module of its own, which reads a value of that module."""
    module = {"VALUE": value, "__name__": "own"}
    code = f"def own(x):\n    def inner(x): return [y + VALUE for y in {inner}]\n    return inner"
    exec(compile(code, "own.py", "exec"), module)
    return module["own"]


def test_a_function_s_digest_is_that_of_what_it_does():
    """Not of where its parts stand in memory; what it reads of its module counts."""
    assert digest(made_function(3)) == digest(made_function(3))
    assert digest(made_function(3)) != digest(made_function(30))
    assert digest(made_function(3)) != digest(made_function(3, "x[:]"))


def test_a_contender_of_one_s_own_is_one_line(make):
    own = Contender("two units", CrossStitched(["dense0"]), soft=True)
    names = [each.name for each in make(contenders=[own]).contenders]
    assert names == ["one-task", "two units", "twin of two units"]


def test_networks_of_different_seeds_draw_different_weights(make):
    study = make(backbone=network(), weights="draw")
    kernels = [study.tower(seed).model.get_weights()[0] for seed in (0, 1, 0)]
    assert not np.array_equal(*kernels[:2]) and np.array_equal(kernels[0], kernels[2])
