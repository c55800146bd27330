import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

TASKS = ["age", "kind"]
BLOCKS = ["one", "two", "three"]


def colors_of(axes):
    return np.asarray(axes.images[0].get_array())


def test_executed_blocks_have_the_colour_of_their_task(axes):
    from matplotlib.colors import to_rgb

    policy = np.array([[True, False, True], [False, True, True]])
    assert plots.policy_map(axes, policy, TASKS, BLOCKS) is axes
    colors = colors_of(axes)
    for row in range(2):
        np.testing.assert_allclose(colors[row, policy[row]], [to_rgb(f"C{row}")] * 2)
    skipped = colors[~policy]
    assert (skipped > 0.9).all() and (skipped == skipped[0]).all()
    assert [label.get_text() for label in axes.get_yticklabels()] == TASKS
    assert [label.get_text() for label in axes.get_xticklabels()] == BLOCKS
    assert not axes.texts


def test_probabilities_shade_their_cells_and_are_written(axes):
    policy = np.array([[0.0, 0.25, 1.0], [0.999, 0.5, 0.041]])
    plots.policy_map(axes, policy, TASKS, BLOCKS)
    assert [text.get_text() for text in axes.texts] == [".00", ".25", "1.00", "1.00", ".50", ".04"]
    assert [text.get_position() for text in axes.texts[:4]] == [(0, 0), (1, 0), (2, 0), (0, 1)]
    none, quarter, full = colors_of(axes)[0]
    np.testing.assert_allclose(quarter, 0.75 * none + 0.25 * full)
    # Bright on dark, dark on bright.
    assert axes.texts[2].get_color() == "white" != axes.texts[0].get_color()


def test_one_task_and_one_block(axes):
    plots.policy_map(axes, [[True]], ["age"], [1])
    assert colors_of(axes).shape == (1, 1, 3)


def test_other_policies_are_refused(axes):
    with pytest.raises(ValueError, match=r"`policy` must be of shape \(2, 3\).*\(3, 2\)"):
        plots.policy_map(axes, np.ones((3, 2), bool), TASKS, BLOCKS)
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(ValueError, match="`policy` must be bool, or float from 0 to 1"):
            plots.policy_map(axes, np.full((2, 3), wrong), TASKS, BLOCKS)
