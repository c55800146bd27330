"""What the TFDS builders of data sets have in common whose files a user has to get."""

import io
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from keras_mtl._text import progress_bar

from ._scaling import pillow


class ManualBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):
    """Base class: a subclass defines `_features` and `_splits`.

    Pictures are kept as the bytes of their files, so that preparing loses nothing, and in the order
    of the published lists. They are written file by file of `SHARD_ROWS` examples: TFDS's usual
    builder collects a split in memory, and beyond 1 GB by TensorFlow, which is not needed here.
    """

    # To be raised with every change of what is written, or files of before would be taken for it.
    VERSION = tfds.core.Version("1.0.0")
    SHARD_ROWS = 64

    @property
    def MANUAL_DOWNLOAD_INSTRUCTIONS(self):
        """The data set's README, which says where the files are from."""
        return (self._get_pkg_dir_path() / "README.md").read_text(encoding="utf-8")

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(self._features()),
            # What is small but wanted for all examples at once: a builder may fill it in.
            metadata=tfds.core.MetadataDict(),
            disable_shuffling=True,
        )

    def _shard_iterators_per_split(self, dl_manager):
        splits = self._splits(Path(dl_manager.manual_dir))
        shards = {}
        for split, (items, example) in splits.items():
            bar = _Bar(f"{self.name}, {split}", len(items))
            starts = range(0, max(1, len(items)), self.SHARD_ROWS)
            shards[split] = [
                partial(_shard, items, example, range(start, start + self.SHARD_ROWS), bar)
                for start in starts
            ]
        return shards

    def _features(self):
        """A dict from name to TFDS feature."""
        raise NotImplementedError

    def _splits(self, folder):
        """Of the files in a folder, a dict from split to `(items, example)`.

        `items` is a list, in the order that the examples shall have, and `example` the function of
        an item that reads and checks its files: it returns a dict of the features.
        """
        raise NotImplementedError


def _shard(items, example, rows, bar):
    for row in rows[: len(items) - rows.start]:
        yield row, example(items[row])
        bar.update(row + 1)


class _Bar:
    """Progress in examples, which begins, with a title, when the first of them is done."""

    def __init__(self, title, count):
        self._title, self._count = title, count

    def update(self, current):
        if current == 1:
            print(f"Preparing {self._title}, once:", flush=True)
            self._bar = progress_bar(self._count, "example")
        self._bar.update(current)


def encoded(shape=(None, None, 3), dtype=np.uint8, encoding="png"):
    """A picture or a map, kept as the bytes of its file."""
    return tfds.features.Image(shape=shape, dtype=dtype, encoding_format=encoding)


def png(values):
    """An array of uint8 or uint16 as the bytes of a PNG file."""
    file = io.BytesIO()
    # Higher levels take four times as long to write, for a tenth of the size.
    pillow().fromarray(values).save(file, "png", compress_level=1)
    return file.getvalue()
