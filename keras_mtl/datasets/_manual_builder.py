"""What the TFDS builders of data sets have in common whose files a user has to get."""

import io
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds


class ManualBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Base class: a subclass defines `_features` and `_examples_of_splits`.

    Pictures are yielded as the bytes of their files, so that preparing needs no TensorFlow and
    loses nothing, and examples keep the order in which they are yielded.
    """

    VERSION = tfds.core.Version("1.0.0")

    @property
    def MANUAL_DOWNLOAD_INSTRUCTIONS(self):
        """The data set's README, which says where the files are from."""
        return (self._get_pkg_dir_path() / "README.md").read_text()

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(self._features()),
            # What is small but wanted for all examples at once: a builder may fill it in.
            metadata=tfds.core.MetadataDict(),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        return self._examples_of_splits(Path(dl_manager.manual_dir))

    def _generate_examples(self):
        raise NotImplementedError  # `_examples_of_splits` makes the generators

    def _features(self):
        """A dict from name to TFDS feature."""
        raise NotImplementedError

    def _examples_of_splits(self, folder):
        """A dict from split to a generator of `(number, example)`, of the files in a folder."""
        raise NotImplementedError


def encoded(shape=(None, None, 3), dtype=np.uint8, encoding="png"):
    """A picture or a map, kept as the bytes of its file."""
    return tfds.features.Image(shape=shape, dtype=dtype, encoding_format=encoding)


def png(values):
    """An array of uint8 or uint16 as the bytes of a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    # Higher levels take four times as long to write, for a tenth of the size.
    Image.fromarray(values).save(file, "png", compress_level=1)
    return file.getvalue()
