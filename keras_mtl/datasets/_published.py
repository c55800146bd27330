"""Files of published data sets, checked where they are read."""

from ._scaling import open_picture

MODES_16 = ("I;16", "I")
"""What Pillow opens pictures of 16 bits as, depending on its version."""


def checked_picture(path, mode, size=None):
    """The bytes of a picture's file.

    Args:
        path: The file.
        mode: What its pixels must be, as Pillow names it, or several of these.
        size: What its (height, width) must be, or `None`.

    Raises:
        ValueError: It is cut, no picture, or not of that mode and size.
    """
    try:
        with open_picture(path) as image:
            image.load()
    except OSError as error:
        raise ValueError(f"{path} must be a whole picture: {error}") from error
    modes = (mode,) if isinstance(mode, str) else mode
    if image.mode not in modes or size not in (None, image.size[::-1]):
        pixels = "" if size is None else f" of {size[0]}×{size[1]} pixels"
        raise ValueError(
            f"{path} must be a picture of mode {' or '.join(modes)}{pixels}. "
            f"Received: {image.mode} of {image.size[1]}×{image.size[0]}."
        )
    return path.read_bytes()


def read_text(path):
    """The text of a file; raises ValueError if it is none."""
    try:
        # Editors may put a mark at its beginning.
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be a text file (UTF-8): {error}") from error
