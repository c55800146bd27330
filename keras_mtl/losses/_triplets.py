"""Rows that are triplets: anchor, positive, negative, anchor, positive, negative, …."""

from keras import ops


def triplet_distances(embeddings):
    """Squared distances from each anchor.

    Args:
        embeddings: Float tensor (3K, D); K need not be known.

    Returns:
        Two tensors (K,): to the positive, and to the negative.

    Raises:
        ValueError: If the shape is known not to be of that form.
    """
    rows, *rest = embeddings.shape
    if len(rest) != 1 or (rows is not None and rows % 3):
        raise ValueError(
            "`y_pred` must be of shape (3K, D), rows in the order anchor, positive, negative. "
            f"Received: y_pred of shape {tuple(embeddings.shape)}."
        )
    triplets = ops.reshape(embeddings, (-1, 3, rest[0]))
    squares = ops.sum(ops.square(triplets[:, :1] - triplets[:, 1:]), axis=-1)
    return squares[:, 0], squares[:, 1]


def triplet_weights(sample_weight, embeddings):
    """The anchors' weights (K,), float32, of one weight for each row.

    Keras gives a batch's weights by rows; a triplet is weighted as a whole.
    """
    weights, rows = ops.cast(sample_weight, "float32"), embeddings.shape[0]
    shape = tuple(weights.shape)
    fits = len(shape) in (1, 2) and set(shape[1:]) <= {1}
    if not fits or (None not in (shape[0], rows) and shape[0] != rows):
        raise ValueError(
            "`sample_weight` must have one value for each row of `y_pred`. "
            f"Received: {shape} for y_pred of shape {tuple(embeddings.shape)}."
        )
    return ops.reshape(weights, (-1, 3))[:, 0]
