"""How the tasks' gradients lie to each other, layer by layer."""

from collections.abc import Mapping

import numpy as np

from keras_mtl._types import Array


def inner_products(
    gradients: Mapping[str, Mapping[str, Array]] | Mapping[int, Mapping[str, Array]],
) -> dict[str, Array]:
    """Multiplies the gradients of all pairs of tasks, for every layer.

    A layer's vector is that of all its variables, which are those whose paths differ in their last
    part only, such as `conv1/kernel` and `conv1/bias`.

    Args:
        gradients: dict from task to a dict from path to array, as `task_gradients` gives; the same
            T tasks' gradients of the same variables.

    Returns:
        A dict from layer to a float64 array (T, T) of inner products; tasks and layers are in the
        order of `gradients`.

    Raises:
        ValueError: there are no tasks, or they have gradients of different variables.

    Example:

    >>> import numpy as np, keras_mtl
    >>> gradients = {
    ...     "age": {"fc/kernel": np.ones((2, 1)), "fc/bias": np.ones(1)},
    ...     "height": {"fc/kernel": -np.ones((2, 1)), "fc/bias": np.zeros(1)}}
    >>> keras_mtl.gradients.inner_products(gradients)["fc"].tolist()
    [[3.0, -2.0], [-2.0, 2.0]]
    """
    shapes = [{path: np.shape(x) for path, x in each.items()} for each in gradients.values()]
    if not shapes or any(each != shapes[0] for each in shapes):
        raise ValueError(
            "`gradients` must be of the same variables for each of one or more tasks. "
            f"Received: {dict(zip(gradients, shapes, strict=True))}."
        )
    products = {}
    for path in shapes[0]:
        flat = np.stack([np.ravel(each[path]) for each in gradients.values()]).astype("float64")
        layer = path.rpartition("/")[0]
        products[layer] = products.get(layer, 0) + flat @ flat.T
    return products
