"""From one-task networks to a branched one: the tree, what it costs, and what it computes."""

import json
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

from keras_mtl import MultiTaskModel
from keras_mtl.search import choose_tree, cost, task_affinity
from keras_mtl.sharing import Branched
from keras_mtl.towers import Tower

# In an order in which neither the tasks nor the pairs that belong together stand side by side, and
# stages that are not in the order of the alphabet.
OUTPUTS = {"dog": 1, "ant": 2, "cat": 3, "bee": 4}
STAGES = ("stem", "bend", "middle", "late")
PARAMETERS = {"stem": 6 * 8 + 8, "bend": 0, "middle": 8 * 7 + 7, "late": 7 * 5 + 5}
HEADS = sum(6 * outputs for outputs in OUTPUTS.values())
ALONE = [[task] for task in OUTPUTS]
PAIRS = [["dog", "cat"], ["ant", "bee"]]


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


def body():
    image = keras.Input((6,))
    x = layers.Dense(8, name="stem")(image)
    x = layers.Activation("tanh", name="bend")(x)
    x = layers.Dense(7, activation="tanh", name="middle")(x)
    return image, layers.Dense(5, activation="tanh", name="late")(x)


def tower():
    return Tower(keras.Model(*body()), STAGES)


def multi_task(weights, task, others=()):
    """A model in which other tasks have weights that nobody should ask for."""
    heads = {each: layers.Dense(OUTPUTS[each]) for each in (*others, task)}
    model = MultiTaskModel(tower(), Branched.independent(), heads)
    for each in model.tasks:
        for stage, values in weights.items():
            layer = model.head(each) if stage == "head" else model.stage(each, stage)
            junk = [np.full(x.shape, 9.0) for x in layer.get_weights()]
            layer.set_weights(values if each == task else junk)
    return model


def plain(weights, task):
    """A model of one's own, with more than one layer behind the tower's."""
    image, x = body()
    x = layers.Dropout(0.5, name="drop")(x)
    model = keras.Model(image, layers.Dense(OUTPUTS[task], name="scores")(x))
    for stage, values in weights.items():
        model.get_layer("scores" if stage == "head" else stage).set_weights(values)
    return model


def sequential(weights, task):
    image, x = body()
    model = keras.Sequential([image, *keras.Model(image, x).layers[1:], layers.Dense(4)])
    for stage, values in weights.items():
        (model.layers[-1] if stage == "head" else model.get_layer(stage)).set_weights(values)
    return model


def run(weights, x):
    """A one-task network by NumPy."""
    for stage in ("stem", "middle", "late"):
        x = np.tanh(x @ weights[stage][0] + weights[stage][1])
    return x @ weights["head"][0] + weights["head"][1]


@pytest.fixture(scope="module")
def drawn():
    """Weights of four networks: dog's and cat's first layers say the same in another order of
    features, ant's and bee's are the same, and all others differ."""
    rng = np.random.default_rng(7)
    shapes = {"stem": (6, 8), "middle": (8, 7), "late": (7, 5)}

    def draw(*shape):
        return [rng.normal(0, 0.6, size).astype("float32") for size in (shape, shape[1:])]

    weights = {
        task: {stage: draw(*shape) for stage, shape in shapes.items()} | {"head": draw(5, outputs)}
        for task, outputs in OUTPUTS.items()
    }
    weights["cat"]["stem"] = [x[..., ::-1] for x in weights["dog"]["stem"]]
    weights["bee"]["stem"] = weights["ant"]["stem"]
    return weights


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(8).normal(size=(13, 6)).astype("float32")


def networks(drawn):
    """One of each kind that is taken."""
    return {
        "dog": multi_task(drawn["dog"], "dog", others=["cat", "ant"]),
        "ant": plain(drawn["ant"], "ant"),
        "cat": multi_task(drawn["cat"], "cat"),
        "bee": sequential(drawn["bee"], "bee"),
    }


@pytest.fixture(scope="module")
def branched(drawn, images):
    """With a budget that all trees are within."""
    with pytest.MonkeyPatch.context() as patch:
        draw_by_numpy(patch)
        return choose_tree(networks(drawn), images, tower(), budget=1e9, verbose=0)


