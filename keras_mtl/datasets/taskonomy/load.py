"""`taskonomy.load`: the data set as arrays or as batches."""

import warnings
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

SPLITS = ("train", "validation", "test")
SUBSETS = ("tiny", "medium", "full", "fullplus")

# Where there is no surface, the farthest value of 16 bits, or nearly.
NO_DEPTH = 64500
UNITS_PER_METRE = 512
# What Taskonomy takes for 1, of the full range of the files; most responses are far below it.
STRONGEST = {"keypoints": 0.005, "edges": 0.08}


def load(
    split: Literal["train", "validation", "test"],
    data_dir: PathLike,
    *,
    subset: Literal["tiny", "medium", "full", "fullplus"] = "tiny",
    shortest_side: int | None = None,
    num_images: int | None = None,
    as_arrays: bool = True,
    tasks: str | Iterable[str] = ("segmentation", "normals", "depth", "keypoints", "edges"),
    cache_dir: PathLike | None = None,
    **batches: Any,
) -> dict[str, LazyArray] | ArrayBatches:
    """Loads Taskonomy's pictures with the five tasks that AdaShare learns.

    How to get the files is in this module's README.md; TFDS is an extra, `pip install
    'keras-mtl[data]'`. At the first call they are checked and prepared, with a progress bar, for
    reading picture by picture; that takes as much space again as the files, and hours. Nothing of
    it is held in memory.

    Views of which a file is missing, as the published data have some, are left out, with a warning
    that counts them.

    Args:
        split: "train", "validation" or "test", the official split by buildings: of "tiny" 25, 5
            and 5.
        data_dir: Folder of the published files.
        subset: "tiny" (35 buildings), "medium" (138), "full" (482) or "fullplus" (537); each
            contains the ones before.
        shortest_side: Height and width of what comes out, in pixels; by default 512, as published.
            Pictures are scaled bilinearly; of maps the nearest values are taken.
        num_images: Only the first so many pictures; all if `None`.
        as_arrays: Whether to return arrays (True) or batches for `fit` (False).
        tasks: With `as_arrays=False`, which of the five are the targets. The names are the keys of
            the targets.
        cache_dir: Folder of the prepared files; by default `prepared` in `data_dir`. To prepare
            anew, remove it.
        **batches: With `as_arrays=False`, as of `ArrayBatches`: `batch_size` (16), `augment`,
            `workers`, `seed` and so on. The training split is shuffled.

    Returns:
        With `as_arrays=True` a dict of `LazyArray`s, in the order of (building, point, view), with
        H = W = 512 by default:

        - `image`: uint8 (N, H, W, 3), RGB.
        - `segmentation`: uint8 (N, H, W), positions in `CLASSES`, of which the first is the
          background; 255 where uncertain. These labels are a network's.
        - `normals`: float32 (N, H, W, 3), unit length, in the camera's frame (x right, y down, z
          forward); zeros where there is no surface.
        - `depth`: float32 (N, H, W), metres along the camera's axis; 0 where there is no surface.
        - `keypoints`, `edges`: float32 (N, H, W), from 0 to 1: the responses of SURF, and of
          Canny's detector before it thins edges. 1 is a response of 0.005 or 0.08 of the files'
          range, or more, as in Taskonomy's own networks.

        With `as_arrays=False` an `ArrayBatches` of (images, {task: target}).

    Raises:
        ImportError: TFDS is not installed.
        FileNotFoundError: A list of buildings, or a building's folder, is missing; the error says
            where it is from.
        ValueError: An argument is out of range, or a file is cut, of another size or otherwise not
            as published; the error names it.

    Source: Zamir et al., Taskonomy: Disentangling Task Transfer Learning, CVPR 2018; the choice of
    tasks is that of Sun et al., AdaShare, NeurIPS 2020.

    Example:

    ```python
    train = taskonomy.load(
        "train", "data/taskonomy", shortest_side=256, as_arrays=False, batch_size=16, workers=2
    )
    model.fit(train, epochs=1, shuffle=False)
    ```
    """
    check_choice("split", split, SPLITS)
    check_choice("subset", subset, SUBSETS)
    scaling = Scaling(shortest_side)
    records = Records("taskonomy", split, data_dir, cache_dir, num_images, config=subset)
    if incomplete := records.noted("incomplete"):
        warnings.warn(
            f"{len(incomplete)} views of all splits are left out, since not all of their files "
            f"were there. The first is {incomplete[0]}.",
            stacklevel=2,
        )
    columns = {
        "image": records.column("image", decode=scaling.picture),
        "segmentation": records.column("labels", decode=partial(_labels, scaling)),
        "normals": records.column("normals", decode=partial(_normals, scaling)),
        "depth": records.column("depth", decode=partial(_depth, scaling)),
        **{
            name: records.column(name, decode=partial(_responses, scaling, strongest))
            for name, strongest in STRONGEST.items()
        },
    }
    return arrays_or_batches(columns, as_arrays, tasks, split, batches)


def _labels(scaling, encoded):
    return scaling.map(encoded).astype("uint8") - np.uint8(1)  # 0, uncertain, becomes 255


def _normals(scaling, encoded):
    # Surfaces that face the camera are dark in blue: of them z is negative.
    return unit_normals(scaling.map(encoded))


def _depth(scaling, encoded):
    values = scaling.map(encoded)
    return np.where(values < NO_DEPTH, values, 0).astype("float32") / UNITS_PER_METRE


def _responses(scaling, strongest, encoded):
    return np.minimum(scaling.map(encoded).astype("float32") / (strongest * 65535), 1)
