"""A tensor whose gradient is taken where it is finite."""

from keras import ops


def finite_only(x):
    """The tensor; of its gradient what is not finite is 0."""
    made, mask = _finite_only(x), getattr(x, "_keras_mask", None)
    if mask is not None:
        made._keras_mask = mask
    return made


@ops.custom_gradient
def _finite_only(x):

    def pull(*args, upstream=None):
        given = args[0] if upstream is None else upstream
        return ops.where(ops.isfinite(given), given, ops.zeros_like(given))

    return x, pull