def outputs(model, x):
    return {task: ops.convert_to_numpy(each) for task, each in model(x).items()}


def test_what_is_the_same_is_shared_whatever_the_budget(branched):
    # "bend" has no weights: it goes with "stem".
    expected = {"bend": PAIRS, "middle": ALONE, "late": ALONE}
    assert branched.tree == expected and list(branched.tree) == list(expected)
    assert branched.report.front[-1].tree == expected
    assert branched.report.front[-1].dissimilarity == 0
    assert branched.model.tasks == list(OUTPUTS) and branched.model.name == "branched"


def test_the_branched_network_starts_from_the_one_task_networks(branched, drawn, images):
    model = branched.model
    for stage in PARAMETERS:
        for first, second in PAIRS:
            together = model.stage(first, stage) is model.stage(second, stage)
            assert together == (stage in ("stem", "bend"))
    for task, weights in drawn.items():
        # The first of a pair gives the weights of what the pair shares.
        first = next(pair[0] for pair in PAIRS if task in pair)
        expected = {**weights, "stem": drawn[first]["stem"]}
        for stage, values in expected.items():
            layer = model.head(task) if stage == "head" else model.stage(task, stage)
            for found, value in zip(layer.get_weights(), values, strict=True):
                np.testing.assert_array_equal(found, value)
    found = outputs(model, images)
    for task in ("dog", "ant", "bee"):
        np.testing.assert_allclose(found[task], run(drawn[task], images), atol=1e-5)
    shuffled = {**drawn["cat"], "stem": drawn["dog"]["stem"]}
    np.testing.assert_allclose(found["cat"], run(shuffled, images), atol=1e-5)
    assert np.abs(found["cat"] - run(drawn["cat"], images)).max() > 0.1


def test_every_tree_of_the_report_costs_what_it_says(branched):
    report = branched.report
    assert report.front[report.chosen].tree is branched.tree
    assert len(report.front) > 3 and report.tasks == tuple(OUTPUTS)
    assert report.locations == ("bend", "middle", "late")
    assert report.affinity.shape == (3, 4, 4)
    heads = {task: layers.Dense(number) for task, number in OUTPUTS.items()}
    for row in report.front:
        model = MultiTaskModel(tower(), Branched(row.tree), heads)
        parameters = {**PARAMETERS, "bend": PARAMETERS["stem"]}
        copies = [len(row.tree[stage]) * parameters[stage] for stage in row.tree]
        assert model.count_params() == sum(copies) + HEADS == row.parameters
        assert cost(model) == (row.parameters, row.macs)
    assert report.front[0].parameters == sum(PARAMETERS.values()) + HEADS
    assert report.front[0].tree == {stage: [list(OUTPUTS)] for stage in report.locations}


