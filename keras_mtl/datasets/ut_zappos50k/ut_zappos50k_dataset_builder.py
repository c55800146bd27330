"""UT-Zappos50K for TFDS, from the files as they are published."""

import csv
import io
from functools import partial

from .._existing import existing
from .._manual_builder import ManualBuilder, encoded
from .._published import checked_picture, read_text
from .properties import COLUMNS

COUNT = 50_025

DATA, IMAGES = "ut-zap50k-data", "ut-zap50k-images"
SOURCES = {
    f"{DATA}/meta-data.csv": "the labels of UT-Zappos50K (Yu & Grauman, University of Texas at "
    "Austin), of its ut-zap50k-data.zip",
    IMAGES: "the folder of pictures that ut-zap50k-images.zip of UT-Zappos50K unpacks to",
}


class Builder(ManualBuilder):
    """Pictures, in the order of `meta-data.csv`; the metadata hold its columns."""

    SHARD_ROWS = 10_000

    def _features(self):
        return {"image": encoded(encoding="jpeg")}

    def _splits(self, folder):
        for name, source in SOURCES.items():
            existing(folder / name, source, folder=name == IMAGES)
        columns = read_columns(folder / DATA / "meta-data.csv")
        self.info.metadata["columns"] = columns
        # TFDS has another use for the name "all".
        return {"shoes": (columns["CID"], partial(_example, _pictures(folder / IMAGES)))}


def read_columns(path):
    """A dict from the name of a column to its values, strings, "" where there is none."""
    names, *rows = list(csv.reader(io.StringIO(read_text(path), newline=""))) or [[]]
    if names != ["CID", *COLUMNS]:
        raise ValueError(f"{path}, line 1, must name CID, {', '.join(COLUMNS)}. Received: {names}.")
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise ValueError(
                f"{path}, line {number}, must hold {len(names)} values. Received: {len(row)}."
            )
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    different = len(set(columns.get("CID", ())))
    if not different == len(rows) == COUNT:
        raise ValueError(
            f"{path} must hold {COUNT} shoes. Received: {len(rows)}, {different} of them different."
        )
    return columns


def _pictures(folder):
    """A dict from the names of the pictures to their paths.

    Names are unique; folders that end in a dot are spelled differently in image-path.mat, as not
    every file system has such.
    """
    return {path.name: path for path in folder.glob("*/*/*/*.jpg")}


def _example(paths, cid):
    name = f"{cid.replace('-', '.')}.jpg"
    if name not in paths:
        raise FileNotFoundError(
            f"{IMAGES} must hold {name!r}, the picture of the shoe {cid}, in a folder of its "
            f"category. Received: {len(paths)} other pictures. It is {SOURCES[IMAGES]}."
        )
    # Most are 102 high and 136 wide, but not all.
    return {"image": checked_picture(paths[name], ("RGB", "L", "CMYK"))}
