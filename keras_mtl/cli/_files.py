"""Where a command writes."""

import contextlib

from keras_mtl.cli._errors import UsageError


@contextlib.contextmanager
def folder(path, option="--output"):
    """Makes a folder for an option, and takes it away again if nothing was written to it.

    Raises:
        UsageError: it cannot be made.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} must be in a folder that can be made: {path}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # It holds something.
            for each in missing:
                each.rmdir()
