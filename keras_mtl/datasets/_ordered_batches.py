"""The order that the batches of all data sets share: a pure function of (seed, epoch)."""

from typing import Any

import keras
import numpy as np

from keras_mtl._checks import check_integer
from keras_mtl._types import Array

from ._read_ahead import ReadAhead


class OrderedBatches(keras.utils.PyDataset):
    """Base class: a subclass defines `_make(epoch, index)`, from `_rows` and `_generator`.

    The reading ahead is not that of `keras.utils.PyDataset`, whose queue keeps what it had read
    when an epoch ended: it would hand out the first batches of `fit` twice, and each epoch's last
    ones in the next.

    Args:
        num_samples: Samples in all, N.
        batch_size, shuffle, seed, epoch, drop_remainder: As of `ArrayBatches`.
        workers, use_multiprocessing, max_queue_size: As of `keras.utils.PyDataset`.
    """

    def __init__(
        self,
        num_samples: int,
        batch_size: int,
        shuffle: bool,
        seed: int,
        epoch: int,
        drop_remainder: bool,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_samples = num_samples
        self.batch_size = check_integer("batch_size", batch_size, 1)
        self.shuffle = shuffle
        self.seed = check_integer("seed", seed, 0)
        self.epoch = epoch
        self.drop_remainder = drop_remainder
        self._cached_order: tuple[Any, Any] = (None, None)
        if not len(self):
            raise ValueError(
                f"`images` must fill at least one batch of {self.batch_size}. "
                f"Received: {num_samples} images, drop_remainder={drop_remainder}."
            )
        self._read_ahead = None
        if workers > 1 or (workers > 0 and use_multiprocessing):
            self._read_ahead = ReadAhead(workers, use_multiprocessing, max_queue_size)

    @property
    def epoch(self) -> int:
        """The epoch whose order is in force, counted from 0."""
        return self._epoch

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._epoch = check_integer("epoch", value, 0)
        self._last_was_read = False

    def order(self, epoch: int | None = None) -> Array:
        """The numbers of the samples (N,) in the order of an epoch, by default the present."""
        epoch = self.epoch if epoch is None else epoch
        if not self.shuffle:
            return np.arange(self.num_samples)
        # Read once: a thread that reads ahead may put in another epoch's order meanwhile.
        cached_epoch, order = self._cached_order
        if cached_epoch != epoch:
            stream = np.random.SeedSequence(self.seed, spawn_key=(epoch,))
            order = np.random.default_rng(stream).permutation(self.num_samples)
            self._cached_order = (epoch, order)
        return order

    def __len__(self) -> int:
        if self.drop_remainder:
            return self.num_samples // self.batch_size
        return -(-self.num_samples // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Batch `index` of the present epoch: (inputs, {name: target})."""
        if not 0 <= index < len(self):
            raise IndexError(f"`index` must be from 0 to {len(self) - 1}. Received: index={index}.")
        batch = self._at(self.epoch * len(self) + index)
        if index == len(self) - 1:
            self._last_was_read = True
        return batch

    def on_epoch_end(self) -> None:
        """Goes on to the next epoch, if the present one has been read to its end.

        `fit` also calls this before its first epoch, having read a batch or two to build the
        model: that must not count.
        """
        if self._last_was_read:
            self.epoch += 1

    def _at(self, position):
        """A batch by its place among those of all epochs, which may have been read ahead."""
        if self._read_ahead is None:
            return self._make_at(position)
        return self._read_ahead(self._make_at, position)

    def _make_at(self, position):
        return self._make(*divmod(position, len(self)))

    def _make(self, epoch, index):
        """Batch `index` of an epoch; depends on nothing else."""
        raise NotImplementedError

    def _rows(self, epoch, index):
        """The numbers of the samples in a batch."""
        return self.order(epoch)[index * self.batch_size : (index + 1) * self.batch_size]

    def _generator(self, epoch, index):
        """A NumPy generator for the draws of a batch."""
        # A child of the order's stream, and so independent of it.
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch, index)))
