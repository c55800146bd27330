"""Losses over positions: what half precision cannot count."""

import numpy as np
import pytest
from keras import backend, ops

from keras_mtl.losses import DepthL1, DetectionCrossentropy, NormalsCosine


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_more_positions_than_half_precision_counts(dtype):
    """256 × 512 pixels; float16 ends at 65,504."""
    true = np.full((1, 256, 512), 2.0, "float32")
    true[0, 0] = 0  # unknown
    axis = np.array([0, 0, 0.5], "float32")
    for loss, target, predicted, expected in (
        (DepthL1(dtype=dtype), true, np.full((*true.shape, 1), 2.5), 0.5),
        (NormalsCosine(dtype=dtype), true[..., None] * axis, np.ones((*true.shape, 3)), 0.42),
    ):
        found = loss(target, ops.convert_to_tensor(predicted, dtype=dtype))
        assert backend.standardize_dtype(found.dtype) == dtype
        assert float(ops.cast(found, "float32")) == pytest.approx(expected, abs=0.005)


def test_labels_that_bfloat16_does_not_tell_apart():
    logits = np.zeros((1, 1, 400), "float32")
    logits[..., 301] = 50  # bfloat16 has 300 and 302 only
    loss = DetectionCrossentropy(dtype="bfloat16")
    assert float(ops.cast(loss(np.array([[301]]), logits), "float32")) == 0
