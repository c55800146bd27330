"""Trees: how many there are, and that the best ones are found."""

import itertools
import time

import numpy as np
import pytest

from keras_mtl.search import best_tree, enumerate_trees, tree_dissimilarity, tree_front
from keras_mtl.search.trees import _joins

pytestmark = pytest.mark.one_backend


def random_affinity(rng, locations, tasks):
    """Of signs, ties and no structure: nothing that a search could count on."""
    values = rng.uniform(-1, 1, size=(locations, tasks, tasks)).round(rng.integers(1, 4))
    values = np.triu(values, 1)
    return values + values.transpose(0, 2, 1) + np.eye(tasks)


def grouped_affinity(rng, locations, tasks):
    """As of networks: tasks that are alike at one location are so at others, but less or more."""
    common = rng.normal(size=(tasks, 6))
    return np.stack(
        [np.corrcoef(common + 0.5 * rng.normal(size=common.shape)) for _ in range(locations)]
    )


def random_sizes(rng, locations):
    """Alike, or decades apart as those of convolutions and fully connected layers."""
    if rng.random() < 0.5:
        return rng.integers(1, 100, size=locations)
    return (10 ** rng.uniform(0, 5, size=locations)).astype(int)


def total(tree, sizes):
    return sum(len(partition) * size for partition, size in zip(tree, sizes, strict=True))


def by_hand(tree, affinity):
    found = 0
    for partition, values in zip(tree, affinity, strict=True):
        worst = [
            max([1 - values[i][j] for i, j in itertools.combinations(group, 2)], default=0)
            for group in partition
        ]
        found += sum(worst) / len(worst)
    return found


def is_finer(partition, coarser):
    return all(any(set(group) <= set(parent) for parent in coarser) for group in partition)


def check(tree, tasks):
    for partition in tree:
        assert sorted(itertools.chain(*partition)) == list(range(tasks))
        assert partition == tuple(sorted(tuple(sorted(group)) for group in partition))
        assert all(partition)
    for coarser, finer in itertools.pairwise(tree):
        assert is_finer(finer, coarser)


# How many there are


@pytest.mark.parametrize(
    "tasks, depth, count",
    [
        *((3, depth, count) for depth, count in enumerate((5, 12, 22, 35, 51, 70), 1)),
        *((1, depth, 1) for depth in (1, 4)),
        *((2, depth, depth + 1) for depth in (1, 2, 9)),  # the location at which the two part
        *((tasks, 1, bell) for tasks, bell in ((4, 15), (5, 52), (6, 203), (7, 877))),
        (5, 4, 3455),
        (5, 5, 7556),
    ],
)
def test_every_tree_is_enumerated_once(tasks, depth, count):
    trees = list(enumerate_trees(tasks, depth))
    assert len(trees) == len(set(trees)) == count
    for tree in trees:
        assert len(tree) == depth
        check(tree, tasks)


@pytest.mark.parametrize("tasks, depth", [(3, 3), (4, 2), (4, 3)])
def test_no_tree_is_left_out(tasks, depth):
    """All sequences of labellings, of which those stay that become finer."""
    partitions = {
        tuple(
            sorted(
                tuple(task for task in range(tasks) if labels[task] == label)
                for label in set(labels)
            )
        )
        for labels in itertools.product(range(tasks), repeat=tasks)
    }
    expected = {
        tree
        for tree in itertools.product(partitions, repeat=depth)
        if all(is_finer(finer, coarser) for coarser, finer in itertools.pairwise(tree))
    }
    assert set(enumerate_trees(tasks, depth)) == expected


@pytest.mark.parametrize("bad", [0, -1, 2.5, "3", None])
def test_numbers_that_are_no_counts_are_refused(bad):
    with pytest.raises(ValueError, match="`num_tasks` must be an integer"):
        enumerate_trees(bad, 2)
    with pytest.raises(ValueError, match="`depth` must be an integer"):
        enumerate_trees(2, bad)


# What they cost


