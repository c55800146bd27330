"""The one check of the input of towers."""

import operator
from typing import Any


def check_input_shape(
    shape: Any,
    smallest: int = 1,
    last: str | None = None,
    open_size: bool = False,
    channels: int | None = 3,
) -> None:
    """Raises ValueError unless `shape` is (height, width, channels), sizes in pixels.

    Args:
        shape: the argument `input_shape`.
        smallest: below it nothing is left of a map.
        last: name of the layer behind which nothing would be left.
        open_size: whether height and width may be unknown.
        channels: how many there must be; any number if `None`.
    """
    sizes = shape if isinstance(shape, (list, tuple)) else ()
    if (
        len(sizes) != 3
        or not all(_is_size(size) or (size is None and open_size) for size in sizes[:2])
        or not (_is_size(sizes[2]) if channels is None else sizes[2] == channels)
    ):
        known = "" if open_size else " with known sizes"
        raise ValueError(
            f"`input_shape` must be (height, width, {channels or 'channels'}){known}. "
            f"Received: input_shape={shape!r}."
        )
    if any(size is not None and size < smallest for size in sizes[:2]):
        behind = "" if last is None else f", below which nothing is left behind {last}"
        raise ValueError(
            "`input_shape` must have a height and a width of at least "
            f"{smallest} pixels{behind}. Received: input_shape={shape!r}."
        )


def _is_size(size):
    try:
        operator.index(size)
    except TypeError:
        return False
    return True
