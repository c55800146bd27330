import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

NAN = float("nan")


@pytest.mark.filterwarnings("error")
def test_points_are_means_and_bars_deviations(axes):
    searched = [(9e6, [5.0, 6.0]), (2e6, [1.0, 2.0, 6.0]), (4e6, 4.0)]
    series = {"searched": searched, "one-task": [(12e6, [3.0, 3.0])]}
    assert plots.performance_by_size(axes, series) is axes
    (line, _, (bars,)), (alone, _, _) = axes.containers
    np.testing.assert_array_equal(line.get_xdata(), [2e6, 4e6, 9e6])  # From small to large.
    np.testing.assert_array_equal(line.get_ydata(), [3, 4, 5.5])
    half = [np.ptp(bar[:, 1]) / 2 for bar in bars.get_segments() if len(bar)]
    np.testing.assert_allclose(half, [7**0.5, 0.5**0.5])
    assert [alone.get_xdata()[0], alone.get_ydata()[0]] == [12e6, 3]
    # Sizes of one series are joined, a single one is not.
    assert line.get_linestyle() == "-" and alone.get_linestyle() == "None"
    assert line.get_marker() != alone.get_marker() and line.get_color() != alone.get_color()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(series)


def test_bars_are_intervals(axes):
    """Of three values 4.303 standard errors, by the table of Student's t."""
    plots.performance_by_size(axes, {"a": [(1, [1.0, 2.0, 3.0])]}, interval=True)
    (_, _, (bar,)) = axes.containers[0]
    low, high = bar.get_segments()[0][:, 1]
    assert (high - low) / 2 == pytest.approx(4.303 / 3**0.5, rel=1e-3)


@pytest.mark.filterwarnings("error")
def test_missing_values_are_left_out(axes):
    series = {"none": [(1e6, [NAN, NAN]), (2e6, NAN)], "some": [(1e6, [NAN, 2.0]), (2e6, [])]}
    plots.performance_by_size(axes, series)
    ((line, _, _),) = axes.containers
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([1e6], [2])
    assert line.get_color() == "C1"  # A series keeps its colour when others are not there yet.
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["some"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("series", [{}, {"empty": []}, {"none": [(1, NAN)]}])
def test_nothing_to_draw(axes, series):
    plots.performance_by_size(axes, series)
    assert not axes.containers and axes.get_legend() is None


def test_sizes_are_readable(axes):
    plots.performance_by_size(axes, {"a": [(2.5e6, 1), (1e7, 2)]}, xlabel="multiply-adds")
    assert axes.get_xlabel() == "multiply-adds"
    labels = axes.xaxis.get_major_formatter().format_ticks([0, 7.5e5, 2.5e6, 1e7])
    assert labels == ["0", "750 k", "2.5 M", "10 M"]


@pytest.mark.parametrize("series", [[(1, 2)], {"a": 3}, {"a": "text"}, None])
def test_series_are_lists(axes, series):
    with pytest.raises(ValueError, match="`series` must be a dict from a name to a list"):
        plots.performance_by_size(axes, series)


@pytest.mark.parametrize(
    "point", [3, (1,), (1, 2, 3), (NAN, 1), ("small", 1), (1, "good"), (1, [[2.0]]), (1, [[1], 2])]
)
def test_other_points_are_refused(axes, point):
    with pytest.raises(ValueError, match=r"`series\['a'\]` must hold pairs `\(size, values\)`"):
        plots.performance_by_size(axes, {"a": [point]})