def test_the_report_is_read_back_by_others(branched, tmp_path):
    branched.report.save(tmp_path / "tree.json")
    kept = json.loads((tmp_path / "tree.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["tree.json"]
    assert kept["tree"] == branched.tree and list(kept["tree"]) == list(branched.tree)
    assert kept["tasks"] == list(OUTPUTS) and kept["chosen"] == branched.report.chosen
    np.testing.assert_array_equal(kept["affinity"], branched.report.affinity)
    assert [row["parameters"] for row in kept["front"]] == [
        row.parameters for row in branched.report.front
    ]
    heads = {task: layers.Dense(number) for task, number in OUTPUTS.items()}
    again = MultiTaskModel(tower(), Branched(kept["tree"]), heads)
    assert again.count_params() == branched.model.count_params()
    branched.report.save(str(tmp_path / "tree.json"))  # over an older one


def test_the_report_shows_the_front_and_the_tree(branched):
    text = str(branched.report)
    (chosen,) = [line for line in text.splitlines() if "<- chosen" in line]
    row = branched.report.front[branched.report.chosen]
    assert chosen.split()[:3] == [str(row.parameters), str(row.macs), "0.0000"]
    for task in OUTPUTS:
        assert task in text


def test_the_branched_network_is_saved(branched, images, tmp_path):
    branched.model.save(tmp_path / "branched.keras")
    loaded = keras.models.load_model(tmp_path / "branched.keras")
    assert loaded.sharing.tree == branched.tree
    found, expected = outputs(loaded, images), outputs(branched.model, images)
    for task in OUTPUTS:
        np.testing.assert_allclose(found[task], expected[task], atol=1e-6)


def known(monkeypatch, affinity):
    """Without the comparison, which other tests make: most of the time goes into it."""
    monkeypatch.setattr(
        sys.modules["keras_mtl.search.rank_trees"],
        "task_affinity",
        lambda models, images, locations, **options: affinity[: len(locations)],
    )


def test_a_budget_is_kept_to_the_last_parameter(branched, drawn, monkeypatch):
    known(monkeypatch, branched.report.affinity)
    models = networks(drawn)
    sizes = [row.parameters for row in branched.report.front]
    middle = len(sizes) // 2
    for budget, expected in (
        (sizes[0], 0),
        (sizes[middle], middle),
        (sizes[middle] - 1, middle - 1),
    ):
        tree, model, report = choose_tree(models, None, tower(), budget, verbose=0, name="own")
        assert model.count_params() == sizes[expected] <= budget
        assert report.chosen == expected and tree == branched.report.front[expected].tree
        assert model.name == "own"


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "locations, parts, behind",
    [
        (["middle"], {"middle": ("stem", "bend", "middle")}, ("late",)),
        (["bend", "late"], {"bend": ("stem", "bend"), "late": ("middle", "late")}, ()),
        (["stem"], {"stem": ("stem",)}, ("bend", "middle", "late")),
    ],
)
def test_some_of_the_stages_as_locations(branched, drawn, monkeypatch, locations, parts, behind):
    known(monkeypatch, branched.report.affinity)
    models = networks(drawn)
    tree, model, report = choose_tree(
        models, None, tower(), budget=1e9, locations=tuple(locations), verbose=0
    )
    assert list(tree) == locations and report.locations == tuple(locations)
    heads = {task: layers.Dense(number) for task, number in OUTPUTS.items()}
    fixed = HEADS + 4 * sum(PARAMETERS[stage] for stage in behind)
    for row in (*report.front[:2], report.front[-1]):
        built = MultiTaskModel(tower(), Branched(row.tree), heads)
        copies = {
            location: len(row.tree[location]) * sum(PARAMETERS[stage] for stage in stages)
            for location, stages in parts.items()
        }
        assert cost(built) == (row.parameters, row.macs)
        assert row.parameters == sum(copies.values()) + fixed
    for stages in parts.values():
        assert len({len({model.stage(t, stage).name for t in OUTPUTS}) for stage in stages}) == 1
    for stage in behind:
        assert len({model.stage(task, stage).name for task in OUTPUTS}) == 4
    smallest = report.front[0].parameters
    message = f"`budget` must be {smallest:,} parameters or more.* up to '{locations[-1]}'"
    with pytest.raises(ValueError, match=f"{message}. Received: {smallest - 1:,}"):
        choose_tree(models, None, tower(), smallest - 1, locations=locations)


def test_extremes_are_hard_sharing_and_the_one_task_networks(drawn, images, monkeypatch):
    models = {task: multi_task(drawn[task], task) for task in OUTPUTS}
    known(monkeypatch, np.stack([np.eye(4)] * 3))
    apart = choose_tree(models, None, tower(), budget=1e9, verbose=0)
    assert set(map(str, apart.tree.values())) == {str(ALONE)}
    found = outputs(apart.model, images)
    for task in OUTPUTS:
        np.testing.assert_allclose(found[task], run(drawn[task], images), atol=1e-5)
    together = choose_tree(
        models, None, tower(), budget=sum(PARAMETERS.values()) + HEADS, verbose=0
    )
    found = outputs(together.model, images)
    hard = MultiTaskModel(
        tower(), Branched.hard_sharing(), {task: models[task].head(task) for task in OUTPUTS}
    ).initialize_from(*models.values())
    assert together.model.count_params() == hard.count_params()
    for task, expected in outputs(hard, images).items():
        np.testing.assert_allclose(found[task], expected, atol=1e-6)
        own = {**drawn["dog"], "head": drawn[task]["head"]}
        np.testing.assert_allclose(found[task], run(own, images), atol=1e-5)


def test_a_budget_of_multiply_accumulates(branched, drawn, monkeypatch):
    known(monkeypatch, branched.report.affinity)
    macs = {"bend": 48, "middle": 56, "late": 35}
    heads = 5 * sum(OUTPUTS.values())
    models = networks(drawn)
    budget = heads + 2 * (48 + 56 + 35)
    tree, model, report = choose_tree(models, None, tower(), budget, measure="macs", verbose=0)
    used = heads + sum(len(tree[stage]) * macs[stage] for stage in tree)
    assert cost(model).macs == used == report.front[report.chosen].macs <= budget
    with pytest.raises(ValueError, match=f"must be {heads + 139:,} macs or more"):
        choose_tree(models, None, tower(), heads + 138, measure="macs")


def test_one_task_alone(drawn, images):
    tree, model, report = choose_tree(
        {"bee": sequential(drawn["bee"], "bee")},
        images,
        tower(),
        200,
        locations=["late"],
        verbose=0,
    )
    assert tree == {"late": [["bee"]]} and len(report.front) == 1
    np.testing.assert_allclose(outputs(model, images)["bee"], run(drawn["bee"], images), atol=1e-5)


def test_images_of_unknown_size(rng):
    """Their multiply-accumulates cannot be counted; a plain network may be of one size."""

    def network(*size):
        image = keras.Input((*size, 2))
        x = layers.Conv2D(3, 3, padding="same", activation="tanh", name="wide")(image)
        x = layers.MaxPooling2D(name="pool")(x)
        x = layers.Conv2D(4, 1, activation="tanh", name="deep")(x)
        return image, x

    any_size = Tower(keras.Model(*network(None, None)), ["wide", "pool"])
    image, x = network(6, 5)
    x = layers.GlobalAveragePooling2D()(x)
    models = {
        "b": keras.Model(image, layers.Dense(3)(x)),
        "a": MultiTaskModel(
            any_size,
            Branched.independent(),
            {"a": keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(2)])},
        ),
    }
    for layer in (models["b"].get_layer("wide"), models["b"].get_layer("deep")):
        layer.set_weights([rng.normal(size=each.shape) for each in layer.get_weights()])
    x = rng.normal(size=(5, 6, 5, 2)).astype("float32")
    tree, model, report = choose_tree(models, x, any_size, budget=10_000, verbose=0)
    # The pool has no weights: it belongs to the stage before it.
    assert tree == {"pool": [["b"], ["a"]], "deep": [["b"], ["a"]]}
    wide, deep, heads = 2 * 3 * 9 + 3, 3 * 4 + 4, 4 * 5 + 5
    assert model.count_params() == 2 * (wide + deep) + heads
    assert [(row.parameters, row.macs) for row in (report.front[0], report.front[-1])] == [
        (wide + deep + heads, None),
        (model.count_params(), None),
    ]
    assert "unknown" in str(report)
    found = outputs(model, x)
    np.testing.assert_allclose(found["b"], ops.convert_to_numpy(models["b"](x)), atol=1e-5)
    np.testing.assert_allclose(found["a"], outputs(models["a"], x)["a"], atol=1e-5)
    with pytest.raises(ValueError, match="`input_shape` must give all sizes"):
        choose_tree(models, x, any_size, budget=10_000, measure="macs")


