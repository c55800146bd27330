"""Attributes of objects, each a task: crops of the objects, and what is true of each."""

import numpy as np

from keras_mtl.datasets import object_crops, rooms


class AttributesData:
    """Training, validation and test crops, dicts of `image` and `attributes`.

    Args:
        name: `"rooms"`.
        settings: the `AttributesSettings`.
    """

    def __init__(self, name, settings):
        if name != "rooms":
            raise SystemExit(
                f"--data {name}: this version has no reader of that data set; rooms is built in."
            )
        self.attribute_names = rooms.ATTRIBUTES
        self.train = _crops("train", settings.train_images, settings)
        self.validation = _crops("validation", settings.validation_images, settings)
        self.test = _crops("test", settings.test_images, settings)


def _crops(split, num_images, settings):
    loaded = rooms.load(split, settings.picture_size, num_images)
    return {
        "image": object_crops(loaded["image"], loaded["boxes"], settings.size),
        "attributes": np.concatenate(loaded["attributes"]).astype("float32"),
    }
