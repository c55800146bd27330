"""Weights of samples as weights of pixels."""

from keras import ops


def pixel_weights(sample_weight, pixels, dtype="float32"):
    """Broadcast sample weights to pixels, from the left.

    Keras multiplies values of shape (B, H, W) by weights of shape (B,) as they stand, which fails,
    or weights the columns where W equals B.

    Args:
        sample_weight: Tensor (B,), (B, 1, 1), (B, H, W) or (B, H, W, 1).
        pixels: Tensor (B, H, W) whose shape is taken.
        dtype: dtype of the result.

    Returns:
        Tensor of the shape of `pixels`.

    Raises:
        ValueError: If the weights do not fit the pixels.
    """
    weights = ops.cast(ops.convert_to_tensor(sample_weight), dtype)
    rank = len(pixels.shape)
    if len(weights.shape) == rank + 1 and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    if len(weights.shape) > rank or any(
        size not in (None, 1) and of not in (None, size)
        for size, of in zip(weights.shape, pixels.shape, strict=False)
    ):
        raise ValueError(
            "`sample_weight` must have one value a sample or a pixel, for pixels of shape "
            f"{tuple(pixels.shape)}. Received: sample_weight of shape {tuple(weights.shape)}."
        )
    for _ in range(rank - len(weights.shape)):
        weights = ops.expand_dims(weights, axis=-1)
    return ops.broadcast_to(weights, ops.shape(pixels))
