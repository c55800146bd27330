"""Arrays as batches for several tasks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from keras_mtl._types import Array, Augmentation

from ._as_target import as_target
from ._ordered_batches import OrderedBatches
from ._refuse_workers import refuse_workers
from .lazy_array import LazyArray


class ArrayBatches(OrderedBatches):
    """Batches of images and any number of named targets, in a reproducible order.

    The order of an epoch is a pure function of (`seed`, `epoch`): a run that starts with
    `epoch=k` sees the batches that an uninterrupted run sees from its epoch k on.

    `fit` itself shuffles the batches of a `PyDataset` by Python's global `random`, unless it is
    called with `shuffle=False`: call it so for runs that can be repeated. The epoch advances
    when, at the end of an epoch, the last batch has been read; one pass over the data may take
    several of `fit`'s epochs if `steps_per_epoch` is set. To tie the order to `fit`'s own count
    of epochs, as `keras.callbacks.BackupAndRestore` needs it, set `epoch` in a callback:

    ```python
    sync = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: setattr(data, "epoch", epoch)
    )
    model.fit(data, epochs=20, shuffle=False, callbacks=[sync])
    ```

    **Workers.** For a `LazyArray`, such as of pictures that are read from disk, `workers` threads
    (above 1), or processes with `use_multiprocessing=True`, make the next `max_queue_size` batches;
    what comes out is the same without them. Take threads: decoding pictures leaves Python's lock,
    and each process starts Keras anew and hands every batch back through a pipe.

    Args:
        images: Array or `LazyArray` (N, ...).
        targets: Dict from a task's name to an array or `LazyArray` (N, ...). Integers come out as
            int32, floats as they are.
        batch_size: Samples a batch; the last batch may be smaller.
        shuffle: Whether every epoch has an order of its own; otherwise it is the arrays'.
        seed: Integer >= 0.
        epoch: The epoch to start with, counted from 0. It can be set at any time.
        drop_remainder: Whether to leave out a last batch that is not full.
        dtype: Type of the images; their values stay the same (0..255 for 8-bit pictures).
        augment: Callable `(images, targets, rng) -> (images, targets)` that changes each batch,
            such as those of `keras_mtl.augmentation`. It is handed the arrays as they would come
            out without it, and a NumPy generator that is a pure function of (`seed`, `epoch`,
            number of the batch): a run that is resumed sees the same pictures.
        **kwargs: As of `keras.utils.PyDataset`, but `workers` above 1 and
            `use_multiprocessing` are refused if all are arrays in memory: choosing their rows
            gains nothing from them.

    Raises:
        ValueError: If an argument is out of range or the lengths differ.

    Example:

    ```python
    data = ArrayBatches(images, {"segmentation": labels, "depth": depth}, batch_size=8)
    model.fit(data, shuffle=False)
    ```
    """

    def __init__(
        self,
        images: Array | LazyArray,
        targets: Mapping[str, Array | LazyArray],
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        epoch: int = 0,
        drop_remainder: bool = False,
        dtype: DTypeLike = "float32",
        augment: Augmentation | None = None,
        **kwargs: Any,
    ) -> None:
        in_memory = isinstance(targets, dict) and all(
            isinstance(each, np.ndarray) for each in (images, *targets.values())
        )
        if in_memory:
            refuse_workers(kwargs, "the batches are rows of arrays in memory")
        super().__init__(len(images), batch_size, shuffle, seed, epoch, drop_remainder, **kwargs)
        if not isinstance(targets, dict) or not targets:
            raise ValueError(
                "`targets` must be a dict from task names to arrays. "
                f"Received: targets of type {type(targets).__name__}."
            )
        for name, values in targets.items():
            if len(values) != len(images):
                raise ValueError(
                    f"`targets[{name!r}]` must have one entry for each of the "
                    f"{len(images)} images. Received: {len(values)} entries."
                )
        if augment is not None and not callable(augment):
            raise ValueError(f"`augment` must be a callable or None. Received: {augment!r}.")
        self.images = images
        self.targets = dict(targets)
        self.dtype = dtype
        self.augment = augment

    def _make(self, epoch, index):
        rows = self._rows(epoch, index)
        images = np.asarray(self.images[rows], self.dtype)
        targets = {name: as_target(values[rows]) for name, values in self.targets.items()}
        if self.augment is None:
            return images, targets
        return self.augment(images, targets, self._generator(epoch, index))
