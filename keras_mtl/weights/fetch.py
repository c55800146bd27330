"""Files of weights from elsewhere, kept in Keras' own folder."""

import hashlib
import http.client
import re
import stat
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TypeVar

from keras_mtl._checks import check_integer
from keras_mtl._files import keras_folder, whole_file
from keras_mtl._text import progress_bar
from keras_mtl._types import PathLike
from keras_mtl.weights._urls import file_name, is_url

FOLDER = "keras_mtl/weights"
"""Where they are kept, below Keras' own folder."""

HASH = re.compile(r"sha256=([0-9a-f]{64})", re.IGNORECASE)
SHOWN_DIGITS = 16
MOST_CHARACTERS = 100
CHUNK = 2**20

Weights = TypeVar("Weights", bound=PathLike | None)


def fetch(weights: Weights, *, timeout: float = 60.0, max_bytes: int = 10 * 2**30) -> Weights | str:
    """Turns weights that may be a URL into the path of a file.

    A URL is downloaded once, into `keras_mtl/weights` in Keras' own folder (`$KERAS_HOME`, or else
    `~/.keras`). It ends in the SHA-256 of the file, as pip writes it:
    `https://example.org/resnet34.pth#sha256=<64 hexadecimal digits>`. The file has that hash, or
    it is an error: neither a download that was cut off nor a file that somebody has changed passes
    for it.

    Args:
        weights: `None`, a path, or the URL of a file (`https://`, `http://` or `file://`) with its
            hash.
        timeout: seconds that a server may send nothing.
        max_bytes: size that a file may have, in bytes.

    Returns:
        `None`, the path as it is, or the path of the downloaded file.

    Raises:
        OSError: the file could not be downloaded: there is none, the server sent nothing for too
            long, it is too large, or it could not be written.
        ValueError: a URL without its hash, a file that has another one, or an argument is out of
            range.

    Example:

    >>> from keras_mtl.weights import fetch
    >>> fetch("resnet34.pth")
    'resnet34.pth'
    """
    if not is_url(weights):
        return weights
    url, fragment = urllib.parse.urldefrag(str(weights))
    found = HASH.fullmatch(fragment)
    if found is None:
        raise ValueError(
            "`weights` must be a URL that ends in '#sha256=' and the 64 hexadecimal digits of the "
            f"file's SHA-256, as `sha256sum` prints it. Received: {weights!r}."
        )
    if not timeout > 0:
        raise ValueError(f"`timeout` must be above 0 seconds. Received: timeout={timeout!r}.")
    max_bytes = check_integer("max_bytes", max_bytes, 1)
    digest = found[1].lower()
    # Files of one name may stand at several addresses; the end of the name is the kind of file.
    name = re.sub(r"[^\w.-]", "_", file_name(url), flags=re.ASCII)[-MOST_CHARACTERS:]
    path = Path(keras_folder(), FOLDER, f"{digest[:SHOWN_DIGITS]}-{name}")
    if not _holds(path, digest):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as unfinished:
            if _download(url, unfinished, timeout, max_bytes) != digest:
                raise ValueError(
                    "`weights` must be a file with the SHA-256 that its URL ends in. At "
                    f"{url!r} is another, or the download was cut off."
                )
    return str(path)


def _holds(path, digest):
    """Whether a path is a file of that hash: no link, which may lead to another one tomorrow."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False


def _download(url, path, timeout, max_bytes):
    """Writes what is at a URL to a new file; returns its hash."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response, path.open("xb") as file:
            length = response.headers.get("Content-Length", "")
            length = int(length) if length.isdecimal() else None
            _check_size(length or 0, max_bytes)
            print(f"Downloading {url}", flush=True)
            bar, size, found = progress_bar(length, "byte"), 0, hashlib.sha256()
            while chunk := response.read(CHUNK):
                size += len(chunk)
                _check_size(size, max_bytes)
                file.write(chunk)
                found.update(chunk)
                bar.update(size)
            return found.hexdigest()
    # An address that is none is a ValueError.
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error
        if isinstance(getattr(error, "reason", error), TimeoutError):
            reason = f"nothing was sent for {timeout} seconds, the `timeout`"
        raise OSError(f"`weights` could not be downloaded from {url}: {reason}") from error


def _check_size(size, max_bytes):
    if size > max_bytes:
        raise OSError(f"there are {size:,} bytes or more, and `max_bytes` is {max_bytes:,}")
