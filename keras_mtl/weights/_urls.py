"""Which weights are URLs, and what kind of file they are of."""

import pathlib
import urllib.parse

SCHEMES = ("http", "https", "file")


def is_url(weights):
    """Whether weights are given as the URL of a file; a `Path` never is one."""
    return isinstance(weights, str) and weights.lower().startswith(
        tuple(f"{scheme}://" for scheme in SCHEMES)
    )


def file_name(weights):
    """The name of the file at a path or URL."""
    if is_url(weights):
        weights = urllib.parse.unquote(urllib.parse.urlsplit(weights).path)
    return pathlib.Path(weights).name
