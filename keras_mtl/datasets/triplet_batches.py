"""Triplets of images for several tasks as batches."""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from keras_mtl._checks import check_integer, check_triplets
from keras_mtl._types import Array, Augmentation

from ._label_groups import LabelGroups
from ._ordered_batches import OrderedBatches
from ._refuse_workers import refuse_workers
from .lazy_array import LazyArray

# What a task draws for: parts of the keys of its generators.
_DRAW, _ORDER, _AUGMENT = range(3)


class TripletBatches(OrderedBatches):
    """Batches of triplets, as many of each task, to learn one embedding a task from.

    The rows of a batch are anchor, positive, negative, anchor, positive, negative, …, the triplets
    of the first task before those of the second: what `TripletLoss` and `TripletAccuracy` take.
    They come from the labels of each task, drawn anew for every batch as `sample_triplets` does, or
    from triplets that are given: these are taken in an order that each epoch shuffles anew, and
    again in another one when a task has come through all of its own. For validation, see `shuffle`.

    A batch is a pure function of (`seed`, `epoch`, number of the batch): a run that starts with
    `epoch=k` sees the batches that an uninterrupted run sees from its epoch k on. As for
    `ArrayBatches`, call `fit` with `shuffle=False`, and see there how to tie the epoch to `fit`'s
    own count. What a task draws depends on its name and not on the other tasks: a network of one
    task sees the very triplets that the network of all sees for that task, given the same
    `batches_per_epoch`.

    Args:
        images: Array or `LazyArray` (N, H, W, 3).
        labels: Dict from a task's name, a string, to integers (N,), -1 where unknown.
        triplets: Dict from a task's name to integers (K, 3), the numbers of images; instead of
            `labels`.
        triplets_per_task: Triplets of each task in a batch, P.
        batches_per_epoch: By default as many as hold N rows of each task, or, of given triplets,
            all those of the task that has most.
        shuffle: Whether every epoch has batches of its own. Otherwise all have those of epoch 0,
            pictures changed by `augment` included, and triplets that are given come in the given
            order: what validation needs, as Keras ends an epoch with every evaluation.
        seed: Integer >= 0.
        epoch: The epoch to start with, counted from 0. It can be set at any time.
        task_input: Whether the model takes the task, too.
        dtype: Type of the images; their values stay the same.
        augment: Callable `(images, targets, rng) -> (images, targets)`, such as those of
            `keras_mtl.augmentation`. It is handed the images of one task at a time, an empty dict,
            and a generator of that task and batch.
        **kwargs: As of `keras.utils.PyDataset`. `workers` above 1 and `use_multiprocessing` are for
            a `LazyArray`, as of `ArrayBatches`, and refused for an array in memory.

    Batches:
        `((images, task), task)`, or `(images, task)` without `task_input`; images (R, H, W, 3) and
        task int32 (R,), its place in the order of the dict, R = tasks · P · 3.

    Attributes:
        tasks: List of the names, in the order of the dict.

    Raises:
        ValueError: An argument is out of range or of another form, or labels allow no triplet.

    Source: Zhao et al., A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval, ECCV 2018: batches of 7 tasks with 8 triplets each.

    Example:

    >>> from keras_mtl.datasets import TripletBatches
    >>> images = np.zeros((6, 32, 32, 3), "uint8")
    >>> labels = {"smile": np.array([0, 0, 0, 1, 1, 1]), "hat": np.array([0, 1, 0, 1, -1, -1])}
    >>> (images, task), y_true = TripletBatches(images, labels, triplets_per_task=1)[0]
    >>> images.shape, task
    ((6, 32, 32, 3), array([0, 0, 0, 1, 1, 1], dtype=int32))
    """

    def __init__(
        self,
        images: Array | LazyArray,
        labels: Mapping[str, ArrayLike] | None = None,
        triplets: Mapping[str, ArrayLike] | None = None,
        triplets_per_task: int = 8,
        batches_per_epoch: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        epoch: int = 0,
        task_input: bool = True,
        dtype: DTypeLike = "float32",
        augment: Augmentation | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(images, np.ndarray):
            refuse_workers(kwargs, "the batches are rows of arrays in memory")
        if (labels is None) == (triplets is None):
            raise ValueError(
                "One of `labels` and `triplets` must be given. "
                f"Received: {'neither' if labels is None else 'both'}."
            )
        name, given = ("labels", labels) if triplets is None else ("triplets", triplets)
        if not isinstance(given, dict) or not given:
            raise ValueError(
                f"`{name}` must be a dict from task names to arrays. "
                f"Received: {given if isinstance(given, dict) else type(given).__name__}."
            )
        if not all(isinstance(task, str) for task in given):
            raise ValueError(f"`{name}` must have strings as names. Received: {list(given)}.")
        if augment is not None and not callable(augment):
            raise ValueError(f"`augment` must be a callable or None. Received: {augment!r}.")
        self.images = images
        self.tasks = list(given)
        self.triplets_per_task = check_integer("triplets_per_task", triplets_per_task, 1)
        self.task_input = task_input
        self.dtype = dtype
        self.augment = augment
        self._groups = {
            task: _groups(f"labels[{task!r}]", values, len(images))
            for task, values in (labels or {}).items()
        }
        self._triplets = {
            task: _given(f"triplets[{task!r}]", values, len(images))
            for task, values in (triplets or {}).items()
        }
        self._cached_orders = {}
        if batches_per_epoch is None:
            rows = len(images) if labels else 3 * max(map(len, self._triplets.values()))
            batches_per_epoch = -(-rows // (3 * self.triplets_per_task))
        batches_per_epoch = check_integer("batches_per_epoch", batches_per_epoch, 1)
        # What has a place in an epoch is a batch.
        super().__init__(batches_per_epoch, 1, shuffle, seed, epoch, False, **kwargs)

    def order(self, epoch: int | None = None) -> Array:
        """The numbers of the batches: another epoch has others, not the same in a new order."""
        return np.arange(self.num_samples)

    def triplets_of(self, task: str, epoch: int, index: int) -> Array:
        """The triplets of a task in batch `index` of an epoch: integers (P, 3)."""
        if self._groups:
            rng = self._generator_of(task, _DRAW, epoch, index)
            return self._groups[task].triplets(self.triplets_per_task, rng)
        triplets = self._triplets[task]
        places = index * self.triplets_per_task + np.arange(self.triplets_per_task)
        rounds, places = np.divmod(places, len(triplets))
        return np.concatenate(
            [
                triplets[self._order_of(task, epoch, each)[places[rounds == each]]]
                for each in np.unique(rounds).tolist()
            ]
        )

    def _make(self, epoch, index):
        images = [self._images_of(task, epoch, index) for task in self.tasks]
        images = np.concatenate(images)
        rows = 3 * self.triplets_per_task
        task = np.repeat(np.arange(len(self.tasks), dtype="int32"), rows)
        return ((images, task), task) if self.task_input else (images, task)

    def _images_of(self, task, epoch, index):
        rows = self.triplets_of(task, epoch, index).ravel()
        images = np.asarray(self.images[rows], self.dtype)
        if self.augment is None:
            return images
        return self.augment(images, {}, self._generator_of(task, _AUGMENT, epoch, index))[0]

    def _order_of(self, task, epoch, round_of_epoch):
        """The order of a task's given triplets when they are taken for the n-th time."""
        if not self.shuffle:
            return np.arange(len(self._triplets[task]))
        key = (epoch, round_of_epoch)
        # Read once, as in `OrderedBatches.order`.
        cached_key, order = self._cached_orders.get(task, (None, None))
        if cached_key != key:
            order = self._generator_of(task, _ORDER, *key).permutation(len(self._triplets[task]))
            self._cached_orders[task] = (key, order)
        return order

    def _generator_of(self, task, use, epoch, number):
        # Python's own `hash` of a string differs between runs.
        key = (zlib.crc32(task.encode()), use, epoch if self.shuffle else 0, number)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def _groups(name, labels, num_images):
    if len(labels) != num_images:
        raise ValueError(
            f"`{name}` must have one entry for each of the {num_images} images. "
            f"Received: {len(labels)} entries."
        )
    return LabelGroups(labels, name)


def _given(name, triplets, num_images):
    triplets = np.asarray(triplets)
    check_triplets(name, triplets, num_images)
    if not len(triplets):
        raise ValueError(f"`{name}` must hold a triplet or more. Received: none.")
    return triplets
