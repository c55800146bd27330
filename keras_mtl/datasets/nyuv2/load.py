"""`nyuv2.load`: the data set as arrays or as batches."""

from collections.abc import Iterable
from functools import partial
from typing import Any, Literal

import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._types import PathLike

from .._arrays_or_batches import arrays_or_batches
from .._records import Records
from .._scaling import Scaling
from .._unit_normals import unit_normals
from ..array_batches import ArrayBatches
from ..lazy_array import LazyArray

SPLITS = ("train", "test")


def load(
    split: Literal["train", "test"],
    data_dir: PathLike,
    *,
    num_classes: Literal[40, 13] = 40,
    shortest_side: int | None = None,
    num_images: int | None = None,
    as_arrays: bool = True,
    tasks: str | Iterable[str] = ("segmentation", "normals"),
    cache_dir: PathLike | None = None,
    **batches: Any,
) -> dict[str, LazyArray] | ArrayBatches:
    """Loads the labelled pictures of NYUv2: segmentation, surface normals and depth.

    How to get the files is in this module's README.md; TFDS is an extra, `pip install
    'keras-mtl[data]'`. At the first call they are checked and prepared, with a progress bar, for
    reading picture by picture; that takes 3 GB. Nothing of it is held in memory.

    Args:
        split: "train" (795 pictures) or "test" (654), the official split.
        data_dir: Folder of the published files.
        num_classes: Classes of the segmentation, 40 or 13.
        shortest_side: Height of what comes out, in pixels; by default 480, as published. Pictures
            are scaled bilinearly; of labels, normals and depths the nearest ones are taken.
        num_images: Only the first so many pictures; all if `None`.
        as_arrays: Whether to return arrays (True) or batches for `fit` (False).
        tasks: With `as_arrays=False`, which of "segmentation", "normals" and "depth" are the
            targets. The names are the keys of the targets.
        cache_dir: Folder of the prepared files; by default `prepared` in `data_dir`. To prepare
            anew, remove it.
        **batches: With `as_arrays=False`, as of `ArrayBatches`: `batch_size` (16), `augment`,
            `workers`, `seed` and so on. The training split is shuffled.

    Returns:
        With `as_arrays=True` a dict of `LazyArray`s, H = 480 and W = 640 by default:

        - `image`: uint8 (N, H, W, 3), RGB.
        - `segmentation`: uint8 (N, H, W), positions in `CLASSES_40` or `CLASSES_13`, or 255 where
          there is no label.
        - `normals`: float32 (N, H, W, 3), unit length, in the camera's frame (x right, y down, z
          forward); zeros where the camera measured no depth.
        - `depth`: float32 (N, H, W), metres, filled in where the camera measured none.

        With `as_arrays=False` an `ArrayBatches` of (images, {task: target}).

    Raises:
        ImportError: TFDS is not installed.
        FileNotFoundError: A file is missing; the error says where it is from.
        ValueError: An argument is out of range, or a file is cut, of another size or otherwise not
            as published; the error names it.

    Source: Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012;
    the normals are those of Ladický et al., Discriminatively Trained Dense Surface Normal
    Estimation, ECCV 2014.

    Example:

    ```python
    train = nyuv2.load("train", "data/nyuv2", as_arrays=False, batch_size=20, workers=2)
    model.fit(train, epochs=10, shuffle=False)
    ```
    """
    check_choice("split", split, SPLITS)
    check_choice("num_classes", num_classes, (13, 40))
    scaling = Scaling(shortest_side)
    records = Records("nyuv2", split, data_dir, cache_dir, num_images)
    columns = {
        "image": records.column("image", decode=scaling.picture),
        "segmentation": records.column(f"labels_{num_classes}", decode=partial(_labels, scaling)),
        "normals": records.column("normals", "valid", decode=partial(_normals, scaling)),
        "depth": records.column("depth", decode=scaling.array),
    }
    return arrays_or_batches(columns, as_arrays, tasks, split, batches)


def _labels(scaling, encoded):
    return scaling.map(encoded) - np.uint8(1)  # 0, no label, becomes 255


def _normals(scaling, encoded, valid):
    # The file's channels are z, y, x.
    return unit_normals(scaling.map(encoded)[..., ::-1], scaling.map(valid) > 0)
