"""A picture and panels beside it, in rows, with keys of what is there."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from keras_mtl import plots
from keras_mtl.cli import _composition as composition

pytestmark = pytest.mark.one_backend


@pytest.fixture(autouse=True)
def no_screen():
    plots.pyplot().switch_backend("agg")
    yield
    plots.pyplot().close("all")


@pytest.mark.parametrize("height, width", [(20, 30), (2, 300), (300, 2)])
def test_what_is_drawn_lies_within_the_figure(height, width, rng):
    """Of pictures of any shape, in rows of four at most, of one height, none over another."""
    values, names = rng.normal(size=(height, width, 3)), ["wall", "floor"]
    panels = [
        composition.classes("classes", rng.integers(0, 2, (height, width)), names),
        composition.normals("normals", values / np.linalg.norm(values, axis=-1, keepdims=True)),
        composition.numbers("depth", values[..., 0], unit=" m"),
        composition.arrows("motion", values[..., :2]),
        composition.bars("likeliest", {"cat": 0.9, "dog": 0.004}),
    ]
    figure = composition.compose(np.zeros((height, width, 3), "uint8"), panels)
    figure.canvas.draw()
    titles = {"picture", "classes", "normals", "depth", "motion", "likeliest"}
    assert {text.get_text() for text in figure.texts} >= titles
    boxes = [axes.get_position(original=True) for axes in figure.axes]
    assert all(0 <= x <= 1 for box in boxes for x in box.extents)
    for number, box in enumerate(boxes):
        for other in boxes[:number]:
            apart = max(box.x0 - other.x1, other.x0 - box.x1, box.y0 - other.y1, other.y0 - box.y1)
            assert apart >= -1e-9
    tops = [round(axes.get_position(original=True).y1, 6) for axes in figure.axes]
    assert max(map(tops.count, tops)) <= composition.MOST_IN_A_ROW


def test_a_key_names_the_largest_classes_and_counts_the_others():
    names = [f"class {number}" for number in range(13)]
    labels = np.repeat(np.arange(13), np.arange(1, 14) ** 2)[None]
    panel = composition.classes("ground", labels, names)
    figure = composition.compose(np.zeros((1, labels.size, 3), "uint8"), [panel])
    lines = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert lines[0] == "class 12 21 %" and lines[-1] == "3 more" and len(lines) == 11
    panel = composition.classes("ground", np.zeros((1, 400), int), names)
    figure = composition.compose(np.zeros((1, 400, 3), "uint8"), [panel])
    assert [text.get_text() for text in figure.axes[-1].texts] == ["class 0 100 %"]


def test_constant_numbers_have_a_scale():
    figure = composition.compose(
        np.zeros((4, 4, 3), "uint8"), [composition.numbers("depth", np.ones((4, 4)))]
    )
    figure.canvas.draw()
