"""`rooms.load`: the data set as arrays or as batches."""

import warnings
from collections.abc import Iterable
from typing import Literal

import numpy as np

from keras_mtl._checks import check_integer, names
from keras_mtl._text import progress_bar
from keras_mtl._types import Array, PathLike

from ..array_batches import ArrayBatches
from .cache import cache_path, default_cache_dir, read_cache, write_cache
from .pool import render_all
from .request import RenderRequest

TASKS = ("segmentation", "normals", "depth")

_PER_OBJECT = ("boxes", "attributes")


def load(
    split: Literal["train", "validation", "test"] = "train",
    size: int = 96,
    num_images: int = 1200,
    seed: int = 0,
    *,
    as_arrays: bool = True,
    batch_size: int = 16,
    tasks: str | Iterable[str] = ("segmentation", "normals"),
    cache_dir: PathLike | None = None,
    workers: int | None = None,
    progress: bool = True,
    antialias: int = 1,
) -> dict[str, Array | list[Array]] | ArrayBatches:
    """Loads `rooms`: rendered pictures of furnished rooms with exact annotations.

    The pictures are rendered at the first call (80 a second and core at 96 x 96) and read from
    a cache file afterwards. Picture i of a split depends on `split`, `seed`, `size` and
    `antialias` alone, not on `num_images`; the splits are disjoint.

    Args:
        split: "train", "validation" or "test".
        size: Height and width of the pictures in pixels, at least 32.
        num_images: Number of pictures, N.
        seed: Integer >= 0; another seed gives other pictures.
        as_arrays: Whether to return arrays (True) or batches for `fit` (False).
        batch_size: Pictures a batch, with `as_arrays=False`.
        tasks: With `as_arrays=False`, which of "segmentation", "normals" and "depth" are the
            targets. The names are the keys of the targets.
        cache_dir: Folder for the cache files; by default `keras_mtl/rooms` in Keras' own
            (`$KERAS_HOME`, or else `~/.keras`). A damaged file is rendered anew, with a warning.
        workers: Number of rendering processes, by default one per core.
        progress: Whether to show a progress bar while rendering.
        antialias: Rays per pixel and axis for the colours; 2 gives smoother edges and takes
            twice as long. Labels are those of a single ray.

    Returns:
        With `as_arrays=True` a dict of NumPy arrays; H = W = `size`:

        - `image`: uint8 (N, H, W, 3), RGB.
        - `segmentation`: uint8 (N, H, W), positions in `CLASSES`, or `VOID` where too little of
          an object is visible to tell what it is.
        - `normals`: float32 (N, H, W, 3), unit length, in the camera's frame (x right, y down,
          z forward), facing the camera.
        - `depth`: float32 (N, H, W), metres along the camera's z axis.
        - `instances`: uint16 (N, H, W), 1..K for the objects of a picture, 0 elsewhere.
        - `boxes`: list of N int32 arrays (K, 6): x1, y1, x2, y2 in pixels (x2 and y2 exclusive),
          class, instance. They enclose what is visible.
        - `attributes`: list of N bool arrays (K, 24), the `ATTRIBUTES` of the same objects.
        - `focal`: float32 (N,), focal lengths in pixels. A pixel (column u, row v) at depth d
          is the point d * ((u + .5 - W / 2) / focal, (v + .5 - H / 2) / focal, 1), if
          `antialias` is odd.

        With `as_arrays=False` an `ArrayBatches` of (images, {task: target}); the training split
        is shuffled anew each epoch, by `seed`. Pass `shuffle=False` to `fit`: see `ArrayBatches`.

    Raises:
        ValueError: If an argument is out of range.
        RuntimeError: If a rendering process dies.

    Example:

    ```python
    train = rooms.load("train", as_arrays=False, tasks=("segmentation", "depth"))
    model.fit(train, epochs=10, shuffle=False)
    ```
    """
    request = RenderRequest(split, size, num_images, seed, antialias)
    tasks = _check_tasks(tasks)
    batch_size = check_integer("batch_size", batch_size, 1)
    if workers is not None:
        workers = check_integer("workers", workers, 1)
    cache_dir = default_cache_dir() if cache_dir is None else cache_dir
    arrays = read_cache(cache_dir, request)
    if arrays is None:
        arrays = _render(request, workers, progress)
        try:
            write_cache(cache_dir, request, arrays)
        except OSError as error:
            path = cache_path(cache_dir, request)
            warnings.warn(f"The pictures could not be kept in {path}: {error}", stacklevel=2)
    if not as_arrays:
        targets = {task: arrays[task] for task in tasks}
        shuffle = split == "train"
        return ArrayBatches(arrays["image"], targets, batch_size, shuffle=shuffle, seed=seed)
    ends = np.cumsum(arrays.pop("object_counts"))[:-1]
    return {
        name: np.split(array, ends) if name in _PER_OBJECT else array
        for name, array in arrays.items()
    }


def _check_tasks(tasks):
    found = names(tasks or (), "tasks")
    if not found or any(task not in TASKS for task in found):
        raise ValueError(f"`tasks` must be one or more of {TASKS}. Received: tasks={tasks!r}.")
    return found


def _render(request, workers, progress):
    if progress:
        print(f"Rendering {request.num_images} rooms ({request.split}), once:", flush=True)
    bar = progress_bar(request.num_images, "image", verbose=int(progress))
    arrays, objects = {}, {name: [None] * request.num_images for name in _PER_OBJECT}
    for num_done, (index, picture) in enumerate(render_all(request, workers), 1):
        for name in _PER_OBJECT:
            objects[name][index] = picture.pop(name)
        for name, value in picture.items():
            if name not in arrays:
                arrays[name] = np.empty((request.num_images, *value.shape), value.dtype)
            arrays[name][index] = value
        bar.update(num_done)
    arrays["object_counts"] = np.array([len(boxes) for boxes in objects["boxes"]], np.int64)
    return {**arrays, **{name: np.concatenate(objects[name]) for name in _PER_OBJECT}}
