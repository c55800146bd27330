import numpy as np
import pytest

from keras_mtl import plots

pytestmark = pytest.mark.one_backend

TREE = {
    "one": [["a", "b", "c", "d"]],
    "two": [["a", "c", "d"], ["b"]],
    "three": [["b"], ["a", "d"], ["c"]],
    "four": [["b"], ["c"], ["a", "d"]],
}


def names(labels):
    return [label.get_text() for label in labels]


def dots(axes):
    """Of every stage: dict from place to diameter in points and brightness."""
    from matplotlib.collections import PathCollection

    rows = {}
    for drawn in axes.collections:
        if isinstance(drawn, PathCollection):
            places, brightness = drawn.get_offsets(), drawn.get_facecolors()[:, :3].mean(axis=1)
            values = zip(places[:, 0], np.sqrt(drawn.get_sizes()), brightness, strict=True)
            (row,) = set(places[:, 1])
            rows[row] = {float(x): (size, bright) for x, size, bright in values}
    return rows


def lines(axes):
    """Of every row: array (lines, points, 2)."""
    from matplotlib.collections import LineCollection

    return [
        np.array(drawn.get_segments())
        for drawn in axes.collections
        if isinstance(drawn, LineCollection)
    ]


def test_groups_stand_at_the_mean_of_their_leaves(axes):
    assert plots.sharing_tree(axes, TREE) is axes
    assert names(axes.get_yticklabels()) == ["image", "one", "two", "three", "four"]
    assert list(axes.get_yticks()) == [0, 1, 2, 3, 4]
    # In the order of the tree: a parts from d last, and from b first.
    assert names(axes.get_xticklabels()) == ["a", "d", "c", "b"]
    assert list(axes.get_xticks()) == [0, 1, 2, 3]
    places = {row: sorted(of_row) for row, of_row in dots(axes).items()}
    assert places == {1: [1.5], 2: [1, 3], 3: [0.5, 2, 3], 4: [0.5, 2, 3]}
    bottom, top = axes.get_ylim()
    assert bottom > 4 > 0 > top  # The image is at the top.


def test_lines_go_from_the_image_to_the_tasks(axes):
    plots.sharing_tree(axes, TREE)
    ends = [{(line[0, 0], line[-1, 0]) for line in row} for row in lines(axes)]
    assert ends == [
        {(1.5, 1.5)},
        {(1.5, 1), (1.5, 3)},
        {(1, 0.5), (1, 2), (3, 3)},
        {(0.5, 0.5), (2, 2), (3, 3)},
        {(0.5, 0), (0.5, 1), (2, 2), (3, 3)},
    ]
    for row, of_row in enumerate(lines(axes)):
        np.testing.assert_array_equal(of_row[:, [0, -1], 1], [[row, row + 1]] * len(of_row))


def test_what_more_tasks_share_is_larger_and_darker(axes):
    plots.sharing_tree(axes, TREE)
    of_all, of_three, of_two, alone = (
        dots(axes)[row][x] for row, x in [(1, 1.5), (2, 1), (3, 0.5), (3, 2)]
    )
    sizes, brightness = zip(of_all, of_three, of_two, alone, strict=True)
    assert list(sizes) == sorted(sizes, reverse=True) and len(set(sizes)) == 4
    assert list(brightness) == sorted(brightness) and len(set(brightness)) == 4


def test_a_number_stands_where_a_shared_group_starts(axes):
    plots.sharing_tree(axes, TREE)
    numbers = {text.get_position(): text.get_text() for text in axes.texts}
    assert numbers == {(1.5, 1): "4", (1, 2): "3", (0.5, 3): "2"}


def test_several_roots_start_at_the_image(axes):
    plots.sharing_tree(axes, {"x": [["a", "b"], ["c"]]})
    assert {(line[0, 0], line[-1, 0]) for line in lines(axes)[0]} == {(1, 0.5), (1, 2)}
    (image,) = axes.lines
    assert (image.get_xdata()[0], image.get_ydata()[0]) == (1, 0)


def test_one_task_is_a_line(axes):
    plots.sharing_tree(axes, {"x": [["a"]], "y": [["a"]]})
    assert all((row[..., 0] == 0).all() for row in lines(axes))


def random_tree(rng, num_tasks, num_stages):
    partition, tree = [list(rng.permutation(num_tasks))], {}
    for stage in range(num_stages):
        tree[f"conv{stage}"] = [partition[index] for index in rng.permutation(len(partition))]
        finer = []
        for group in partition:
            cut = rng.integers(len(group)) if rng.random() < 0.4 else 0
            finer += [part for part in (group[:cut], group[cut:]) if part]
        partition = finer
    return tree


@pytest.mark.parametrize("num_tasks", [3, 7, 40])
def test_no_lines_cross(axes, rng, num_tasks):
    tree = random_tree(rng, num_tasks, 15)
    plots.sharing_tree(axes, tree)
    for row, partition in zip(lines(axes), [*tree.values(), range(num_tasks)], strict=True):
        assert len(row) == len(partition)
        across = row[np.argsort(row[:, -1, 0]), :, 0]
        # From left to right everywhere; only where they start may two lines meet.
        assert (np.diff(across[:, 1:], axis=0) > 0).all()
        assert (np.diff(across[:, 0]) >= 0).all()


def test_names_are_rotated_and_small_where_there_is_no_room(axes):
    plots.sharing_tree(axes, {"x": [["a", "b", "c"]]})
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0}
    axes.clear()
    tasks = [f"attribute {index}" for index in range(60)]
    plots.sharing_tree(axes, {"x": [tasks]})
    room = 72 * axes.get_window_extent().width / axes.figure.dpi / 60
    labels = axes.get_xticklabels()
    assert {label.get_rotation() for label in labels} == {90}
    assert all(label.get_fontsize() <= room for label in labels)


def test_other_trees_are_refused(axes):
    with pytest.raises(ValueError, match="`tree` must be a dict"):
        plots.sharing_tree(axes, [[["a"]]])
    with pytest.raises(ValueError, match="`tree` must only branch"):
        plots.sharing_tree(axes, {"x": [["a"], ["b"]], "y": [["a", "b"]]})
