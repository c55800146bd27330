"""What differences are worth, against SciPy and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from keras_mtl.study._statistics import Difference, difference, holm, seeds_needed

pytestmark = pytest.mark.one_backend


def test_the_interval_is_that_of_a_paired_t_test(rng):
    ours, theirs = rng.normal(size=(2, 7))
    found = difference(ours - theirs)
    expected = stats.ttest_rel(ours, theirs)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue)
    assert found[:3] == pytest.approx(((ours - theirs).mean(), *interval))
    assert found.pairs == 7


@pytest.mark.parametrize("values", [[], [3.0], [1.0, np.nan], [1.0, np.inf], [0.0, 0.0]])
def test_of_too_little_nothing_is_said(values):
    found = difference(values)
    assert not found.ahead and not found.behind


def test_the_same_with_every_seed_says_nothing_of_how_it_deviates():
    found = difference([0.5, 0.5])
    assert found.mean == 0.5 and not found.ahead and not np.isfinite(found.low)


def test_holm_by_hand():
    p = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}
    corrected = holm({name: Difference(1.0, 0, 2, each, 5) for name, each in p.items()})
    # Ordered .005, .01, .03, .04, times 4, 3, 2, 1, none below the one before.
    expected = {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    assert {name: each.p for name, each in corrected.items()} == pytest.approx(expected)
    assert list(corrected) == list(p)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_only_raises_and_never_beyond_bonferroni(p):
    before = {str(n): Difference(1.0, 0, 2, each, 5) for n, each in enumerate(p)}
    for name, after in holm(before).items():
        assert before[name].p <= after.p <= min(1.0, len(p) * before[name].p) + 1e-12


@pytest.mark.parametrize("comparisons", [1, 9])
def test_so_many_seeds_are_needed(comparisons):
    values = np.array([0.4, 1.2, -0.3, 0.9, 0.5, 0.1])
    needed = seeds_needed(values, comparisons)

    def tells(count):
        error = values.std(ddof=1) / np.sqrt(count)
        return 2 * stats.t.sf(abs(values.mean()) / error, count - 1) < 0.05 / comparisons

    assert tells(needed) and not tells(needed - 1)


@pytest.mark.parametrize("values", [[1.0], [1.0, -1.0], [1e-6, 1.0, -1.0], [1.0, np.nan]])
def test_where_it_cannot_be_said_how_many(values):
    assert seeds_needed(values) is None
