"""Do the tasks' gradients point the same way?"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.gradients.gradient_norms import gradient_norms


def cosine_similarity(inner_products: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Divides the inner products of gradients by their norms.

    Args:
        inner_products: dict from layer to an array (T, T), as `inner_products` gives.

    Returns:
        A dict from layer to a float64 array (T, T) of cosines from -1 to 1; NaN where the gradient
        of one of the two tasks is zero.

    Raises:
        ValueError: an array is not of T × T tasks.

    Example:

    >>> import keras_mtl
    >>> cosines = keras_mtl.gradients.cosine_similarity({"fc": [[4.0, -3.0], [-3.0, 9.0]]})
    >>> cosines["fc"].tolist()
    [[1.0, -0.5], [-0.5, 1.0]]
    """
    cosines = {}
    for layer, norms in gradient_norms(inner_products).items():
        norms = np.where(norms > 0, norms, np.nan)
        # One after the other: the product of two small norms could be zero.
        cosine = np.asarray(inner_products[layer], "float64") / norms / norms[:, None]
        cosines[layer] = np.clip(cosine, -1, 1)
    return cosines