@pytest.mark.one_backend
def test_tasks_that_need_the_same_features_are_paired_after_training(rng):
    """a and b are functions of some of the inputs, c and d of the others."""
    x = rng.normal(size=(256, 8)).astype("float32")
    hidden = (
        np.tanh(x[:, :4] @ rng.normal(size=(4, 4))),
        np.tanh(x[:, 4:] @ rng.normal(size=(4, 4))),
    )
    seen = {"a": hidden[0], "c": hidden[1], "b": hidden[0], "d": hidden[1]}
    y = {task: (each @ rng.normal(size=(4, 6))).astype("float32") for task, each in seen.items()}
    image = keras.Input((8,))
    early = layers.Dense(8, activation="tanh", name="early")(image)
    last = layers.Dense(8, activation="tanh", name="last")(early)
    small = Tower(keras.Model(image, last), ["early"])
    # Four networks that have nothing in common, in one model: trained in one go.
    model = MultiTaskModel(small, Branched.independent(), {task: layers.Dense(6) for task in y})
    for task in y:
        for stage in small.stages:
            layer = model.stage(task, stage)
            drawn = [rng.normal(0, 0.3, size=each.shape) for each in layer.get_weights()]
            layer.set_weights(drawn)
    model.compile(keras.optimizers.Adam(0.02), loss=dict.fromkeys(y, "mse"))
    model.fit(x, y, batch_size=64, epochs=25, verbose=0, shuffle=False)
    models, images = dict.fromkeys(y, model), x[:60]
    # Two copies of the first layer, four of what stands behind it.
    budget = 2 * 72 + 4 * (72 + 8 * 6 + 6)
    tree, _, report = choose_tree(models, images, small, budget, locations=["early"], verbose=0)
    assert tree == {"early": [["a", "b"], ["c", "d"]]}
    (early,) = report.affinity
    # In the order a, c, b, d.
    assert min(early[0, 2], early[1, 3]) > 0.2 + early[np.ix_([0, 2], [1, 3])].max()
    expected = task_affinity(models, images, ["early"], verbose=0)
    np.testing.assert_allclose(report.affinity, expected, atol=1e-3)


