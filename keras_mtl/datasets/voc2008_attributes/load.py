"""`voc2008_attributes.load`: pictures with their objects."""

from typing import Literal

import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._types import Array, PathLike

from .._records import Records
from .._scaling import Scaling
from ..lazy_array import LazyArray

CONFIGS = {"train": "apascal", "test": "apascal", "ayahoo": "ayahoo"}

_OF_OBJECTS = ("boxes", "classes", "attributes", "difficult")


def load(
    split: Literal["train", "test", "ayahoo"],
    data_dir: PathLike,
    *,
    shortest_side: int | None = None,
    longest_side: int | None = None,
    num_images: int | None = None,
    cache_dir: PathLike | None = None,
) -> dict[str, LazyArray | list[Array] | list[str]]:
    """Loads aPascal, pictures of VOC 2008 with boxes, classes and attributes, or aYahoo.

    How to get the files is in this module's README.md; TFDS is an extra, `pip install
    'keras-mtl[data]'`. At the first call they are checked and prepared, with a progress bar, for
    reading picture by picture. Of VOC 2008 only the pictures are read, and need be there, that
    aPascal mentions. aYahoo is prepared on its own: the others do not need its files.

    The attribute files list objects, one a row; what is difficult is in VOC's own annotations,
    where an object is found by its class and box (within a pixel). Objects that are annotated
    there alone have no known attributes: they come as difficult, all attributes -1, so that they
    are neither learned from nor held against a detector that finds them.

    Pictures differ in size, and in the number of objects: `RoIBatches` makes batches of them.

    Args:
        split: "train" (6,340 objects) or "test" (6,355), the two of aPascal; or "ayahoo" (2,644),
            objects of other classes, for tests.
        data_dir: Folder of the published files.
        shortest_side, longest_side: Sizes that pictures and boxes are scaled to, in pixels, as of
            `ImageFiles`.
        num_images: Only the first so many pictures; all if `None`.
        cache_dir: Folder of the prepared files; by default `prepared` in `data_dir`. To prepare
            anew, remove it.

    Returns:
        A dict of the N pictures that have an object in the split, in the order of its file:

        - `image`: `LazyArray` of uint8 (h, w, 3), RGB, to be read one by one.
        - `boxes`: list of float32 (K, 4): x1, y1, x2, y2 in pixels of the scaled picture, from 0,
          (x2, y2) exclusive.
        - `classes`: list of int32 (K,): `CLASSES[c - 1]`, 1..20, or for "ayahoo"
          `AYAHOO_CLASSES[c - 1]`, 1..12.
        - `attributes`: list of int8 (K, 64), 0, 1 or -1, in the order of `ATTRIBUTES`.
        - `difficult`: list of bool (K,); in "ayahoo" nothing is.
        - `names`: list of the N files' names.

    Raises:
        ImportError: TFDS is not installed.
        FileNotFoundError: A file is missing; the error says where it is from.
        ValueError: An argument is out of range, or a file is cut or otherwise not as published;
            the error gives file and line.

    Source: Farhadi et al., Describing Objects by their Attributes, CVPR 2009; Everingham et al.,
    The PASCAL Visual Object Classes Challenge 2008.

    Example:

    ```python
    train = voc2008_attributes.load("train", "data", shortest_side=600, longest_side=1000)
    CLASSES[train["classes"][0][0] - 1], train["boxes"][0][0]
    ```
    """
    check_choice("split", split, CONFIGS)
    scaling = Scaling(shortest_side, longest_side)
    records = Records("voc2008_attributes", split, data_dir, cache_dir, num_images, CONFIGS[split])
    result = {"image": records.column("image", decode=scaling.picture)}
    result |= {name: [] for name in (*_OF_OBJECTS, "names")}
    # One pass, as each record has to be read as a whole.
    for size, name, *of_objects in records.column("size", "name", *_OF_OBJECTS, decode=_together):
        for column, values in zip(_OF_OBJECTS, of_objects, strict=True):
            result[column].append(values)
        result["boxes"][-1] *= np.float32(scaling.factor(size))
        result["names"].append(name.decode())
    return result


def _together(*values):
    return values
