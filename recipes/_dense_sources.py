"""Where the pictures of dense tasks come from: rendered rooms, or published data in a folder."""

import dataclasses
from functools import partial

import numpy as np

from keras_mtl.datasets import cityscapes_mtl, nyuv2, rooms, taskonomy
from keras_mtl.recipes._columns import rows_of


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set with targets for every pixel.

    Attributes:
        class_names: those of the segmentation.
        load: function of a split's name, `DenseSettings`, a number of pictures, and `data_dir` and
            `cache_dir`, that returns a dict of arrays, or of `LazyArray`s.
        test: name of the split that networks are tested on.
        validation: name of a split of its own, or `None`: then it is taken from the training's.
    """

    class_names: tuple
    load: object
    test: str = "test"
    validation: str | None = None


def _rooms(split, settings, num_images, data_dir, cache_dir):
    return rooms.load(split, settings.size, num_images, cache_dir=cache_dir)


def _published(reader, split, settings, num_images, **folders):
    return reader.load(split, **folders, shortest_side=settings.size, num_images=num_images)


def _cityscapes_mtl(*arguments, **folders):
    loaded = _published(cityscapes_mtl, *arguments, **folders)
    # What the papers call depth here; that of the sky is infinite.
    return {**loaded, "depth": loaded["inverse_depth"]}


SOURCES = {
    "rooms": Source(rooms.CLASSES, _rooms, validation="validation"),
    "nyuv2": Source(nyuv2.CLASSES_40, partial(_published, nyuv2)),
    # The test split's labels are not published.
    "cityscapes_mtl": Source(cityscapes_mtl.CLASSES_19, _cityscapes_mtl, test="validation"),
    "taskonomy": Source(taskonomy.CLASSES, partial(_published, taskonomy), validation="validation"),
}


def load_parts(name, settings, validation_images=0, **folders):
    """The pictures of a data set and their targets.

    Args:
        name: name of the data set, one of `SOURCES`.
        settings: the `DenseSettings`; pictures of published data keep their shape, and get `size`
            as their shorter side.
        validation_images: number of pictures to choose by. Where they are not published as such
            they are drawn from those of the training, at most an eighth, which lack them then.
        **folders: `data_dir` of the published files, and `cache_dir` for what is made of them.

    Returns:
        A dict of `train`, `test` and, if asked for, `validation`, each a dict of arrays.
    """
    source = SOURCES[name]
    parts = {
        "train": source.load("train", settings, settings.train_images, **folders),
        "test": source.load(source.test, settings, settings.test_images, **folders),
    }
    if validation_images and source.validation:
        parts["validation"] = source.load(source.validation, settings, validation_images, **folders)
    elif validation_images:
        order = np.random.default_rng(0).permutation(len(parts["train"]["image"]))
        drawn = min(validation_images, max(1, len(order) // 8))
        for part, rows in {
            "validation": np.sort(order[:drawn]),
            "train": np.sort(order[drawn:]),
        }.items():
            parts[part] = {
                column: rows_of(values, rows) for column, values in parts["train"].items()
            }
    return parts
