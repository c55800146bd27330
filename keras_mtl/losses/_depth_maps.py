"""True and predicted depth in one shape."""

from keras import ops


def depth_maps(y_true, y_pred, dtype="float32"):
    """Drop the channel axis of depths.

    Left to broadcasting, (B, H, W) against (B, H, W, 1) would compare every row of pixels with
    every other, without a word.

    Args:
        y_true: Tensor (B, H, W) or (B, H, W, 1).
        y_pred: Tensor (B, H, W, 1) or (B, H, W).
        dtype: dtype of the results.

    Returns:
        Two tensors (B, H, W).

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    maps = []
    for depth in (y_true, y_pred):
        depth = ops.cast(ops.convert_to_tensor(depth), dtype)
        if len(depth.shape) == 4 and depth.shape[-1] == 1:
            depth = ops.squeeze(depth, axis=-1)
        maps.append(depth)
    true, predicted = (tuple(depth.shape) for depth in maps)
    if not len(true) == len(predicted) == 3 or any(
        None not in sizes and sizes[0] != sizes[1] for sizes in zip(true, predicted, strict=True)
    ):
        raise ValueError(
            "`y_true` and `y_pred` must have one shape (batch, height, width), but for a last axis "
            f"of 1. Received, without it: y_true of shape {true}, y_pred of shape {predicted}."
        )
    return maps
