"""The type in which targets leave a data set."""


def as_target(values):
    """An array's values, integers as int32."""
    # Unsigned integers are masks to some backends, and unknown to some losses.
    return values.astype("int32") if values.dtype.kind in "iu" else values
