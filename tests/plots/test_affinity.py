import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

TASKS = ["seg", "depth", "normals"]
MATRIX = np.array([[1.0, 0.62, -0.3], [0.62, 1.0, 0.004], [-0.3, 0.004, 1.0]])


def colours_of(axes):
    image = axes.images[0]
    return image.to_rgba(image.get_array())


def test_cells_have_names_numbers_and_colours(axes):
    assert plots.affinity(axes, MATRIX, TASKS) is axes
    np.testing.assert_array_equal(axes.images[0].get_array(), MATRIX)
    assert [label.get_text() for label in axes.get_xticklabels()] == TASKS
    assert [label.get_text() for label in axes.get_yticklabels()] == TASKS
    numbers = [text.get_text() for text in axes.texts]
    assert numbers == ["1.00", ".62", "−.30", ".62", "1.00", ".00", "−.30", ".00", "1.00"]
    places = [text.get_position() for text in axes.texts]
    assert places == [(column, row) for row in range(3) for column in range(3)]
    brightness = colours_of(axes)[..., :3].mean(axis=-1)
    assert brightness[0, 0] > brightness[0, 1] > brightness[1, 2]
    # Bright on dark, dark on bright.
    assert axes.texts[5].get_color() == "white" != axes.texts[0].get_color()


def test_all_stages_share_one_scale(axes):
    plots.affinity(axes, MATRIX, TASKS)
    alike = colours_of(axes)[0, 1]
    axes.clear()
    plots.affinity(axes, [[1.0, 0.62], [0.62, 1.0]], TASKS[:2])
    np.testing.assert_array_equal(colours_of(axes)[0, 1], alike)
    assert axes.images[0].get_clim() == (0, 1)


def test_what_is_below_the_scale_is_grey(axes):
    plots.affinity(axes, MATRIX, TASKS)
    below = colours_of(axes)[0, 2, :3]
    assert np.ptp(below) == 0 and below[0] > 0.8
    axes.clear()
    plots.affinity(axes, MATRIX, TASKS, vmin=-1)
    assert np.ptp(colours_of(axes)[0, 2, :3]) > 0.1
    assert axes.images[0].get_clim() == (-1, 1)


def test_unknown_affinities_are_blank(axes):
    plots.affinity(axes, [[1.0, np.nan], [np.nan, 1.0]], TASKS[:2])
    np.testing.assert_array_equal(colours_of(axes)[0, 1, :3], [1, 1, 1])
    assert [text.get_text() for text in axes.texts] == ["1.00", "1.00"]


@pytest.mark.parametrize(("num_tasks", "numbers"), [(1, 1), (8, 64), (9, 0), (40, 0)])
def test_many_tasks_are_small_and_without_numbers(axes, num_tasks, numbers):
    plots.affinity(axes, np.eye(num_tasks), [f"task {index}" for index in range(num_tasks)])
    assert len(axes.texts) == numbers
    room = 72 * axes.get_window_extent().height / axes.figure.dpi / num_tasks
    assert all(label.get_fontsize() <= room for label in axes.get_yticklabels())


def test_other_matrices_are_refused(axes):
    with pytest.raises(ValueError, match=r"`matrix` must be of shape \(2, 2\).*\(3, 3\)"):
        plots.affinity(axes, MATRIX, TASKS[:2])
    with pytest.raises(ValueError, match=r"`matrix` must be of shape \(3, 3\).*\(3,\)"):
        plots.affinity(axes, MATRIX[0], TASKS)
    with pytest.raises(ValueError, match=r"`matrix` must be of shape \(0, 0\)"):
        plots.affinity(axes, np.zeros((0, 0)), [])
    with pytest.raises(ValueError, match="`matrix` must be of correlations from -1 to 1"):
        plots.affinity(axes, 2 * MATRIX, TASKS)
    with pytest.raises(ValueError, match="`vmin` must be below 1. Received: 1"):
        plots.affinity(axes, MATRIX, TASKS, vmin=1)
    plots.affinity(axes, MATRIX * (1 + 1e-9), TASKS)  # Rounding.
