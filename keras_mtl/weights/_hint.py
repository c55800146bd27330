"""What a file that is none of weights may be instead."""

import pathlib


def hint(path, text="."):
    """A sentence on what a file looks like, after a space, or nothing.

    Args:
        path: the file.
        text: end of the sentence on text.
    """
    with open(path, "rb") as file:
        head = file.read(512).lstrip()
    if not head:
        return " It is empty."
    if head.startswith(b"version https://git-lfs"):
        return " It is a pointer of git-lfs: fetch the file that it stands for."
    if head.startswith(b"\x89HDF") and pathlib.Path(path).suffix != ".h5":
        return " It is an HDF5 file."
    if min(head) < 9 or max(head) > 127:  # Text has no such bytes.
        return ""
    if head.startswith(b"<"):
        return " It looks like a web page: the download may have failed."
    return f" It looks like text{text}"
