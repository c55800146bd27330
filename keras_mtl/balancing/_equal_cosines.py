"""The direction that has the same cosine with the gradient of each task."""

from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._quadratic import product
from keras_mtl.balancing.balancing import Seen

RIDGE = 1e-6
"""Keeps the matrix of equal or opposite gradients solvable."""


def equal_cosines(seen: Seen) -> Tensor:
    """Weights of the gradients over their norms, (T,), by which the cosines of all are the same.

    They are scaled so that the product of their sum with each gradient over its norm is 1; 0 of
    tasks without a say.
    """
    matrix = seen.cosines + RIDGE * ops.eye(seen.losses.shape[0], dtype="float32")
    found = ops.solve(matrix, seen.mask[:, None])[:, 0]
    # Once more, of what the ridge has left over.
    left = seen.mask - product(seen.cosines, found)
    return found + ops.solve(matrix, left[:, None])[:, 0]
