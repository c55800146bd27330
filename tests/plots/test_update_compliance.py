import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend


def dots(axes):
    """Of every network: its dots (n, 2) and the heights of its bars."""
    from matplotlib.collections import LineCollection, PathCollection

    points = [np.array(x.get_offsets()) for x in axes.collections if isinstance(x, PathCollection)]
    bars = [
        [segment[0, 1] if len(segment) else np.nan for segment in x.get_segments()]
        for x in axes.collections
        if isinstance(x, LineCollection)
    ]
    return points, bars


def test_a_dot_is_a_pair_and_a_bar_the_mean_of_a_layer(axes, rng):
    ratios = rng.uniform(size=(2, 2, 3, 3))
    networks = {
        name: dict(zip(["conv1", "fc"], of_network, strict=True))
        for name, of_network in zip(["shared", "modulated"], ratios, strict=True)
    }
    assert plots.update_compliance(axes, networks) is axes
    points, bars = dots(axes)
    rows, columns = [0, 0, 1], [1, 2, 2]
    for of_network, found, means in zip(ratios, points, bars, strict=True):
        expected = of_network[:, rows, columns]
        np.testing.assert_allclose(found[:, 1], expected.ravel())
        np.testing.assert_array_equal(found[:, 0].round(), [0, 0, 0, 1, 1, 1])
        np.testing.assert_allclose(means, expected.mean(1))
        assert len(set(found[:, 0])) == 6  # equal ratios do not hide each other
    assert (points[0][:, 0] < points[1][:, 0]).all()  # side by side
    assert np.abs(points[0][:3, 0] - points[1][:3, 0]).min() > np.ptp(points[0][:3, 0])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["conv1", "fc"]
    assert [x.get_text() for x in axes.get_legend().get_texts()] == ["shared", "modulated"]
    assert list(axes.lines[0].get_ydata()) == [0.5, 0.5]
    assert axes.get_ylabel() == "update compliance ratio"
    low, high = axes.get_ylim()
    assert low < 0 and high > 1


@pytest.mark.filterwarnings("error")
def test_what_is_unknown_or_not_there_is_left_out(axes):
    nan = float("nan")
    known = [[1, 0.2, nan], [0.2, 1, 0.6], [nan, 0.6, 1]]
    plots.update_compliance(axes, {"a": {"x": known, "y": np.full((3, 3), nan)}, "b": {"y": known}})
    (a, b), bars = dots(axes)
    assert len(a) == 6 and len(b) == 3 and (b[:, 0] > 0.5).all()
    np.testing.assert_allclose(bars[0], [0.4, nan])
    np.testing.assert_allclose(bars[1], [nan, 0.4])


def test_many_long_names_are_rotated(axes):
    for count, angle in ((2, 0), (12, 60)):
        axes.clear()
        layers = {f"block{index}_conv": np.eye(2) for index in range(count)}
        plots.update_compliance(axes, {"shared": layers})
        assert {label.get_rotation() for label in axes.get_xticklabels()} == {angle}


def test_other_ratios_are_refused(axes):
    for wrong in ({}, {"a": {}}):
        with pytest.raises(ValueError, match="`ratios` must hold at least one layer"):
            plots.update_compliance(axes, wrong)
    for wrong in (np.ones(3), np.ones((2, 3)), np.ones((1, 1))):
        with pytest.raises(ValueError, match=r"`ratios\['a'\]\['x'\]` must be of shape"):
            plots.update_compliance(axes, {"a": {"x": wrong}})
    with pytest.raises(ValueError, match=r"`ratios\['a'\]\['x'\]` must be of ratios from 0 to 1"):
        plots.update_compliance(axes, {"a": {"x": [[1, -0.5], [-0.5, 1]]}})


@pytest.mark.filterwarnings("error")
def test_means_over_the_pairs_are_drawn_over_the_steps(axes, rng):
    history = {}
    for step in (20, 0, 10):
        ratios = rng.uniform(size=(3, 3))
        own = np.where(np.eye(3), ratios, np.nan)  # of a head, which no two tasks share
        history[step] = {"conv1": (ratios + ratios.T) / 2, "fc": ratios, "head": own}
    history[10]["fc"][0, 2] = np.nan
    assert plots.compliance_history(axes, history) is axes
    curves = {line.get_label(): line for line in axes.lines[1:]}
    assert list(curves) == ["conv1", "fc"]
    assert list(curves["fc"].get_xdata()) == [0, 10, 20]
    expected = [np.nanmean(history[step]["fc"][[0, 0, 1], [1, 2, 2]]) for step in (0, 10, 20)]
    np.testing.assert_allclose(curves["fc"].get_ydata(), expected)


def test_other_histories_are_refused(axes):
    for wrong in ({}, {0: {"x": np.eye(2)}, 1: {"y": np.eye(2)}}):
        with pytest.raises(ValueError, match="`history` must hold the same layers"):
            plots.compliance_history(axes, wrong)
    for norms in (np.ones(2), np.ones((2, 3)), np.ones((1, 1))):
        with pytest.raises(ValueError, match=r"`history\[7\]\['x'\]` must be of shape"):
            plots.compliance_history(axes, {0: {"x": np.eye(2)}, 7: {"x": norms}})
    cosines = [[1, -0.1], [-0.1, 1]]
    with pytest.raises(ValueError, match=r"`history\[0\]\['x'\]` must be of ratios from 0 to 1"):
        plots.compliance_history(axes, {0: {"x": cosines}})
