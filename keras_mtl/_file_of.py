"""Files of our own, which others may have changed."""

import contextlib
import csv
import zipfile
import zlib
from collections.abc import Iterator

from keras_mtl._types import PathLike

# What reading raises where something is missing, is of another type or form, or is cut.
WRONG = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    *(EOFError, NotImplementedError, RuntimeError, csv.Error, zipfile.BadZipFile, zlib.error),
)


@contextlib.contextmanager
def file_of(writer: str, path: PathLike, must: str = "`path` must be") -> Iterator[None]:
    """Within it, whatever is wrong with a file is a ValueError that names it and what writes such.

    Errors of the file system stay what they are.
    """
    try:
        yield
    except WRONG as error:
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{must} a whole file of `{writer}`. Received: {path}. {reason[:500]}"
        ) from error
