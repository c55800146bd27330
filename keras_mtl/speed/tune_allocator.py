"""Memory that is freed stays with the process."""

import ctypes
import os
import sys

# Parameters of `mallopt`, by the numbers of glibc's `malloc.h`, and what they are set to.
OPTIONS = {
    "M_MMAP_THRESHOLD": (-3, 2**31 - 1),
    "M_TRIM_THRESHOLD": (-1, 2**31 - 1),
    "M_MMAP_MAX": (-4, 0),
}


def tune_allocator() -> bool:
    """Tells the allocator of this process to keep memory that is freed, for what comes next.

    By default glibc maps every large block for itself and gives it back at once, so that each step
    of a training asks the system for the same pages again. Afterwards a process holds what it once
    needed at most until it ends. Call it before the training; `keras-mtl` does. It is nothing that
    has to be undone, and may be called again.

    Whoever sets variables such as `MALLOC_TRIM_THRESHOLD_` has chosen, and nothing is changed.

    Returns:
        Whether glibc took it: `False` with other allocators, such as those of Alpine Linux, macOS
        and Windows, and where the environment has chosen.

    Example:

    >>> import keras_mtl
    >>> tuned = keras_mtl.tune_allocator()
    """
    chosen = "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "") or any(
        name.startswith("MALLOC_") for name in os.environ
    )
    if sys.platform != "linux" or chosen:
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # All are told, though an older glibc refuses so high a threshold: with no maps it needs none.
    took = [mallopt(*option) for option in OPTIONS.values()] if mallopt else []
    return bool(took and took[-1])
