"""Files of our own: where they are, that they are whole, and what is wrong with others."""

import contextlib
import csv
import hashlib
import os
import re
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from keras_mtl._types import PathLike


def keras_folder() -> str:
    """Keras' own folder, of its rule: `$KERAS_HOME`, or else `~/.keras`."""
    home = os.environ.get("KERAS_HOME")
    if home is None:
        base = os.path.expanduser("~")
        # As Keras does where the home folder is read-only.
        home = os.path.join(base if os.access(base, os.W_OK) else "/tmp", ".keras")
    return os.path.expanduser(home)


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


PREFIX, DIGITS = ".unfinished-keras_mtl", 12
# By place, process and draw. Not by the name to be: it may be as long as a file system allows.
UNFINISHED = re.compile(
    rf"{re.escape(PREFIX)}-([0-9a-f]{{{DIGITS}}})-([0-9]+)-[0-9a-f]{{{DIGITS}}}(\..*)?", re.DOTALL
)

MOST_SUFFIX = 40
ABANDONED = 24 * 60 * 60
"""Seconds without a change behind which nobody is thought to write any more."""


@contextlib.contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Yields a path to write to; what stands there becomes `path` when all went well.

    What is yielded ends in the suffixes of `path`, by which writers choose a format. What killed
    processes have left in the folder is removed: of this machine at once, of others after a day.

    Raises:
        OSError: it cannot be written; `path` is the file that is named.
    """
    path = Path(path)
    _remove_abandoned(path.parent)
    # Processes or threads that make the same file must not write into one.
    draw = os.urandom(DIGITS // 2).hex()
    name = f"{PREFIX}-{_place() or '0' * DIGITS}-{os.getpid()}-{draw}{_suffixes(path)}"
    unfinished = path.with_name(name)
    try:
        yield unfinished
        _keep(unfinished)
        os.replace(unfinished, path)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == unfinished:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # The name: not all file systems can.
        _keep(path.parent, os.O_RDONLY)


def _suffixes(path):
    """The last two, if they are as short as those of formats are."""
    suffixes = ["", *path.suffixes[-2:]]
    while sum(map(len, suffixes)) > MOST_SUFFIX:
        del suffixes[0]
    return "".join(suffixes)


def _keep(path, flags=os.O_RDWR):
    """Waits until a file or folder would outlast a power failure."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(folder):
    # What cannot be tidied up is no reason not to write.
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = UNFINISHED.fullmatch(entry.name)
            if found and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                    if age > ABANDONED or found[1] == _place() and _is_dead(int(found[2])):
                        os.unlink(entry.path)


def _place():
    """Within what numbers of processes tell who is alive: a start of a machine, a container.

    `None` where that cannot be told, or asking for a process might end it: beside Linux.
    """
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text()
        place = f"{os.uname().nodename} {start} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None
    return hashlib.sha256(place.encode()).hexdigest()[:DIGITS]


def _is_dead(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # Another user's, which lives; or no number of a process.
        return False
    return False
