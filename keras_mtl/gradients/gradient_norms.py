"""How strongly every task pulls at a layer."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array


def gradient_norms(inner_products: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Takes the Euclidean norms of gradients from their inner products.

    Args:
        inner_products: dict from layer to an array (T, T), as `inner_products` gives.

    Returns:
        A dict from layer to a float64 array (T,) of norms.

    Raises:
        ValueError: an array is not of T × T tasks.

    Example:

    >>> import keras_mtl
    >>> norms = keras_mtl.gradients.gradient_norms({"fc": [[4.0, -3.0], [-3.0, 9.0]]})
    >>> norms["fc"].tolist()
    [2.0, 3.0]
    """
    norms = {}
    for layer, products in inner_products.items():
        products = np.asarray(products, "float64")
        if products.ndim != 2 or products.shape[0] != products.shape[1]:
            raise ValueError(
                f"`inner_products[{layer!r}]` must be of shape (tasks, tasks). "
                f"Received: shape {products.shape}."
            )
        norms[layer] = np.sqrt(np.diag(products))
    return norms
