"""`cityscapes_mtl.load`: the data set as arrays or as batches."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._types import PathLike

from .._arrays_or_batches import arrays_or_batches
from .._records import Records
from .._scaling import Scaling
from ..array_batches import ArrayBatches
from ..lazy_array import LazyArray
from .classes import CATEGORIES

SPLITS = ("train", "validation")

VOID = 255


def load(
    split: Literal["train", "validation"],
    data_dir: PathLike,
    *,
    num_classes: Literal[19, 7] = 19,
    shortest_side: int | None = None,
    num_images: int | None = None,
    as_arrays: bool = True,
    tasks: str | Iterable[str] = ("segmentation", "depth"),
    cache_dir: PathLike | None = None,
    **batches: Any,
) -> dict[str, LazyArray] | ArrayBatches:
    """Loads the finely labelled pictures of Cityscapes: segmentation, instances and depth.

    How to get the files is in this module's README.md; TFDS is an extra, `pip install
    'keras-mtl[data]'`. At the first call they are checked and prepared, with a progress bar, for
    reading picture by picture; that takes as much space as the files of the two splits, some 10 GB.
    Nothing of it is held in memory.

    Args:
        split: "train" (2,975 pictures) or "validation" (500; the folders call it "val"). The labels
            of the test split are not public.
        data_dir: Folder of the published files.
        num_classes: Classes of the segmentation: 19, or the 7 categories that these belong to.
        shortest_side: Height of what comes out, in pixels; by default 1024, as published. Pictures
            are scaled bilinearly; of labels, depths and so on the nearest ones are taken, whose
            values stay what they are in the whole picture.
        num_images: Only the first so many pictures; all if `None`.
        as_arrays: Whether to return arrays (True) or batches for `fit` (False).
        tasks: With `as_arrays=False`, which of "segmentation", "depth", "inverse_depth",
            "disparity" and "instances" are the targets. The names are the keys of the targets.
        cache_dir: Folder of the prepared files; by default `prepared` in `data_dir`. To prepare
            anew, remove it.
        **batches: With `as_arrays=False`, as of `ArrayBatches`: `batch_size` (16), `augment`,
            `workers`, `seed` and so on. The training split is shuffled.

    Returns:
        With `as_arrays=True` a dict of `LazyArray`s, H = 1024 and W = 2048 by default:

        - `image`: uint8 (N, H, W, 3), RGB.
        - `segmentation`: uint8 (N, H, W), positions in `CLASSES_19` or `CLASSES_7`, or 255 where
          there is none of the 19 classes that are evaluated.
        - `depth`: float32 (N, H, W), metres along the camera's axis, by stereo; 0 where unknown or
          infinite.
        - `inverse_depth`: float32 (N, H, W), 1/metres; 0 where unknown or infinite.
        - `disparity`: float32 (N, H, W), pixels of the published picture between the views of the
          two cameras; 0 where unknown. The papers that learn Cityscapes' inverse depth mostly
          learn this, in a unit of their own.
        - `instances`: uint16 (N, H, W), 1..K for the objects of a picture (people and vehicles), in
          the order of their classes; 0 elsewhere, and for groups that were not told apart.

        With `as_arrays=False` an `ArrayBatches` of (images, {task: target}).

    Raises:
        ImportError: TFDS is not installed.
        FileNotFoundError: A file is missing; the error says where it is from.
        ValueError: An argument is out of range, or a file is cut, of another size or otherwise not
            as published; the error names it.

    Source: Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016.

    Example:

    ```python
    train = cityscapes_mtl.load(
        "train", "data/cityscapes", num_classes=7, shortest_side=256, as_arrays=False, workers=2
    )
    model.fit(train, epochs=10, shuffle=False)
    ```
    """
    check_choice("split", split, SPLITS)
    check_choice("num_classes", num_classes, (7, 19))
    scaling = Scaling(shortest_side)
    records = Records("cityscapes_mtl", split, data_dir, cache_dir, num_images)
    cameras = ("disparity", "baseline", "focal_length")
    columns = {
        "image": records.column("image", decode=scaling.picture),
        "segmentation": records.column(
            "labels", decode=partial(_classes, scaling, _classes_of_labels(num_classes))
        ),
        "depth": records.column(*cameras, decode=partial(_depth, scaling)),
        "inverse_depth": records.column(*cameras, decode=partial(_inverse_depth, scaling)),
        "disparity": records.column("disparity", decode=partial(_disparity, scaling)),
        "instances": records.column("instances", decode=partial(_instances, scaling)),
    }
    return arrays_or_batches(columns, as_arrays, tasks, split, batches)


def _classes_of_labels(num_classes):
    """What each value of a file of labels becomes: uint8 (256,)."""
    table = np.full(256, VOID, "uint8")
    number = 0
    for category, labels in enumerate(CATEGORIES.values()):
        for label in labels.values():
            table[label] = category if num_classes == len(CATEGORIES) else number
            number += 1
    return table


def _classes(scaling, table, encoded):
    return table[scaling.map(encoded)]


def _disparity(scaling, encoded):
    # 0 is unknown, 1 a disparity of zero.
    return np.maximum(scaling.map(encoded).astype("float32") - 1, 0) / 256


def _inverse_depth(scaling, encoded, baseline, focal_length):
    return _disparity(scaling, encoded) / (baseline * focal_length)


def _depth(scaling, encoded, baseline, focal_length):
    disparity = _disparity(scaling, encoded)
    known = disparity > 0
    return np.divide(baseline * focal_length, disparity, out=disparity, where=known)


def _instances(scaling, encoded):
    # 1000 times the label, plus the number of the object among those of its label; only the label
    # where objects were not told apart.
    values = scaling.map(encoded)
    objects = np.unique(values[values >= 1000])
    return np.where(values >= 1000, np.searchsorted(objects, values) + 1, 0).astype("uint16")
