"""Files of weights from elsewhere, kept in Keras' own folder."""

import re
import urllib.parse
from typing import TypeVar

import keras

from keras_mtl._types import PathLike
from keras_mtl.weights._urls import file_name, is_url

FOLDER = "keras_mtl/weights"
"""Where they are kept, below Keras' own folder."""

HASH = re.compile(r"sha256=([0-9a-f]{64})", re.IGNORECASE)
SHOWN_DIGITS = 16
MOST_CHARACTERS = 100

Weights = TypeVar("Weights", bound=PathLike | None)


def fetch(weights: Weights) -> Weights | str:
    """Turns weights that may be a URL into the path of a file.

    A URL is downloaded once, into `keras_mtl/weights` in Keras' own folder (`$KERAS_HOME`, or else
    `~/.keras`). It ends in the SHA-256 of the file, as pip writes it:
    `https://example.org/resnet34.pth#sha256=<64 hexadecimal digits>`. The file has that hash, or
    it is an error: neither a download that was cut off nor a file that somebody has changed passes
    for it.

    Args:
        weights: `None`, a path, or the URL of a file (`https://`, `http://` or `file://`) with its
            hash.

    Returns:
        `None`, the path as it is, or the path of the downloaded file.

    Raises:
        OSError: the file could not be downloaded.
        ValueError: a URL without its hash, or a file that has another one.

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
    digest = found[1].lower()
    # Files of one name may stand at several addresses; the end of the name is the kind of file.
    name = re.sub(r"[^\w.-]", "_", file_name(url), flags=re.ASCII)[-MOST_CHARACTERS:]
    try:
        return keras.utils.get_file(
            f"{digest[:SHOWN_DIGITS]}-{name}",
            url,
            file_hash=digest,
            hash_algorithm="sha256",
            cache_subdir=FOLDER,
        )
    except ValueError as error:
        raise ValueError(
            f"`weights` must be a file with the SHA-256 that its URL ends in. At {url!r} is "
            "another, or the download was cut off."
        ) from error
    except Exception as error:  # Keras raises it bare.
        raise OSError(f"`weights` could not be downloaded. {error}") from error
