"""The stages of a model as a table: who shares what, and where its weights are."""

import keras
import pytest
from keras import layers

import keras_mtl
from keras_mtl.plots.stage_rows import stage_rows
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated
from keras_mtl.sharing._skip_policy_of import skip_policy_of

pytestmark = pytest.mark.one_backend  # Names and shapes alone.
TASKS = ["a", "b", "c"]


def small_tower():
    image = keras.Input((8,))
    x = layers.Dense(6, name="one")(image)
    x = layers.Dense(6, name="two")(x)
    return keras_mtl.towers.Tower(
        keras.Model(image, layers.Dense(6, name="three")(x)), cuts=["one", "two"]
    )


def model_of(sharing, tower=None):
    heads = {task: layers.Dense(size) for size, task in enumerate(TASKS, 1)}
    return keras_mtl.MultiTaskModel(tower or small_tower(), sharing, heads)


def all_weights(model, rows):
    """What the rows and the heads say that the model has."""
    heads = sum(model.head(task).count_params() for task in model.tasks)
    return heads + sum(row.parameters + row.unit_parameters for row in rows)


ALL, EACH, PAIR = [TASKS], [["a"], ["b"], ["c"]], [["a", "c"], ["b"]]


@pytest.mark.parametrize(
    ("sharing", "groups", "units"),
    [
        (Branched.independent(), [EACH, EACH, EACH], [None, None, None]),
        (Branched.hard_sharing(), [ALL, ALL, ALL], [None, None, None]),
        (Branched.split(at="two"), [ALL, EACH, EACH], [None, None, None]),
        (Branched({"one": ALL, "two": PAIR}), [ALL, PAIR, EACH], [None, None, None]),
        (CrossStitched(["two"]), [EACH, EACH, EACH], [None, ("CrossStitch", 54), None]),
        (LatentShared(2, dropout=0.1), [EACH] * 3, [None, None, ("latent_basis", 12)]),
        (Modulated(["one"]), [ALL, ALL, ALL], [("ModulationGate", 18), None, None]),
    ],
    ids=["independent", "hard", "split", "tree", "stitched", "latent", "modulated"],
)
def test_groups_units_and_weights(sharing, groups, units):
    model = model_of(sharing)
    rows = stage_rows(model)
    assert [row.stage for row in rows] == ["one", "two", "three"]
    assert [row.groups for row in rows] == groups
    assert [(row.unit, row.unit_parameters) if row.unit else None for row in rows] == units
    assert [row.parameters for row in rows] == [
        len(of_stage) * size for of_stage, size in zip(groups, (54, 42, 42), strict=True)
    ]
    assert not any(row.skipped for row in rows)
    assert {row.output_shape for row in rows} == {(6,)}
    assert all_weights(model, rows) == model.count_params()


@pytest.mark.parametrize("per_task_statistics", [False, True])
def test_a_learned_policy(per_task_statistics):
    model = model_of(AdaShared(per_task_statistics=per_task_statistics))
    rows = stage_rows(model)
    assert [row.unit for row in rows] == [None, "SkipBlock", "SkipBlock"]
    assert all(row.groups == ALL and not row.skipped for row in rows)
    of_policy = skip_policy_of(model).count_params()
    assert all_weights(model, rows) + of_policy == model.count_params()


def projecting_tower():
    """Its second stage has a shortcut of its own, with weights."""
    image = keras.Input((8,))
    x = layers.Dense(6, name="one")(image)
    beside = layers.Dense(4, name="two_shortcut")(x)
    x = layers.Add(name="two")([layers.Dense(4, name="two_dense")(x), beside])
    return keras_mtl.towers.Tower(
        keras.Model(image, layers.Dense(4, name="three")(x)), cuts=["one", "two"]
    )


@pytest.mark.parametrize(
    ("policy", "skipped", "parameters"),
    [
        # Of those who skip "two", "a" goes along with who executes it; see AdaShared.
        ({"a": "01", "b": "11", "c": "10"}, [["a"], ["c"]], [56, 20]),
        ({"a": "01", "b": "01", "c": "00"}, [TASKS, ["c"]], [28, 20]),
        ({"a": "10", "b": "00", "c": "10"}, [["b"], TASKS], [56, 0]),
    ],
)
def test_a_fixed_policy(policy, skipped, parameters):
    model = model_of(AdaShared(policy), projecting_tower())
    rows = stage_rows(model)
    assert [row.skipped for row in rows] == [[], *skipped]
    executing = [[task for task in TASKS if task not in row.skipped] for row in rows]
    assert [row.groups for row in rows] == [[each] if each else [] for each in executing]
    assert [row.parameters for row in rows] == [54, *parameters]
    assert [row.output_shape for row in rows] == [(6,), (4,), (4,)]
    assert all_weights(model, rows) == model.count_params()


def test_several_inputs():
    model = keras_mtl.applications.CrossStitchFastRCNN(3, 5, width=0.05)
    rows = stage_rows(model)
    by_stage = {row.stage: row for row in rows}
    assert [row.stage for row in rows if row.unit] == list(model.units)
    assert by_stage["roi_pool5"].groups == [["detection"], ["attributes"]]
    assert by_stage["fc6"].output_shape == (None, 205)
    assert all_weights(model, rows) == model.count_params()


def test_a_functional_model_with_gates():
    model = keras_mtl.applications.ModulatedEmbedding(3, (48, 48, 3), width=0.125, size=16)
    rows = stage_rows(model)
    assert [row.stage for row in rows] == list(keras_mtl.towers.residual_embedding.STAGES)
    assert [row.stage for row in rows if row.unit] == ["block3", "block4", "embedding"]
    assert all(row.groups == [["0", "1", "2"]] for row in rows)
    assert sum(row.parameters + row.unit_parameters for row in rows) == model.count_params()


def test_other_models_are_refused():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(1)])
    with pytest.raises(TypeError, match="`model` must be a MultiTaskModel"):
        stage_rows(model)
