"""Files that are whole, or not there."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from keras_mtl._types import PathLike


@contextlib.contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Yields a path to write to; what stands there becomes `path` when all went well.

    Raises:
        OSError: it cannot be written; `path` is the file that is named.
    """
    path = Path(path)
    # Processes or threads that make the same file must not write into one.
    unfinished = path.with_name(f"unfinished_{os.getpid()}_{threading.get_ident()}_{path.name}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == unfinished:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        unfinished.unlink(missing_ok=True)
