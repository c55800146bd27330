"""`ut_zappos50k.load`: the data set as arrays."""

import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_mtl._checks import check_choice, check_integer
from keras_mtl._types import PathLike

from .._records import Records
from .._scaling import Square
from .properties import COLUMNS, PROPERTIES
from .triplet_lists import read_triplets

SPLITS = ("all", "train", "validation", "test")

# Which tenths of the products belong to which split.
_TENTHS = {"train": range(7), "validation": (7,), "test": (8, 9), "all": range(10)}


def load(
    split: Literal["train", "validation", "test", "all"],
    data_dir: PathLike,
    *,
    size: int | None = None,
    num_images: int | None = None,
    triplets: bool = False,
    cache_dir: PathLike | None = None,
) -> dict[str, Any]:
    """Loads the shoes of UT-Zappos50K with four properties, and triplets that compare them.

    How to get the files is in this module's README.md; TFDS is an extra, `pip install
    'keras-mtl[data]'`. At the first call they are checked and prepared, with a progress bar, for
    reading picture by picture; that takes 0.3 GB. No picture is held in memory. Batches are those
    of `TripletBatches`, of the labels or of the triplets.

    **Splits.** None is published with the data set. "train", "validation" and "test" are 70, 10 and
    20 % of the products, by a hash of their numbers: a shoe is in one split in all its colours.
    With `triplets=True` they are those of conditional similarity networks instead: the pictures
    that the triplets of that split name.

    Args:
        split: "train", "validation", "test" or "all" (50,025 pictures).
        data_dir: Folder of the published files.
        size: Sides in pixels of the largest square of the middle (conditional similarity networks:
            112). By default pictures come out as published, 102 high and 136 wide but for a few:
            those can only be read one by one.
        num_images: Only the first so many pictures; all if `None`.
        triplets: Whether to load the triplets of conditional similarity networks, which are files
            of their own.
        cache_dir: Folder of the prepared files; by default `prepared` in `data_dir`. To prepare
            anew, remove it.

    Returns:
        A dict, the N pictures in the order of `meta-data.csv`:

        - `image`: `LazyArray` of uint8 (N, 102, 136, 3) or (N, size, size, 3), RGB.
        - `labels`: dict from "class", "closure", "gender" and "heel" to int32 (N,), positions in
          `values`, or -1 where there is none.
        - `values`: dict from the same to a tuple of strings. Several values of a shoe, such as
          "Lace up;Zipper", count as one of their own.
        - `columns`: dict from each of `COLUMNS` to a list of N tuples of strings, the values of a
          shoe, empty where there is none.
        - `triplets`: with `triplets=True`, dict from the same as of `labels` to int32 (P, 3), the
          positions of anchor, positive and negative among the N. With `num_images`, those whose
          three pictures are left.

    Raises:
        ImportError: TFDS is not installed.
        FileNotFoundError: A file is missing; the error says where it is from.
        ValueError: An argument is out of range, or a file is cut or otherwise not as published; the
            error names it.

    Source: Yu & Grauman, Fine-Grained Visual Comparisons with Local Learning, CVPR 2014; the
    triplets: Veit et al., Conditional Similarity Networks, CVPR 2017. The splits by a hash are
    ours.

    Example:

    ```python
    train = ut_zappos50k.load("train", "data/ut_zappos50k", size=112)
    batches = TripletBatches(train["image"], train["labels"], workers=2)
    ```
    """
    check_choice("split", split, SPLITS)
    if triplets and split == "all":
        raise ValueError("`split` must not be 'all' with `triplets=True`. Received: 'all'.")
    square = Square(size)
    records = Records("ut_zappos50k", "shoes", data_dir, cache_dir)
    columns = records.noted("columns")
    if triplets:
        triplets = read_triplets(Path(data_dir).expanduser(), split, columns["CID"])
        rows = np.unique(np.concatenate(list(triplets.values())))
    else:
        rows = _rows_of(split, columns["CID"])
    if num_images is not None:
        rows = rows[: check_integer("num_images", num_images, 1)]
    rows = rows.tolist()
    data = {
        "image": records.column("image", decode=square.picture).take(rows),
        "labels": {},
        "values": {},
        "columns": {name: [_several(columns[name][row]) for row in rows] for name in COLUMNS},
    }
    for name, column in PROPERTIES.items():
        values = sorted({value.strip() for value in columns[column]} - {""})
        numbers = {value: number for number, value in enumerate(values)}
        labels = [numbers.get(columns[column][row].strip(), -1) for row in rows]
        data["values"][name] = tuple(values)
        data["labels"][name] = np.array(labels, "int32")
    if triplets:
        places = np.full(len(columns["CID"]), -1, "int32")
        places[rows] = np.arange(len(rows))
        found = {name: places[each] for name, each in triplets.items()}
        data["triplets"] = {name: each[(each >= 0).all(axis=1)] for name, each in found.items()}
    return data


def _rows_of(split, cids):
    # Of a CID, product-colour, the product.
    products = (cid.split("-")[0] for cid in cids)
    tenths = [zlib.crc32(product.encode()) % 10 for product in products]
    return np.flatnonzero(np.isin(tenths, _TENTHS[split]))


def _several(text):
    return tuple(filter(None, map(str.strip, text.split(";"))))
