import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

TASKS = ["age", "kind"]
BLOCKS = ["one", "two", "three"]


@pytest.fixture(autouse=True)
def _closed():
    plots.pyplot().switch_backend("agg")
    yield
    plots.pyplot().close("all")


def panels(figure):
    """The axes of the tasks, without that of the scale."""
    return figure.axes[:-1]


def test_a_panel_for_each_task_and_a_row_for_each_block(rng):
    history = {step: rng.uniform(size=(2, 3)) for step in (40, 0, 10)}
    figure = plots.policy_history(history, TASKS, BLOCKS)
    assert [axis.get_title() for axis in panels(figure)] == TASKS
    for task, axis in enumerate(panels(figure)):
        drawn = axis.collections[0]
        expected = np.array([history[step][task] for step in (0, 10, 40)]).T
        np.testing.assert_array_equal(np.reshape(drawn.get_array(), (3, 3)), expected)
        assert drawn.get_clim() == (0, 1)
        edges = drawn.get_coordinates()[0, :, 0]
        np.testing.assert_array_equal(edges, [0, 5, 25, 40])
        low, high = axis.get_ylim()
        assert low > high  # the first block at the top
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == BLOCKS
    assert figure.axes[-1].get_ylabel() == "probability to execute"


def test_a_single_step_fills_its_panel():
    figure = plots.policy_history({7: [[0.2, 0.8]]}, ["age"], ["one", "two"])
    edges = panels(figure)[0].collections[0].get_coordinates()[0, :, 0]
    np.testing.assert_array_equal(edges, [6.5, 7.5])


def test_other_histories_are_refused():
    for wrong in ({}, {0: np.ones((3, 2))}, {0: np.ones((2, 3)), 1: np.ones(3)}):
        with pytest.raises(ValueError, match=r"`history` must hold .* of shape \(2, 3\)"):
            plots.policy_history(wrong, TASKS, BLOCKS)
