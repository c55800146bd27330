"""Times the two halves of the search for a branched network, on drawn numbers.

    python -m benchmarks.branching

Affinity: 500 images, 5 tasks and 4 locations of 256×14×14 features, against the same by
`np.corrcoef` and, for every pair of tasks, `scipy.stats.spearmanr`; both must agree. Trees: 40
tasks at 5 locations by joining what adds least, against the paper's spectral clustering, by time
and by what the best trees of some budgets cost. All in turn, medians of the rounds.

Exit code 1 if the affinity takes longer than by NumPy and SciPy.
"""

import statistics
import sys
import time

import numpy as np
from scipy.stats import spearmanr

from benchmarks._report import finish, median_of, parser_of, row
from keras_mtl.search import best_tree, representation_similarity, tree_front

IMAGES, TASKS, LOCATIONS, FEATURES = 500, 5, 4, 256 * 14 * 14
MANY_TASKS, MANY_LOCATIONS = 40, 5
SIZES = (1, 2, 4, 8, 16)
BUDGETS = (50, 100, 200, 400, 800)
AFFINITY_BAR, TREES_BAR = 10.0, 60.0


def seconds(function, *arguments, **options):
    started = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - started, result


def by_scipy(features):
    """The affinity, spelled as one would."""
    pairs = np.triu_indices(IMAGES, 1)
    unlikeness = [1 - np.corrcoef(each)[pairs] for each in features]
    found = np.eye(len(features))
    for i in range(len(features)):
        for j in range(i):
            found[i, j] = found[j, i] = spearmanr(unlikeness[i], unlikeness[j]).statistic
    return found


def compare_affinity(rounds):
    # Features of the same images have something in common, or all affinities would be 0.
    rng = np.random.default_rng(0)
    common = rng.normal(size=(IMAGES, FEATURES)).astype("float32")
    features = [
        common + task * rng.normal(size=common.shape).astype("float32") for task in range(TASKS)
    ]
    times = []
    for _ in range(rounds):
        ours, found = seconds(representation_similarity, features)
        theirs, expected = seconds(by_scipy, features)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        times.append({"ours": LOCATIONS * ours, "SciPy": LOCATIONS * theirs})
    print(f"affinity: {median_of(times, 'ours'):.1f} s (bar {AFFINITY_BAR:.0f} s)", flush=True)
    case = f"affinity of {TASKS} tasks"
    return [row(case, "ours to NumPy and SciPy", times, "ours", "SciPy", at_most=1.0)]


def compare_trees(rounds):
    rng = np.random.default_rng(0)
    tasks = rng.normal(size=(MANY_TASKS, 6))
    alike = np.stack(
        [
            np.corrcoef(tasks + 0.5 * rng.normal(size=tasks.shape))
            for location in range(MANY_LOCATIONS)
        ]
    )
    times, costs = {"agglomerative": [], "spectral": []}, {}
    for _ in range(rounds):
        for joins, of_joins in times.items():
            taken, front = seconds(tree_front, alike, SIZES, joins=joins)
            of_joins.append(taken)
            costs[joins] = [best_tree(front, budget).dissimilarity for budget in BUDGETS]
    for joins, of_joins in times.items():
        found = ", ".join(f"{cost:.2f}" for cost in costs[joins])
        print(
            f"trees, {joins}: {statistics.median(of_joins):.1f} s (bar {TREES_BAR:.0f} s), "
            f"dissimilarity {found} within {', '.join(map(str, BUDGETS))}",
            flush=True,
        )
    pairs = zip(costs["agglomerative"], costs["spectral"], strict=True)
    assert all(ours <= theirs for ours, theirs in pairs), costs
    rounds = [dict(zip(times, each, strict=True)) for each in zip(*times.values(), strict=True)]
    case, over = f"front of trees of {MANY_TASKS} tasks", "joins of what adds least to spectral"
    return [row(case, over, rounds, "agglomerative", "spectral")]


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    return finish([*compare_affinity(args.rounds), *compare_trees(args.rounds)], args.json)


if __name__ == "__main__":
    sys.exit(main())
