"""True and predicted maps in one shape."""

from keras import ops


def paired_maps(y_true, y_pred, dtype="float32", several_channels=True):
    """Drop the channel axis of maps with one channel.

    Left to broadcasting, (B, H, W) against (B, H, W, 1) would compare every row of pixels with
    every other, without a word.

    Args:
        y_true: Tensor (B, H, W), (B, H, W, 1) or (B, H, W, C).
        y_pred: Tensor (B, H, W, 1), (B, H, W) or (B, H, W, C).
        dtype: dtype of the results.
        several_channels: Whether C may be above 1.

    Returns:
        Two tensors (B, H, W), or (B, H, W, C) where C is above 1.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    maps = []
    for values in (y_true, y_pred):
        values = ops.cast(ops.convert_to_tensor(values), dtype)
        if len(values.shape) == 4 and values.shape[-1] == 1:
            values = ops.squeeze(values, axis=-1)
        maps.append(values)
    true, predicted = (tuple(values.shape) for values in maps)
    ranks = (3, 4) if several_channels else (3,)
    if not (len(true) == len(predicted) and len(true) in ranks) or any(
        None not in sizes and sizes[0] != sizes[1] for sizes in zip(true, predicted, strict=True)
    ):
        shapes = (
            "(batch, height, width)" + " or (batch, height, width, channels)" * several_channels
        )
        raise ValueError(
            f"`y_true` and `y_pred` must have one shape {shapes}, but for a last axis "
            f"of 1. Received, without it: y_true of shape {true}, y_pred of shape {predicted}."
        )
    return maps
