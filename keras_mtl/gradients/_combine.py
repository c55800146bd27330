"""Sums and products of the gradients of several tasks, each a list of tensors or `None`."""

from keras import ops

from keras_mtl.gradients._backend import of_backend


def sum_of(gradients):
    """The sum of what is not `None`, or `None` if all is."""
    known = [g for g in gradients if g is not None]
    return sum(known[1:], known[0]) if known else None


def weighted(by_task, weights):
    """The weighted sums over the tasks: a list as long as that of each task."""
    backend = of_backend()
    if hasattr(backend, "weighted"):
        return backend.weighted(by_task, weights)
    return [
        sum_of(
            # Of which a weight may be too large for half precision.
            None if g is None else ops.cast(ops.cast(g, "float32") * weights[place], g.dtype)
            for place, g in enumerate(of_one)
        )
        for of_one in zip(*by_task, strict=True)
    ]


def gramian(by_task):
    """The inner products of all tensors of pairs of tasks, float32 of shape (T, T)."""
    inner = getattr(of_backend(), "inner", _inner)
    products = {}
    for i, ours in enumerate(by_task):
        for j, theirs in enumerate(by_task[: i + 1]):
            both = zip(ours, theirs, strict=True)
            both = [inner(a, b) for a, b in both if a is not None and b is not None]
            products[i, j] = products[j, i] = sum(both, ops.zeros((), "float32"))
    places = range(len(by_task))
    return ops.stack([ops.stack([products[i, j] for j in places]) for i in places])


def _inner(a, b):
    return ops.sum(ops.cast(a, "float32") * ops.cast(b, "float32"))
