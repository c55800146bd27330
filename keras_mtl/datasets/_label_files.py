"""The files that a table of labels names: looked at once, then read when a batch asks for them."""

import concurrent.futures
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_mtl._checks import VOID
from keras_mtl._text import progress_bar
from keras_mtl._types import Array, Size
from keras_mtl.datasets._scaling import nearest, open_picture, pillow, read_picture
from keras_mtl.datasets.label_column import read_map

READERS = 4
"""Threads that look at all files once."""


class Looked:
    """What was seen of the files of a row."""

    def __init__(self, picture: Path, maps: Mapping[str, Path | None]) -> None:
        self.wrong, self.size = "", (0, 0)
        self.values: dict[str, set | None] = {}
        """Of each map the whole numbers in it; `None` of one that has others."""
        path: Path = picture
        try:
            with open_picture(picture) as image:
                self.size = read_picture(image).shape[:2]
            for name, map_path in maps.items():
                if map_path is not None:
                    path = map_path
                    values = read_map(path)
                    whole = values.dtype.kind in "iu" and values.max() <= VOID
                    self.values[name] = set(np.unique(values).tolist()) if whole else None
        except FileNotFoundError:
            self.wrong = f"{path.name} (missing)"
        except Exception as error:  # Pillow raises many: of a broken file any of them may come.
            reason = str(error).replace(f"{path}", "it")[:100]
            self.wrong = f"{path.name} ({reason or type(error).__name__})"


def look_at_all(paths, columns, verbose):
    """What was seen of the files of each row; a bar of progress if `verbose` is 1."""
    pillow()  # One error, not one a file, where it is not installed.
    bar = progress_bar(len(paths), "file", verbose)
    maps = {name: column.labels for name, column in columns.items() if column.kind == "map"}
    of_rows = [{name: files[row] for name, files in maps.items()} for row in range(len(paths))]
    looked = []
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for each in pool.map(Looked, paths, of_rows):
            looked.append(each)
            bar.update(len(looked))
    return looked


class Pictures:
    """Pictures of files, scaled; it pickles."""

    def __init__(self, paths: list[Path], size: Size) -> None:
        self._paths, self._size = paths, size

    def __call__(self, number: int) -> Array:
        with open_picture(self._paths[number]) as image:
            return read_picture(image, lambda size: self._size).astype("float32")


class Maps:
    """Maps of files, of which the nearest pixels are taken; unknown where there is none."""

    def __init__(
        self, paths: list[Any], size: Size, classes: tuple[str, ...] | None, white: bool
    ) -> None:
        self._paths, self._size, self._classes, self._white = paths, size, classes, white

    def __call__(self, number: int) -> Array:
        path = self._paths[number]
        if path is None:
            values = np.full(self._size, np.nan if self._classes is None else VOID)
        else:
            values = nearest(read_map(path), self._size)
            if self._white:
                values = values > 127
        if self._classes is None:
            return values.astype("float32")[..., None]
        return values.astype("uint8")