@pytest.mark.one_backend
def test_images_without_features_are_refused_unless_asked_otherwise(drawn, images):
    """Without biases a black image leaves tanh at 0, in all stages."""
    images = images.copy()
    images[:3] = 0
    unbiased = {
        task: {stage: [kernel, 0 * bias] for stage, (kernel, bias) in weights.items()}
        for task, weights in drawn.items()
    }
    models = {task: plain(weights, task) for task, weights in unbiased.items()}
    with pytest.raises(ValueError, match="must not be all the same.*'dog, bend', of 3 images"):
        choose_tree(models, images, tower(), 1e9, verbose=0)
    report = choose_tree(models, images, tower(), 1e9, undefined="zero", verbose=0).report
    assert np.isfinite(report.affinity).all()
    # What was alike is alike.
    assert report.affinity[0, 0, 2] == report.affinity[0, 1, 3] == 1


# What is refused: before any image goes through a network, of which there are none here.


@pytest.mark.one_backend
def test_what_cannot_be_branched_is_refused(drawn):
    models = networks(drawn)

    def refused(match, models=models, budget=1e9, **options):
        with pytest.raises(ValueError, match=match):
            choose_tree(models, None, tower(), budget, verbose=0, **options)

    smallest = sum(PARAMETERS.values()) + HEADS
    refused(f"`budget` must be {smallest} parameters or more.*'late'.*{smallest - 1}", budget=218)
    refused("`budget` must be 219", budget=-1)
    for measure in ("flops", "parameter", None, "Parameters"):
        refused("`measure` must be one of .*'parameters', 'macs'", measure=measure)
    for locations in (["top"], [], ["late", "stem"], ["stem", "stem"], "late", ["dog_stem"]):
        refused("`locations` must name one or more stages.*'late'", locations=locations)
    refused("`tasks` must be a dict", models={})
    refused("`task` must be one of .*'cow'", models={"cow": models["dog"]})
    image, x = body()
    short = keras.Model(image, keras.Model(image, x).get_layer("middle").output)
    refused(
        r"`one_task_models\['ant'\]` must have layers called as .* without \['late'\]",
        models={"dog": models["dog"], "ant": short},
    )
    other = Tower(keras.Model(image, x), ["stem", "middle"])
    other = MultiTaskModel(other, Branched.hard_sharing(), {"ant": layers.Dense(1)})
    refused(
        r"`one_task_models\['ant'\]` must have the tower's stages.*Received: \['stem', 'middle'",
        models={"dog": models["dog"], "ant": other},
    )


def test_networks_of_other_widths_are_refused(drawn, images, monkeypatch):
    known(monkeypatch, np.ones((1, 2, 2)))
    image = keras.Input((6,))
    x = layers.Activation("tanh", name="bend")(layers.Dense(9, name="stem")(image))
    x = layers.Dense(5, name="late")(layers.Dense(7, name="middle")(x))
    wider = {"ant": keras.Model(image, x), "dog": plain(drawn["dog"], "dog")}
    with pytest.raises(ValueError, match=r"same shapes.*\(6, 8\).*\(6, 9\)"):
        choose_tree(wider, images, tower(), 1e9, locations=["late"], verbose=0)
