import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend


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


def test_gain_of_attributes_is_in_average_precision(axes):
    plots.gain_per_class(axes, ["striped", "wooden"], [-1.5, 4.0], [70, 20], unit="AP")
    assert axes.get_ylabel() == "gain in AP over one-task"
    assert [bar.get_height() for bar in axes.patches] == [4.0, -1.5]
    labels = axes.figure.axes[1]  # of the second scale
    assert list(labels.lines[0].get_ydata()) == [20, 70]
    assert labels.get_yscale() == "log"


def test_splits_are_drawn_relative_to_one_task(axes):
    plots.split_performance(
        axes,
        ["conv1", "conv2", "fc"],
        scores={"parts": [[0.5, 0.7], [0.66, 0.66], [0.4, 0.5]], "normals": [30.0, 36.0, 33.0]},
        baseline={"parts": [0.55, 0.65], "normals": 30},
        lower_is_better=["normals"],
    )
    parts, normals = axes.containers
    points, _, (bars,) = parts
    np.testing.assert_allclose(points.get_ydata(), [0, 10, -25], atol=1e-9)
    np.testing.assert_allclose(normals[0].get_ydata(), [0, -20, -10])
    deviation = 100 / 0.6 * np.array([0.2, 0.0, 0.1]) / 2**0.5
    half = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
    np.testing.assert_allclose(half, deviation, atol=1e-9)
    assert axes.lines[0].get_ydata() == [0, 0]
    stars = [line for line in axes.lines if line.get_marker() == "*"]
    np.testing.assert_allclose([star.get_ydata()[0] for star in stars], [10, 0], atol=1e-9)
    np.testing.assert_allclose([round(star.get_xdata()[0]) for star in stars], [1, 0])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["conv1", "conv2", "fc"]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["one-task network", "parts", "normals"]


@pytest.mark.filterwarnings("error")
def test_splits_without_a_score_are_left_out(axes):
    nan = float("nan")
    plots.split_performance(axes, "xyz", {"a": [[2, nan], [nan, nan], [3, 5]]}, {"a": 2})
    np.testing.assert_allclose(axes.containers[0][0].get_ydata(), [0, nan, 100])


def test_splits_need_a_row_each_and_a_baseline(axes):
    with pytest.raises(ValueError, match=r"`scores\['a'\]` must be of shape \(2,\).*\(3,\)"):
        plots.split_performance(axes, ["x", "y"], {"a": [1, 2, 3]}, {"a": 1})
    for baseline in ({}, {"a": 0.0}):
        with pytest.raises(ValueError, match="`baseline` must hold"):
            plots.split_performance(axes, ["x"], {"a": [1]}, baseline)
    with pytest.raises(ValueError, match=r"`lower_is_better` must name .*\['b'\]"):
        plots.split_performance(axes, ["x"], {"a": [1]}, {"a": 1}, lower_is_better=["b"])


def test_lower_is_better_may_be_one_name(axes):
    plots.split_performance(axes, ["x"], {"age": [1]}, {"age": 2}, lower_is_better="age")
    np.testing.assert_allclose(axes.containers[0][0].get_ydata(), [50])


def test_alphas_are_drawn_over_the_steps(axes, rng):
    history = {step: rng.normal(size=(2, 2, 5)) for step in (20, 0, 10)}
    plots.alpha_history(axes, history, ["a", "b"])
    curves = {line.get_label(): line for line in axes.lines}
    assert set(curves) == {"a ← a", "a ← b", "b ← a", "b ← b"}
    assert list(curves["a ← b"].get_xdata()) == [0, 10, 20]
    expected = [history[step][0, 1].mean() for step in (0, 10, 20)]
    np.testing.assert_allclose(curves["a ← b"].get_ydata(), expected)
    solid = [label for label, line in curves.items() if line.get_linestyle() == "-"]
    assert solid == ["a ← a", "b ← b"]
    for wrong in ({}, {0: np.eye(3)}):
        with pytest.raises(ValueError, match=r"`history` must hold alphas of shape \(2, 2\)"):
            plots.alpha_history(axes, wrong, ["a", "b"])


def test_labels_of_one_class_have_one_colour(axes):
    labels = np.array([[0, 1], [255, 1]], "uint8")
    assert plots.pixel_map(axes, labels, num_classes=2) is axes
    drawn = axes.images[0].get_array()
    assert (drawn[0, 1] == drawn[1, 1]).all() and (drawn[0, 0] != drawn[1, 1]).any()
    np.testing.assert_array_equal(drawn[1, 0], 0)
    for count in (None, 1):
        with pytest.raises(ValueError, match=f"num_classes={count} for label 1"):
            plots.pixel_map(axes, labels, num_classes=count)


def test_depth_has_a_scale_in_metres(axes):
    depth = np.array([[1.0, 2.0], [0.0, np.nan]])
    plots.pixel_map(axes, depth)
    plots.pixel_map(axes, depth[..., None], depth_range=(0.5, 8))
    own, given = axes.images
    assert own.get_clim() == (1, 2) and given.get_clim() == (0.5, 8)
    for image in (own, given):
        np.testing.assert_array_equal(image.get_array().mask, [[False, False], [True, True]])
    assert own.get_cmap().get_bad()[:3].max() == 0  # unknown is black


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (1, 4, 4, 3)])
def test_other_maps_are_refused(axes, shape):
    with pytest.raises(ValueError, match="`values` must be .*Received: shape"):
        plots.pixel_map(axes, np.zeros(shape))


def test_depths_of_a_row_share_their_scale(rng):
    columns = {
        "depth": rng.uniform(1, 4, (2, 3, 3)),
        "predicted": rng.uniform(2, 9, (2, 3, 3, 1)),
        "labels": np.zeros((2, 3, 3), int),
    }
    figure = plots.pixel_predictions(np.zeros((2, 3, 3, 3)), columns, num_classes=1)
    axes = np.array(figure.axes).reshape(2, 4)
    for row in range(2):
        limits = (columns["depth"][row].min(), columns["predicted"][row].max())
        assert [axis.images[0].get_clim() for axis in axes[row, 1:3]] == [limits, limits]
    assert axes[0, 1].images[0].get_clim() != axes[1, 1].images[0].get_clim()
    unknown = plots.pixel_predictions(np.zeros((1, 2, 2, 3)), {"depth": np.zeros((1, 2, 2))})
    assert unknown.axes[1].images[0].get_array().mask.all()
    for shown in (figure, unknown):
        plots.pyplot().close(shown)


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
