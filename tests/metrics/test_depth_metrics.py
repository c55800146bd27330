"""Shares of depths within a ratio: what is within, and long runs."""

import numpy as np
import pytest
from keras import ops

from keras_mtl.metrics import (
    DepthWithinRatio,
)


def test_the_ratio_is_open_and_wants_positive_predictions():
    predicted = np.array([1.25, 1.2, 0.8, 0.81, 0, -1, np.nan, np.inf]).reshape(8, 1, 1, 1)
    within = [float(DepthWithinRatio()(np.ones((1, 1, 1)), p[None])) for p in predicted]
    assert within[0] == 0 and within[1] == 1 and within[3] == 1  # 1 / 0.8 is a matter of rounding
    assert within[4:] == [0, 0, 0, 0]


def test_long_runs_lose_nothing():
    metric = DepthWithinRatio()
    for counter in (metric._mean.total, metric._mean.weight):
        counter.add(ops.convert_to_tensor(2.0**24, dtype="float32"))
    for _ in range(3):
        metric.update_state(np.ones((1, 1, 1)), np.ones((1, 1, 1, 1)))
    assert metric._mean.total.exact() == metric._mean.weight.exact() == 2**24 + 3


@pytest.mark.parametrize("threshold", [1, 0.8, np.inf, np.nan])
def test_what_is_no_ratio_is_refused(threshold):
    with pytest.raises(ValueError, match=f"`threshold` must be above 1.*{threshold}"):
        DepthWithinRatio(threshold)
