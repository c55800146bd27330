import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

TASKS = ["seg", "depth", "normals"]
NAN = np.nan
BEFORE = np.full((3, 3), NAN)
FIRST = np.array([[1.0, 0.5, -0.2], [0.5, 1.0, NAN], [-0.2, NAN, 1.0]])
SECOND = np.array([[1.0, NAN, -0.6], [NAN, NAN, NAN], [-0.6, NAN, 1.0]])
MEAN = [[NAN, 0.5, -0.4], [0.5, NAN, NAN], [-0.4, NAN, NAN]]


def colours_of(axes):
    image = axes.images[0]
    return image.to_rgba(image.get_array())[..., :3]


def test_pairs_have_their_mean_over_the_steps_in_which_it_is_known(axes):
    history = {0: BEFORE, 10: FIRST, 20: SECOND}
    assert plots.conflicts(axes, history, TASKS) is axes
    np.testing.assert_allclose(axes.images[0].get_array().filled(NAN), MEAN)
    assert [text.get_text() for text in axes.texts] == [".50", "−.40", ".50", "−.40"]
    assert [text.get_position() for text in axes.texts] == [(1, 0), (2, 0), (0, 1), (0, 2)]
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [label.get_text() for label in labels] == TASKS


def test_colours_part_at_0(axes):
    plots.conflicts(axes, {1: FIRST}, TASKS, vmax=0.5)
    assert axes.images[0].get_clim() == (-0.5, 0.5)
    colours = colours_of(axes)
    assert colours[0, 1, 2] > colours[0, 1, 0] + 0.2  # blue
    assert colours[0, 2, 0] > colours[0, 2, 2] + 0.2  # red
    # What is not known is no 0.
    assert np.ptp(colours[1, 2]) == 0 and colours[1, 2, 0] < 0.95
    axes.clear()
    plots.conflicts(axes, {1: np.zeros((2, 2))}, TASKS[:2])
    assert colours_of(axes)[0, 1].min() > 0.95


def test_the_logs_of_fit(axes):
    """Names of tasks may stand in either order, as the tasks do."""
    logs = {
        "loss": [2.0, 1.0],
        "seg_depth_cosine": [0.1, 0.3],
        "normals_seg_cosine": [-0.5, -0.1],
        "depth_normals_cosine": [0.0, 0.0],
    }
    plots.conflicts(axes, logs, TASKS)
    expected = [[NAN, 0.2, -0.3], [0.2, NAN, 0.0], [-0.3, 0.0, NAN]]
    np.testing.assert_allclose(axes.images[0].get_array().filled(NAN), expected)


def test_many_tasks_have_no_numbers(axes):
    plots.conflicts(axes, {1: np.eye(9)}, [f"task {number}" for number in range(9)])
    assert not axes.texts


def test_other_histories_are_refused(axes):
    for wrong in ({0: np.ones((2, 2))}, {0: np.ones(3)}, {"seg_depth_cosine": [0.1]}):
        with pytest.raises(ValueError, match=r"`history` must hold cosines of shape \(3, 3\)"):
            plots.conflicts(axes, wrong, TASKS)
    for empty in ({}, {0: BEFORE}):
        with pytest.raises(ValueError, match="`history` must hold .*`conflicts=True`"):
            plots.conflicts(axes, empty, TASKS)
    with pytest.raises(ValueError, match="`vmax` must be above 0. Received: 0"):
        plots.conflicts(axes, {0: FIRST}, TASKS, vmax=0)
