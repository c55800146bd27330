"""`celeba.load`: the data set as arrays or as batches."""

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._types import Array, PathLike

from .._arrays_or_batches import arrays_or_batches
from .._records import Records
from .._scaling import Square
from ..array_batches import ArrayBatches
from ..lazy_array import LazyArray
from .attributes import ATTRIBUTES, TASK_NAMES

SPLITS = ("train", "validation", "test")


def load(
    split: Literal["train", "validation", "test"],
    data_dir: PathLike,
    *,
    size: int | None = None,
    num_images: int | None = None,
    as_arrays: bool = True,
    tasks: str | Iterable[str] = ("attributes",),
    cache_dir: PathLike | None = None,
    **batches: Any,
) -> dict[str, Array | LazyArray] | ArrayBatches:
    """Loads the faces of CelebA, aligned and cropped, with 40 attributes each.

    How to get the files is in this module's README.md; TFDS is an extra, `pip install
    'keras-mtl[data]'`. At the first call they are checked and prepared, with a progress bar, for
    reading picture by picture; that takes 1.5 GB. No picture is held in memory.

    Args:
        split: "train" (162,770 pictures), "validation" (19,867) or "test" (19,962), as published.
        data_dir: Folder of the published files.
        size: Sides in pixels of the largest square of the middle; by default pictures come out as
            published, 218 high and 178 wide.
        num_images: Only the first so many pictures; all if `None`.
        as_arrays: Whether to return arrays (True) or batches for `fit` (False).
        tasks: With `as_arrays=False`, what are the targets: "attributes" for all of them as one
            task, int32 (batch, 40), or some of `TASK_NAMES`, each a task of its own, int32
            (batch, 1). The names are the keys of the targets.
        cache_dir: Folder of the prepared files; by default `prepared` in `data_dir`. To prepare
            anew, remove it.
        **batches: With `as_arrays=False`, as of `ArrayBatches`: `batch_size` (16), `augment`,
            `workers`, `seed` and so on. The training split is shuffled.

    Returns:
        With `as_arrays=True` a dict:

        - `image`: `LazyArray` of uint8 (N, 218, 178, 3) or (N, size, size, 3), RGB.
        - `attributes`: uint8 array (N, 40), 0 or 1, in the order of `ATTRIBUTES`.

        With `as_arrays=False` an `ArrayBatches` of (images, {task: target}).

    Raises:
        ImportError: TFDS is not installed.
        FileNotFoundError: A file is missing; the error says where it is from.
        ValueError: An argument is out of range, or a file is cut, of another size or otherwise not
            as published; the error names it.

    Source: Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015.

    Example:

    ```python
    train = celeba.load(
        "train", "data/celeba", size=150, as_arrays=False, tasks=("Smiling", "Young"), workers=2
    )
    model.fit(train, epochs=10, shuffle=False)
    ```
    """
    check_choice("split", split, SPLITS)
    square = Square(size)
    records = Records("celeba", split, data_dir, cache_dir, num_images)
    columns = {
        "image": records.column("image", decode=square.picture),
        "attributes": _bits(records.noted("attributes")[split])[: len(records)],
    }
    if not as_arrays:
        single = np.split(columns["attributes"], len(ATTRIBUTES), axis=1)
        columns |= dict(zip(TASK_NAMES, single, strict=True))
    return arrays_or_batches(columns, as_arrays, tasks, split, batches)


def _bits(text):
    packed = np.frombuffer(bytes.fromhex(text), "uint8").reshape(-1, len(ATTRIBUTES) // 8)
    return np.unpackbits(packed, axis=1)