def test_dissimilarity_by_hand(rng):
    affinity = random_affinity(rng, 3, 4)
    costs = {tree: tree_dissimilarity(tree, affinity) for tree in enumerate_trees(4, 3)}
    for tree, cost in costs.items():
        assert cost == pytest.approx(by_hand(tree, affinity), abs=1e-12)
    alone = (tuple((task,) for task in range(4)),) * 3
    together = ((tuple(range(4)),),) * 3
    assert costs[alone] == 0
    assert costs[together] == pytest.approx((1 - affinity).max(axis=(1, 2)).sum())
    as_lists = [[[0, 3], [1, 2]]] * 3
    assert tree_dissimilarity(as_lists, affinity.tolist()) == costs[(((0, 3), (1, 2)),) * 3]


def test_dissimilarity_of_a_tree_of_other_locations_is_refused():
    with pytest.raises(ValueError, match="Received: 1 partitions for 2 locations"):
        tree_dissimilarity([[[0, 1]]], np.ones((2, 2, 2)))


@pytest.mark.parametrize(
    "partition", [[], [[0], [1]], [[0, 1, 2], [2]], [[0, 1], [3]], [[0, 1, -1]], [[0, 1, 2], []]]
)
def test_dissimilarity_of_what_is_no_partition_is_refused(partition):
    whole = [[0, 1, 2]]
    with pytest.raises(ValueError, match="`tree` must put each of the tasks 0 to 2 .* location 1"):
        tree_dissimilarity([whole, partition], np.ones((2, 3, 3)))


def test_what_a_task_has_in_common_with_itself_does_not_matter(rng):
    affinity, sizes = random_affinity(rng, 2, 4), [1, 2]
    without = affinity * (1 - np.eye(4))
    assert tree_front(without, sizes) == tree_front(affinity, sizes)
    tree = [[[0, 1, 2, 3]], [[0, 2], [1], [3]]]
    assert tree_dissimilarity(tree, without) == tree_dissimilarity(tree, affinity)
    assert (np.diagonal(without, axis1=1, axis2=2) == 0).all()


# The best ones


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_front_is_that_of_all_trees(rng, depth):
    for _ in range(3):
        affinity, sizes = random_affinity(rng, depth, 4), random_sizes(rng, depth)
        every = [
            (total(tree, sizes), by_hand(tree, affinity)) for tree in enumerate_trees(4, depth)
        ]
        front = tree_front(affinity, sizes, joins="all")
        assert front == tree_front(affinity, sizes)  # of few tasks, nothing else is tried
        for budget in {size for size, _ in every}:
            found = best_tree(front, budget)
            assert found.size <= budget
            best = min(unlike for size, unlike in every if size <= budget)
            assert found.dissimilarity == pytest.approx(best, abs=1e-12)
            smallest = min(size for size, unlike in every if unlike <= best + 1e-12)
            assert found.size == smallest


@pytest.mark.parametrize("joins", ["all", "agglomerative", "spectral"])
@pytest.mark.parametrize("tasks", [1, 2, 5, 7])
def test_every_row_of_a_front_is_what_it_says(rng, joins, tasks):
    affinity, sizes = random_affinity(rng, 2, tasks), random_sizes(rng, 2)
    front = tree_front(affinity, sizes, joins=joins)
    for row in front:
        check(row.tree, tasks)
        assert row.size == total(row.tree, sizes)
        assert row.dissimilarity == pytest.approx(by_hand(row.tree, affinity), abs=1e-12)
    for before, after in itertools.pairwise(front):
        assert before.size < after.size and before.dissimilarity > after.dissimilarity
    assert front[0].tree == ((tuple(range(tasks)),),) * 2
    assert front[-1].dissimilarity == 0
    assert best_tree(front, front[0].size) == front[0]
    assert best_tree(front, np.inf) == front[-1]
    with pytest.raises(ValueError, match=f"`budget` must be {front[0].size:,} or more"):
        best_tree(front, front[0].size - 1)


