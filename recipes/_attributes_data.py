"""Attributes, each a task: pictures of objects or faces, and what is true of each."""

from keras_mtl.datasets import celeba, rooms
from keras_mtl.recipes._objects import load_objects

TASKS = ("attributes",)
DATA_SETS = ("rooms", "celeba")
COLUMNS = {"attributes": {"accuracy": ("accuracy", 100), "mAP": ("mean_ap", 100)}}
HEADLINES = {"attributes": ("accuracy", "mean_ap")}


class AttributesData:
    """Training, validation and test pictures, dicts of `image` and `attributes`.

    Args:
        name: `"rooms"`, whose pictures are crops of objects, or `"celeba"`.
        settings: the `AttributesSettings`.
        data_dir: folder of CelebA's files.
        cache_dir: folder for what is made of the data set.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        load = _faces if name == "celeba" else _crops
        self.attribute_names = celeba.TASK_NAMES if name == "celeba" else rooms.ATTRIBUTES
        options = settings, data_dir, cache_dir
        self.train = load("train", settings.train_images, *options)
        self.validation = load("validation", settings.validation_images, *options)
        self.test = load("test", settings.test_images, *options)


def _crops(split, num_images, settings, data_dir, cache_dir):
    objects = load_objects(split, num_images, settings, cache_dir=cache_dir)
    return {"image": objects["image"], "attributes": objects["attributes"].astype("float32")}


def _faces(split, num_images, settings, data_dir, cache_dir):
    loaded = celeba.load(
        split, data_dir, size=settings.size, num_images=num_images, cache_dir=cache_dir
    )
    return {"image": loaded["image"], "attributes": loaded["attributes"].astype("float32")}
