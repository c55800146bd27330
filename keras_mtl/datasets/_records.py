"""Examples that TFDS has prepared on disk, read one by one."""

import contextlib
import errno
import importlib
import json
import os
import random
from pathlib import Path

from keras_mtl._checks import check_integer
from keras_mtl._extra import extra

from .lazy_array import LazyArray

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class Records:
    """The examples of a split, prepared from a folder of published files when there are none yet.

    Args:
        name: Name of the data set, which is that of its module.
        split: Name of the split, one of the data set's.
        data_dir: Folder of the published files.
        cache_dir: Folder of the prepared files; `prepared` in `data_dir` if `None`.
        num_examples: `num_images`: only the first so many; all if `None`.
        config: Name of the builder's configuration, if it has several.

    Raises:
        ImportError: TFDS is not installed.
        FileNotFoundError, ValueError: As of the data set's builder, in preparing; or
            `num_examples` is no integer above 0.
        OSError: The prepared files are damaged, or cannot be read or written; also when they are
            read.
    """

    def __init__(self, name, split, data_dir, cache_dir=None, num_examples=None, config=None):
        if num_examples is not None:
            check_integer("num_images", num_examples, 1)
        # Absolute, as pictures are read when the working directory may be another.
        data_dir = Path(data_dir).expanduser().absolute()
        cache_dir = Path(cache_dir or data_dir / "prepared").expanduser().absolute()
        builder = _prepared(name, data_dir, cache_dir, config)
        self._features = builder.info.features
        self._folder, self._metadata = builder.data_dir, builder.info.metadata
        # What is decoded, and to what size, is decided column by column.
        skip = dict.fromkeys(self._features, _tfds().decode.SkipDecoding())
        try:
            self._source = builder.as_data_source(split=split, decoders=skip)
        except (KeyError, RuntimeError) as error:
            raise _damaged(self._folder, error) from error
        length = len(self._source)
        self._length = length if num_examples is None else min(num_examples, length)

    def __len__(self):
        return self._length

    def noted(self, key):
        """What the builder has noted of all examples together, in its metadata."""
        if key not in self._metadata:
            raise _damaged(self._folder, f"the metadata have no {key}")
        return self._metadata[key]

    def column(self, *features, decode=None):
        """A `LazyArray` of what `decode` makes of some features of each example.

        Pictures come to `decode` as the bytes of their files. By default it returns the value of
        the one feature.
        """
        return LazyArray(_Column(self._source, self._features, features, decode), len(self))


class _Column:
    def __init__(self, source, features, names, decode):
        self._source, self._decode = source, decode
        self._names = {
            name: None if isinstance(features[name], _tfds().features.Image) else features[name]
            for name in names
        }

    def __call__(self, number):
        try:
            example = self._source[number]
            # As behind the end of a file that is cut.
            if all(value is None for value in example.values()):
                raise RuntimeError(f"record {number} is empty")
        except RuntimeError as error:
            raise _damaged(self._source.dataset_info.data_dir, error) from error
        values = [
            example[name] if feature is None else feature.decode_example_np(example[name])
            for name, feature in self._names.items()
        ]
        return values[0] if self._decode is None else self._decode(*values)


def _tfds():
    # TFDS needs the other two, but does not require them everywhere.
    modules = ("array_record", "importlib_resources", "tensorflow_datasets")
    return extra("Reading the papers' data needs TFDS", "data", *modules)


def _prepared(name, data_dir, cache_dir, config):
    tfds = _tfds()
    from google.protobuf.json_format import ParseError  # which TFDS brings

    module = importlib.import_module(f"keras_mtl.datasets.{name}.{name}_dataset_builder")

    def new_builder():
        try:
            return module.Builder(data_dir=cache_dir, config=config, file_format="array_record")
        except (ParseError, json.JSONDecodeError) as error:
            raise _damaged(cache_dir / name, error) from error

    builder = new_builder()
    # `is_prepared` would warn that it is not.
    if builder.data_path.exists():
        return builder
    if not data_dir.is_dir():
        raise FileNotFoundError(
            f"`data_dir` must be the folder of {name}'s files. Received: no {data_dir}.\n\n"
            f"{builder.MANUAL_DOWNLOAD_INSTRUCTIONS}"
        )
    try:
        with _draws_of_its_own():
            builder.download_and_prepare(
                download_config=tfds.download.DownloadConfig(manual_dir=data_dir)
            )
    except OSError as error:
        # Of processes that prepare at the same time all but the first fail in the end.
        builder = new_builder()
        if builder.data_path.exists():
            return builder
        if error.errno in READ_ONLY:
            raise OSError(
                error.errno,
                "`cache_dir` (of recipes `--cache-dir`) must be a folder that can be written, for "
                f"the prepared files; by default it is `prepared` in `data_dir`. Received: "
                f"{cache_dir}, where the system says: {error.strerror}",
            ) from error
        raise
    return builder


@contextlib.contextmanager
def _draws_of_its_own():
    """TFDS draws the name of its temporary folder: not the same in processes of the same seed.

    Nor must what is drawn afterwards depend on whether the data had been prepared before.
    """
    state = random.getstate()
    random.seed()
    try:
        yield
    finally:
        random.setstate(state)


def _damaged(folder, error):
    """The error of files that cannot be read: damaged, unless it is the system that failed."""
    # As array_record says it, such as of too many open files. A missing file is damage.
    if "() failed: " in str(error) and os.strerror(errno.ENOENT) not in str(error):
        return OSError(f"The prepared files in {folder} could not be read: {error}")
    return OSError(f"The prepared files are damaged; remove {folder} to prepare anew: {error}")
