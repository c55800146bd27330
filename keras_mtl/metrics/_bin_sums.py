"""Weighted histograms that go on counting where float32 stops."""

from keras import ops

# Up to here a float32 counts ones, and Keras sums segments in float32 on torch, integers too.
AT_ONCE = 2**24


def bin_sums(weights, bins, num_bins):
    """Sum of the weights in every bin; exact for ones, int32 or float32, up to 2^24 in float32.

    Past that, int32 ones are exact up to 2^31, and float32 sums are rounded once.

    Args:
        weights: int32 or float32 tensor.
        bins: int32 tensor of its shape, numbers below `num_bins`.
        num_bins: number of bins.

    Returns:
        Tensor (num_bins,) of the dtype of the weights.
    """
    weights, bins = ops.reshape(weights, (-1,)), ops.reshape(bins, (-1,))
    size = bins.shape[0]
    if size is not None and size <= AT_ONCE:
        return ops.segment_sum(weights, bins, num_segments=num_bins)
    # Every `AT_ONCE` pixels have bins of their own.
    size = ops.shape(bins)[0]
    parts = (size + AT_ONCE - 1) // AT_ONCE
    part = ops.arange(size, dtype="int32") // AT_ONCE
    sums = ops.segment_sum(weights, part * num_bins + bins, num_segments=parts * num_bins)
    return ops.sum(ops.reshape(sums, (-1, num_bins)), axis=0)
