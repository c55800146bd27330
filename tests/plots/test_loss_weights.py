import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

TASKS = ["seg", "depth"]


def curves(axes):
    """Those of the tasks, without the line of plain training."""
    return {line.get_label(): line for line in axes.lines[1:]}


def test_a_curve_for_each_task_over_the_steps(axes, rng):
    history = {step: rng.uniform(0.5, 2, 2) for step in (20, 0, 10)}
    assert plots.loss_weights(axes, history, TASKS) is axes
    assert list(axes.lines[0].get_ydata()) == [1, 1]
    assert list(curves(axes)) == TASKS
    for place, line in enumerate(curves(axes).values()):
        assert list(line.get_xdata()) == [0, 10, 20]
        assert list(line.get_ydata()) == [history[step][place] for step in (0, 10, 20)]
    assert axes.get_xlabel() == "step" and axes.get_yscale() == "linear"


def test_the_logs_of_fit(axes):
    logs = {"loss": [3.0, 2.0], "depth_weight": [1.5, 1.75], "seg_weight": [0.5, 0.25]}
    plots.loss_weights(axes, logs, TASKS)
    found = {task: list(line.get_ydata()) for task, line in curves(axes).items()}
    assert found == {"seg": [0.5, 0.25], "depth": [1.5, 1.75]}
    assert list(curves(axes)["seg"].get_xdata()) == [1, 2]
    assert axes.get_xlabel() == "epoch"


def test_weights_far_apart_have_a_scale_of_factors(axes):
    apart = {0: [1, 1], 1: [0.05, 5.0]}
    plots.loss_weights(axes, apart, TASKS)
    axes.figure.draw_without_rendering()
    assert axes.get_yscale() == "log"
    assert {"0.1", "0.2", "0.5", "1", "2", "5"} <= {x.get_text() for x in axes.get_yticklabels()}
    axes.clear()
    plots.loss_weights(axes, {**apart, 2: [-0.05, 5.0]}, TASKS)
    assert axes.get_yscale() == "linear"
    axes.clear()
    plots.loss_weights(axes, {0: [np.nan, np.nan]}, TASKS)


def test_many_tasks_differ_in_colour_or_dashes(axes):
    tasks = [f"task {number}" for number in range(40)]
    plots.loss_weights(axes, {0: np.ones(40), 1: np.ones(40)}, tasks)
    looks = {(line.get_color(), line.get_linestyle()) for line in curves(axes).values()}
    assert len(looks) == 40


def test_a_single_step_shows(axes):
    plots.loss_weights(axes, {7: [0.5, 1.5]}, TASKS)
    assert {line.get_marker() for line in curves(axes).values()} == {"o"}


def test_other_histories_are_refused(axes):
    for wrong in ({}, {0: np.ones(3)}, {"seg_weight": [1, 2]}, {0: np.ones((2, 2))}):
        with pytest.raises(ValueError, match=r"`history` must hold .* of shape \(2,\) by step"):
            plots.loss_weights(axes, wrong, TASKS)
