"""How often two tasks agree on an update."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.gradients.gradient_norms import gradient_norms


def update_compliance(batches: Iterable[Mapping[str, ArrayLike]]) -> dict[str, Array]:
    """Counts how often the gradients of two tasks have a positive inner product.

    The update compliance ratio of two tasks at a layer is the share of mini-batches in which an
    update for either is one for both; only those count in which both have a gradient, not zero.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018.

    Args:
        batches: an iterable of dicts from layer to an array (T, T), as `inner_products` gives for
            one mini-batch each.

    Returns:
        A dict from layer to a float64 array (T, T) of ratios from 0 to 1: 1 for a task with itself,
        0 for a task and its negated loss; NaN where there is no mini-batch that counts, or where
        a gradient of either task is not finite in any of them.

    Raises:
        ValueError: there are no mini-batches, or they have different layers or numbers of tasks.

    Example:

    >>> import keras_mtl
    >>> batches = [{"fc": [[4.0, -3.0], [-3.0, 9.0]]}, {"fc": [[1.0, 2.0], [2.0, 5.0]]}]
    >>> keras_mtl.gradients.update_compliance(batches)["fc"].tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    batches = list(batches)
    norms = [gradient_norms(batch) for batch in batches]
    shapes = [{layer: x.shape for layer, x in each.items()} for each in norms]
    if not shapes or any(each != shapes[0] for each in shapes):
        raise ValueError(
            "`batches` must be one or more mini-batches of the same layers and tasks. "
            f"Received: {shapes}."
        )
    ratios = {}
    for layer in shapes[0]:
        alone = np.array([each[layer] > 0 for each in norms])
        both = alone[:, None, :] & alone[:, :, None]
        products = np.array([batch[layer] for batch in batches])
        agree = both & (products > 0)
        count = both.sum(axis=0)
        # What has diverged must not pass for a task without a gradient.
        known = (count > 0) & np.isfinite(products).all(axis=0)
        unknown = np.full(count.shape, np.nan)
        ratios[layer] = np.divide(agree.sum(axis=0), count, out=unknown, where=known)
    return ratios
