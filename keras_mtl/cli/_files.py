"""Files that are whole, or not there."""

import contextlib
import os
from pathlib import Path


@contextlib.contextmanager
def written(path):
    """Yields where to write; what stands there becomes `path` when all went well."""
    path = Path(path)
    unfinished = path.with_name(f".unfinished_{os.getpid()}_{path.name}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
