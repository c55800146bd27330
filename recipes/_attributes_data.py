"""Attributes of objects, each a task: crops of the objects, and what is true of each."""

from keras_mtl.datasets import rooms
from recipes._objects import load_objects
from recipes._only_rooms import only_rooms


class AttributesData:
    """Training, validation and test crops, dicts of `image` and `attributes`.

    Args:
        name: `"rooms"`.
        settings: the `AttributesSettings`.
    """

    def __init__(self, name, settings):
        only_rooms(name)
        self.attribute_names = rooms.ATTRIBUTES
        self.train = _crops("train", settings.train_images, settings)
        self.validation = _crops("validation", settings.validation_images, settings)
        self.test = _crops("test", settings.test_images, settings)


def _crops(split, num_images, settings):
    objects = load_objects(split, num_images, settings)
    return {"image": objects["image"], "attributes": objects["attributes"].astype("float32")}
