import numpy as np
import pytest
from matplotlib.colors import to_rgb

from keras_mtl import plots

pytestmark = pytest.mark.one_backend


@pytest.fixture(autouse=True)
def _figures():
    plots.pyplot().switch_backend("agg")
    yield
    plots.pyplot().close("all")


@pytest.fixture
def pictures(rng):
    queries = rng.integers(256, size=(2, 6, 4, 3)).astype("uint8")
    return queries, rng.integers(256, size=(2, 3, 5, 5, 3)).astype("uint8")


def cells(figure, rows):
    """The axes of each row with a picture, the query first."""
    axes = np.array(figure.axes).reshape(rows, -1)
    return [[axis for axis in row if axis.images] for row in axes]


def test_pictures_stand_where_they_belong(pictures):
    queries, found = pictures
    figure = plots.neighbours(queries, found, titles=["heel: flat", "gender: men"])
    for row, of_row in enumerate(cells(figure, 2)):
        for axis, image in zip(of_row, [queries[row], *found[row]], strict=True):
            np.testing.assert_array_equal(axis.images[0].get_array(), image)
            assert not len(axis.get_xticks()) and not len(axis.get_yticks())
    labels = [of_row[0].get_ylabel() for of_row in cells(figure, 2)]
    assert labels == ["heel: flat", "gender: men"]


def frames(axis):
    return {
        (to_rgb(spine.get_edgecolor()), spine.get_linestyle())
        for spine in axis.spines.values()
        if spine.get_visible()
    }


def test_frames_say_what_is_right(pictures):
    right = np.array([[True, False, True], [False, False, True]])
    for row, of_row in enumerate(cells(plots.neighbours(*pictures, right=right), 2)):
        ((query, _),) = frames(of_row[0])
        assert np.ptp(query) == 0
        for axis, is_right in zip(of_row[1:], right[row], strict=True):
            ((colour, line),) = frames(axis)
            assert (colour[1] > colour[0]) == is_right
            assert (line == "solid") == is_right  # Readers who see no green see the dashes.


def test_without_knowing_only_the_query_has_a_frame(pictures):
    for query, *others in cells(plots.neighbours(*pictures), 2):
        assert frames(query) and not any(map(frames, others))


def test_rows_do_not_overlap_and_titles_fit(pictures):
    figure = plots.neighbours(*pictures, titles=["a rather long title: of a label", "b"])
    figure.canvas.draw()
    first, second = cells(figure, 2)
    assert second[0].get_window_extent().y1 < first[0].get_window_extent().y0
    assert figure.bbox.x0 <= first[0].yaxis.label.get_window_extent().x0
    # The query stands apart.
    left = [axis.get_window_extent() for axis in first]
    assert left[1].x0 - left[0].x1 > 1.5 * (left[2].x0 - left[1].x1)


def test_refusals(pictures):
    queries, found = pictures
    for arguments, message in (
        ((queries[0], found), "`queries` must be.*\\(6, 4, 3\\)"),
        ((queries, found[:1]), "`found` must be \\(2, k, .*\\(1, 3, 5, 5, 3\\)"),
        ((queries, found[:, :0]), "`found` must be"),
        ((queries, found, [[True] * 2] * 2), "`right` must be of shape \\(2, 3\\).*\\(2, 2\\)"),
        ((queries, found, None, ["a"]), "`titles` must be 2.*1"),
    ):
        with pytest.raises(ValueError, match=message):
            plots.neighbours(*arguments)
