"""Arrays in memory as batches for several tasks."""

import keras
import numpy as np

from ._check_integer import check_integer


class ArrayBatches(keras.utils.PyDataset):
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

    Args:
        images: Array (N, ...).
        targets: Dict from a task's name to an array (N, ...). Integers come out as int32, floats
            as they are.
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
            `use_multiprocessing` are refused: choosing rows of arrays in memory gains nothing
            from them, and reading ahead hides where an epoch ends.

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
        images,
        targets,
        batch_size,
        shuffle=True,
        seed=0,
        epoch=0,
        drop_remainder=False,
        dtype="float32",
        augment=None,
        **kwargs,
    ):
        if kwargs.get("workers", 1) > 1 or kwargs.get("use_multiprocessing"):
            raise ValueError(
                "Expected `workers` <= 1 and `use_multiprocessing` False: the batches are rows "
                f"of arrays in memory. Received: {kwargs}"
            )
        super().__init__(**kwargs)
        if not isinstance(targets, dict) or not targets:
            raise ValueError(
                "Expected `targets` to be a dict from task names to arrays. "
                f"Received: targets of type {type(targets).__name__}"
            )
        for name, values in targets.items():
            if len(values) != len(images):
                raise ValueError(
                    f"Expected `targets[{name!r}]` to have one entry for each of the "
                    f"{len(images)} images. Received: {len(values)} entries"
                )
        self.images = images
        self.targets = dict(targets)
        if augment is not None and not callable(augment):
            raise ValueError(f"`augment` must be a callable or None. Received: {augment!r}")
        self.batch_size = check_integer("batch_size", batch_size, 1)
        self.shuffle = shuffle
        self.seed = check_integer("seed", seed, 0)
        self.epoch = epoch
        self.drop_remainder = drop_remainder
        self.dtype = dtype
        self.augment = augment
        self._last_was_read = False
        self._cached_order = (None, None)
        if not len(self):
            raise ValueError(
                f"Expected at least one batch of {self.batch_size}. "
                f"Received: {len(images)} images, drop_remainder={drop_remainder}"
            )

    @property
    def epoch(self):
        """The epoch whose order is in force, counted from 0."""
        return self._epoch

    @epoch.setter
    def epoch(self, value):
        self._epoch = check_integer("epoch", value, 0)
        self._last_was_read = False

    def order(self, epoch=None):
        """The numbers of the samples (N,) in the order of an epoch, by default the present."""
        epoch = self.epoch if epoch is None else epoch
        if not self.shuffle:
            return np.arange(len(self.images))
        # Read once: a thread that reads ahead may put in another epoch's order meanwhile.
        cached_epoch, order = self._cached_order
        if cached_epoch != epoch:
            stream = np.random.SeedSequence(self.seed, spawn_key=(epoch,))
            order = np.random.default_rng(stream).permutation(len(self.images))
            self._cached_order = (epoch, order)
        return order

    def __len__(self):
        if self.drop_remainder:
            return len(self.images) // self.batch_size
        return -(-len(self.images) // self.batch_size)

    def __getitem__(self, index):
        """Batch `index` of the present epoch: (images, {task: target})."""
        if not 0 <= index < len(self):
            raise IndexError(f"Expected a batch from 0 to {len(self) - 1}. Received: {index}")
        rows = self.order()[index * self.batch_size : (index + 1) * self.batch_size]
        images = np.asarray(self.images[rows], self.dtype)
        targets = {name: _as_target(values[rows]) for name, values in self.targets.items()}
        if self.augment is not None:
            # A child of the order's stream, and so independent of it.
            stream = np.random.SeedSequence(self.seed, spawn_key=(self.epoch, index))
            images, targets = self.augment(images, targets, np.random.default_rng(stream))
        if index == len(self) - 1:
            self._last_was_read = True
        return images, targets

    def on_epoch_end(self):
        """Goes on to the next epoch, if the present one has been read to its end.

        `fit` also calls this before its first epoch, having read a batch or two to build the
        model: that must not count.
        """
        if self._last_was_read:
            self.epoch += 1


def _as_target(values):
    # Unsigned integers are masks to some backends, and unknown to some losses.
    return values.astype("int32") if values.dtype.kind in "iu" else values
