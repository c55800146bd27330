import numpy as np
import pytest

from keras_mtl import plots


@pytest.fixture
def axes():
    plt = plots.pyplot()
    plt.switch_backend("agg")
    yield plt.figure().gca()
    plt.close("all")


def test_each_pair_of_tasks_is_a_sorted_curve(axes, rng):
    alpha = rng.normal(size=(3, 3, 10))
    plots.sorted_alphas(axes, alpha, ["a", "b", "c"])
    curves = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert len(curves) == 9
    np.testing.assert_array_equal(curves["b ← c"], np.sort(alpha[1, 2]))
    solid = [line.get_label() for line in axes.lines if line.get_linestyle() == "-"]
    assert solid == ["a ← a", "b ← b", "c ← c"]


def test_a_unit_for_the_whole_layer_is_a_level(axes):
    plots.sorted_alphas(axes, [[0.9, 0.1], [0.2, 0.8]], ["a", "b"])
    assert set(axes.lines[1].get_ydata()) == {0.1}


def test_alphas_of_other_tasks_are_refused(axes):
    with pytest.raises(ValueError, match=r"`alpha` must be \(2, 2, channels\).*\(3, 3\)"):
        plots.sorted_alphas(axes, np.eye(3), ["a", "b"])


def test_gain_goes_from_the_rarest_class_to_the_most_frequent(axes):
    plots.gain_per_class(axes, ["wall", "bag", "vase"], [0.1, 0.3, float("nan")], [900, 5, 40])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["bag", "vase", "wall"]
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, [0.3, np.nan, 0.1])
    with pytest.raises(ValueError, match="one length"):
        plots.gain_per_class(axes, ["wall"], [0.1, 0.2], [3])


def test_predictions_are_shown_column_by_column(rng):
    images = rng.integers(0, 255, (2, 4, 4, 3))
    labels = np.array([[[0, 1], [2, 255]]] * 2)
    normals = np.tile([0.0, 0.0, -1.0], (2, 4, 4, 1))
    figure = plots.pixel_predictions(images, {"labels": labels, "normals": normals}, num_classes=3)
    axes = np.array(figure.axes).reshape(2, 3)
    assert [axis.get_title() for axis in axes[0]] == ["image", "labels", "normals"]
    np.testing.assert_array_equal(axes[1, 0].images[0].get_array(), images[1])
    drawn = axes[0, 1].images[0].get_array()
    np.testing.assert_array_equal(drawn[1, 1], 0)  # void is black
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 4
    np.testing.assert_allclose(axes[0, 2].images[0].get_array()[0, 0], [0.5, 0.5, 0])
    with pytest.raises(ValueError, match="each of the 2 images"):
        plots.pixel_predictions(images, {"labels": labels[:1]}, num_classes=3)
    plots.pyplot().close(figure)
