"""Pictures, RoIs and their targets as batches for a detector."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from keras_mtl._checks import check_integer, names
from keras_mtl.boxes import canvas, check_boxes

from ._check_annotations import check_annotations
from ._ordered_batches import OrderedBatches
from .roi_sampling import RoISampling
from .sample_rois import sample_rois

COLUMNS = ("boxes", "classes", "proposals")
"""What must be known of all pictures."""

_TARGETS = {
    "detection": ("detection_classes", "detection_boxes"),
    "attributes": ("attributes",),
}


class RoIBatches(OrderedBatches):
    """Batches of pictures, RoIs drawn by Fast R-CNN's sampler, and their targets.

    Batch i of an epoch, its draws and mirroring included, is a pure function of (`seed`, `epoch`,
    i): a run that starts with `epoch=k` sees the batches that an uninterrupted run sees from its
    epoch k on. As for `ArrayBatches`, call `fit` with `shuffle=False`, and see there how to tie the
    epoch to `fit`'s own count.

    **Workers.** `workers` threads (above 1), or processes with `use_multiprocessing=True`, make the
    next `max_queue_size` batches; what comes out is the same without them. Take threads: reading,
    resizing and copying pictures leave Python's lock. Two JPEGs a batch, resized to 600×800, took
    56 ms on 2 cores, 26 with two threads and 88 with two processes, which hand every batch back
    through a pipe. Each process also starts Keras anew (seconds) and gets a pickled copy of this
    object; a script that uses them needs the guard `if __name__ == "__main__":`.

    Args:
        pictures: Dict of columns, such as `voc2008_attributes.load` returns, and `proposals`;
            others are passed over:

            - `image`: uint8 array (N, H, W, 3), RGB, or a sequence of N arrays (h, w, 3), such as
              `ImageFiles`, which is read picture by picture.
            - `boxes`: list of N arrays (K, 4): the true boxes `[x1, y1, x2, y2]` in pixels. K may
              be 0. Boxes and proposals that stick out of their picture are clipped to it; those
              that lie outside are refused, for a sequence when the picture is read.
            - `classes`: list of N integer arrays (K,), from 1; 0 is the background.
            - `attributes`: list of N arrays (K, A) of 0 and 1, or -1 where unknown; not needed
              without the task "attributes".
            - `proposals`: list of N arrays (P, 4), such as those of `keras_mtl.proposals`. P may
              be 0.
            - `difficult`: list of N boolean arrays (K,): objects not to be learned from; none
              where it is not there.
        batch_size: Pictures a batch, B.
        sampling: A `RoISampling`: how many RoIs R of a picture, and which; fewer are padded. The
            paper's if `None`.
        num_classes: Number of classes, that no class is beyond; not checked by default, and then a
            class that the model does not have is a loss of NaN.
        tasks: "detection", "attributes" or both.
        mirror: Whether to mirror each picture with its boxes, with probability .5.
        pad_to: `(height, width)` of a canvas that every picture stands at the top left of, for
            pictures of several sizes; the rest has the colour (123, 117, 104).
        **options: `shuffle`, `seed`, `epoch`, `drop_remainder`, as of `ArrayBatches`; and
            `workers`, `use_multiprocessing`, `max_queue_size`, as of `keras.utils.PyDataset`.

    Batches:
        A tuple of two dicts: `image`, float32 (B, H, W, 3), 0..255, and `rois`, float32 (B, R, 4);
        and of the tasks `detection_classes` int32 (B, R), `detection_boxes` float32 (B, R, 5) and
        `attributes` float32 (B, R, A), as of `sample_rois`.

    Attributes:
        num_attributes: A.

    Raises:
        ValueError: An argument is out of range, or an annotation not as it should be; the error
            names the picture. While reading: a picture is no uint8 (h, w, 3), larger than
            `pad_to`, or without `pad_to` of another size than the others of its batch.

    Example:

    >>> from keras_mtl.datasets import RoIBatches
    >>> pictures = {"image": np.zeros((4, 48, 64, 3), "uint8"), "boxes": [[[10, 10, 30, 30]]] * 4}
    >>> pictures |= {"classes": [[1]] * 4, "attributes": [[[0, 1]]] * 4}
    >>> data = RoIBatches({**pictures, "proposals": pictures["boxes"]})
    >>> inputs, targets = data[0]
    >>> inputs["rois"].shape, targets["attributes"].shape
    ((2, 64, 4), (2, 64, 2))
    """

    def __init__(
        self,
        pictures: Mapping[str, Any],
        batch_size: int = 2,
        sampling: RoISampling | None = None,
        *,
        num_classes: int | None = None,
        tasks: str | Iterable[str] = ("detection", "attributes"),
        mirror: bool = False,
        pad_to: tuple[int, int] | None = None,
        **options: Any,
    ) -> None:
        self.tasks = tuple(names(tasks or (), "tasks"))
        if not self.tasks or not set(self.tasks) <= set(_TARGETS):
            raise ValueError(f"`tasks` must be one or more of {list(_TARGETS)}. Received: {tasks}.")
        needed = ("image", *COLUMNS, *(["attributes"] if "attributes" in self.tasks else []))
        missing = [name for name in needed if pictures.get(name) is None]
        if missing:
            raise ValueError(
                f"`pictures` must have the columns {list(needed)}. "
                f"Received: {list(pictures)}, without {missing}."
            )
        self.images = pictures["image"]
        order = {"shuffle": True, "seed": 0, "epoch": 0, "drop_remainder": False, **options}
        super().__init__(len(self.images), batch_size, **order)
        self.sampling, self.mirror = sampling or RoISampling(), mirror
        self.pad_to = None if pad_to is None else _check_size(pad_to)
        columns = {name: pictures.get(name) for name in (*COLUMNS, "attributes", "difficult")}
        self._pictures, self.num_attributes = check_annotations(
            len(self.images), num_classes=num_classes, **columns
        )
        if isinstance(self.images, np.ndarray):
            for number in range(len(self.images)):
                self._read(number)

    def _make(self, epoch, index):
        rng = self._generator(epoch, index)
        images, samples = [], []
        for number in self._rows(epoch, index):
            image, picture = self._read(number)
            if self.mirror and rng.random() < 0.5:
                image, picture = _mirrored(image, picture)
            images.append(image)
            samples.append(sample_rois(rng=rng, sampling=self.sampling, **picture))
        batch = {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}
        inputs = {"image": canvas(images, self.pad_to), "rois": batch["rois"]}
        return inputs, {name: batch[name] for task in self.tasks for name in _TARGETS[task]}

    def _read(self, number):
        """A picture, and its annotations clipped to it."""
        image = np.asarray(self.images[number])
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"`images[{number}]` must be a uint8 array of shape (h, w, 3). "
                f"Received: {image.dtype} of shape {image.shape}"
            )
        size = image.shape[:2]
        if self.pad_to is not None and (size[0] > self.pad_to[0] or size[1] > self.pad_to[1]):
            raise ValueError(
                f"`images[{number}]` must fit in `pad_to`={self.pad_to}. Received: {size}"
            )
        picture = dict(self._pictures[number])
        for name in ("boxes", "proposals"):
            picture[name] = check_boxes(picture[name], f"{name}[{number}]", size)
        return image, picture


def _check_size(size):
    if np.shape(size) != (2,):
        raise ValueError(f"`pad_to` must be (height, width). Received: {size}.")
    return tuple(check_integer("pad_to", length, 1) for length in size)


def _mirrored(image, picture):
    picture = dict(picture)
    for name in ("boxes", "proposals"):
        boxes = picture[name].copy()
        boxes[:, [0, 2]] = image.shape[1] - boxes[:, [2, 0]]
        picture[name] = boxes
    return image[:, ::-1], picture
