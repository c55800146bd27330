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
    """

    def __init__(self, name, settings, data_dir=None):
        load = _faces if name == "celeba" else _crops
        self.attribute_names = celeba.TASK_NAMES if name == "celeba" else rooms.ATTRIBUTES
        self.train = load("train", settings.train_images, settings, data_dir)
        self.validation = load("validation", settings.validation_images, settings, data_dir)
        self.test = load("test", settings.test_images, settings, data_dir)


def _crops(split, num_images, settings, data_dir):
    objects = load_objects(split, num_images, settings)
    return {"image": objects["image"], "attributes": objects["attributes"].astype("float32")}


def _faces(split, num_images, settings, data_dir):
    loaded = celeba.load(split, data_dir, size=settings.size, num_images=num_images)
    return {"image": loaded["image"], "attributes": loaded["attributes"].astype("float32")}