def test_names_of_tasks_do_not_matter(rng):
    affinity, sizes = random_affinity(rng, 3, 5), [3, 1, 2]
    order = rng.permutation(5)
    front = tree_front(affinity, sizes)
    again = tree_front(affinity[:, order][:, :, order], sizes)
    assert [row.size for row in front] == [row.size for row in again]
    np.testing.assert_allclose(*([row.dissimilarity for row in x] for x in (front, again)))


@pytest.mark.parametrize("tasks", [4, 9])
def test_tasks_that_are_the_same_share_all(tasks):
    together = ((tuple(range(tasks)),),) * 2
    assert [row.tree for row in tree_front(np.ones((2, tasks, tasks)), [5, 7])] == [together]


@pytest.mark.parametrize("joins", ["agglomerative", "spectral"])
def test_pairs_are_found_among_many(joins):
    """Eight tasks, of which the neighbours are alike to the end, and fours of them for a while."""
    pairs, fours = (np.kron(np.eye(8 // n), np.ones((n, n))) for n in (2, 4))
    affinity = np.stack([0.2 + 0.8 * fours, 0.1 + 0.1 * fours + 0.8 * pairs])
    front = tree_front(affinity, [10, 30], joins=joins)
    assert best_tree(front, 2 * 10 + 4 * 30).tree == (
        ((0, 1, 2, 3), (4, 5, 6, 7)),
        ((0, 1), (2, 3), (4, 5), (6, 7)),
    )


def test_beams_find_the_best_of_nearly_all(rng, monkeypatch):
    """Of 200 affinities, for a budget anywhere between hard sharing and none.

    Five tasks are few enough for all joins: only with fewer such groups two are joined at a time.
    """
    excess = {5: [], 1: []}
    for _ in range(200):
        affinity, sizes = random_affinity(rng, 4, 5), random_sizes(rng, 4)
        budget = rng.uniform(sizes.sum(), 5 * sizes.sum())
        best = best_tree(tree_front(affinity, sizes, joins="all"), budget).dissimilarity
        for few_groups, of_it in excess.items():
            monkeypatch.setattr(_joins, "FEW_GROUPS", few_groups)
            front = tree_front(affinity, sizes, joins="agglomerative")
            of_it.append(best_tree(front, budget).dissimilarity - best)
    for few_groups, least, most in ((5, 190, 0.01), (1, 165, 0.03)):
        found = np.array(excess[few_groups])
        assert found.min() >= -1e-12
        assert np.sum(found <= 1e-12) >= least and found.mean() <= most


@pytest.mark.parametrize("draw, most", [(random_affinity, 0.12), (grouped_affinity, 0.03)])
def test_beams_come_close_to_the_best_of_many_trees(rng, draw, most):
    excess = []
    for _ in range(3):
        affinity, sizes = draw(rng, 3, 7), random_sizes(rng, 3)
        fronts = [tree_front(affinity, sizes, joins=joins) for joins in ("all", "agglomerative")]
        for budget in np.linspace(1.5, 5.5, 9) * sizes.sum():
            best, found = (best_tree(front, budget).dissimilarity for front in fronts)
            assert found >= best - 1e-12
            excess.append(found / best - 1)
    assert np.mean(excess) < most


def test_joining_two_at_a_time_is_no_worse_than_spectral_clustering(rng):
    excess = []
    for _ in range(8):
        affinity, sizes = random_affinity(rng, 3, 8), random_sizes(rng, 3)
        ours, theirs = (
            tree_front(affinity, sizes, joins=joins) for joins in ("agglomerative", "spectral")
        )
        for part in (0.05, 0.2, 0.5, 0.8):
            budget = sizes.sum() * (1 + 7 * part)
            costs = [best_tree(front, budget).dissimilarity for front in (ours, theirs)]
            excess.append(costs[1] - costs[0])
    assert np.mean(excess) > 0 and np.mean(np.array(excess) >= -1e-12) > 0.9


@pytest.mark.parametrize("sizes", [[100, 100, 1], [1000, 0, 1, 0], [0, 0, 3], [0.25, 0.5, 0.125]])
def test_a_beam_has_trees_for_small_budgets(rng, sizes):
    """Where one location alone fills the beam, the trees that share most must stay in it."""
    affinity = random_affinity(rng, len(sizes), 12)
    front = tree_front(affinity, sizes)
    assert front[0].size == sum(sizes)
    costs = [best_tree(front, factor * sum(sizes)).dissimilarity for factor in (1, 1.5, 12)]
    assert costs == sorted(costs, reverse=True) and costs[-1] == 0
    # Between the smallest tree and the next copy of the largest part there is a choice.
    if sizes == [100, 100, 1]:
        assert sum(row.size < 300 for row in front) > 5


def test_a_wider_beam_is_no_worse(rng):
    affinity, sizes = random_affinity(rng, 3, 7), [5, 9, 2]
    narrow, wide = (
        tree_front(affinity, sizes, joins="agglomerative", beam_width=n) for n in (1, 30)
    )
    budgets = np.linspace(16, 7 * 16, 40)
    excess = [
        best_tree(narrow, budget).dissimilarity - best_tree(wide, budget).dissimilarity
        for budget in budgets
    ]
    assert np.mean(excess) >= 0 and min(excess) > -0.05


@pytest.mark.slow
def test_forty_tasks_within_a_minute(rng):
    affinity = random_affinity(rng, 5, 40)
    sizes = [38_720, 221_440, 1_475_328, 4_720_640, 66_000]
    start = time.perf_counter()
    front = tree_front(affinity, sizes)
    assert time.perf_counter() - start < 60
    assert front[0].size == sum(sizes) and front[-1].dissimilarity == 0
    for row in front:
        check(row.tree, 40)


@pytest.mark.parametrize("shape", [(), (3, 3), (2, 3, 4), (0, 3, 3), (2, 0, 0), (1, 2, 3, 3)])
def test_affinities_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="`affinity` must be of shape"):
        tree_front(np.ones(shape), [1, 1])


def test_what_is_no_affinity_is_refused():
    affinity = np.ones((2, 3, 3))
    crooked, nearly = affinity.copy(), affinity.copy()
    crooked[1, 0, 2], nearly[1, 0, 2] = 0.5, 1 + 1e-10
    for bad, message in (
        (affinity * np.nan, "must be finite"),
        (affinity * np.inf, "must be finite"),
        (affinity * 5, "must be from -1 to 1. Received: values from 5 to 5"),
        (affinity * -1.01, "must be from -1 to 1"),
        (crooked, "must be symmetric .* differ by 0.5"),
    ):
        with pytest.raises(ValueError, match=f"`affinity` {message}"):
            tree_front(bad, [1, 1])
        with pytest.raises(ValueError, match=f"`affinity` {message}"):
            tree_dissimilarity([[[0, 1, 2]]] * 2, bad)
    # What sums round off is no error.
    assert tree_dissimilarity([[[0, 1, 2]]] * 2, nearly) == 0


def test_of_no_trees_none_is_best():
    with pytest.raises(ValueError, match="`front` must hold one or more trees"):
        best_tree((), 1)


def test_what_cannot_be_searched_is_refused():
    affinity = np.ones((2, 3, 3))
    for sizes in ([1], [1, 2, 3], [[1, 2]], [1, -1], [0, 0], [1, np.nan], [1, np.inf], 2):
        with pytest.raises(ValueError, match="`sizes` must be 2 numbers of 0 or more"):
            tree_front(affinity, sizes)
    with pytest.raises(ValueError, match="`joins` must be None or one of .*'kmeans'"):
        tree_front(affinity, [1, 1], joins="kmeans")
    for width in (0, 1.5):
        with pytest.raises(ValueError, match="`beam_width` must be an integer"):
            tree_front(affinity, [1, 1], beam_width=width)
