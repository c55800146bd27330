"""Pictures of models: who shares a box, and what is written."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import layers
from matplotlib.patches import FancyBboxPatch

import keras_mtl
from keras_mtl.plots import stages
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated

pytestmark = pytest.mark.one_backend


def model_of(sharing, tasks):
    image = keras.Input((8,))
    x = layers.Dense(6, name="one")(image)
    tower = keras_mtl.towers.Tower(keras.Model(image, layers.Dense(6, name="two")(x)), cuts=["one"])
    return keras_mtl.MultiTaskModel(tower, sharing, {task: layers.Dense(2) for task in tasks})


def drawn(model):
    """Axes of the picture, and of each row the first and last column of its boxes."""
    axes = stages(model).axes[0]
    rows = {}
    for patch in axes.patches:
        if isinstance(patch, FancyBboxPatch):
            left, right = patch.get_x() + 0.5, patch.get_x() + patch.get_width() - 0.5
            place = patch.get_y() + patch.get_height() / 2
            rows.setdefault(round(place, 3), []).append((round(left), round(right)))
    plt.close("all")
    return axes, [sorted(boxes) for _, boxes in sorted(rows.items())]


def names(axes):
    return [tick.get_text() for tick in axes.get_yticklabels()]


def test_a_tree_has_its_tasks_in_order():
    tree = {"one": [["a", "c"], ["b"]], "two": [["a"], ["c"], ["b"]]}
    axes, boxes = drawn(model_of(Branched(tree), ["a", "b", "c"]))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "c", "b"]
    each = [(0, 0), (1, 1), (2, 2)]
    assert boxes == [[(0, 2)], [(0, 1), (2, 2)], each, each]
    assert names(axes) == ["image", "one", "two", "heads"]


def test_sizes_are_written():
    axes, _ = drawn(model_of(Branched.hard_sharing(), ["a", "b"]))
    texts = [text.get_text() for text in axes.texts]
    # Image, stages and heads: shape and parameters.
    assert texts == ["8", "", "6", "54", "6", "42", "2", "28"]


@pytest.mark.parametrize(
    ("sharing", "name"),
    [
        (CrossStitched(["one"]), "cross-stitch"),
        (Modulated(["one"]), "gates"),
        (LatentShared(3), "latent_basis"),
    ],
)
def test_units_have_rows(sharing, name):
    axes, _ = drawn(model_of(sharing, ["a", "b", "c"]))
    assert name in names(axes)


def test_a_learned_policy_is_written_into_its_cells():
    model = model_of(AdaShared(), ["a", "b"])
    logits = np.zeros((2, 1, 2), "float32")
    logits[1, 0, 0] = np.log(3)
    model.get_layer("skip_policy").logits.assign(logits)
    axes, _ = drawn(model)
    assert {".50", ".75"} <= {text.get_text() for text in axes.texts}


def test_a_task_that_skips_parts_a_box():
    policy = {"a": "1", "b": "0", "c": "1"}
    axes, boxes = drawn(model_of(AdaShared(policy), ["a", "b", "c"]))
    assert boxes[2] == [(0, 0), (1, 1), (2, 2)]
    # The line of the task that skips goes through its row.
    assert any(line.get_xdata()[0] == 1 and line.get_ydata()[1] > 2 for line in axes.lines)


@pytest.mark.parametrize("count", [24, 40])
def test_many_tasks_are_counted(count):
    tasks = [f"task_{number}" for number in range(count)]
    tree = {"one": [tasks[::2], tasks[1::2]], "two": [[task] for task in tasks]}
    axes, boxes = drawn(model_of(Branched(tree), tasks))
    assert boxes[1] == [(0, count // 2 - 1), (count // 2, count - 1)]
    assert [text.get_text() for text in axes.texts][:2] == [str(count // 2)] * 2
    assert axes.figure.get_figwidth() < 12


def test_gates_of_a_functional_model():
    model = keras_mtl.applications.ModulatedEmbedding(5, (48, 48, 3), width=0.125, size=16)
    axes, boxes = drawn(model)
    assert names(axes).count("gates") == 3
    assert all(row == [(0, 4)] for row in boxes)
    assert [len(marks.get_offsets()) for marks in axes.collections] == [5, 5, 5]
