"""Detection and attributes: pictures, boxes, and regions that may hold an object."""

import numpy as np

from keras_mtl.datasets import rooms, voc2008_attributes
from keras_mtl.proposals import jittered_boxes, selective_search

TASKS = PAIR = ("detection", "attributes")
DATA_SETS = ("rooms", "voc2008_attributes")
COLUMNS = {
    "detection": {"det mAP": ("mean_ap", 100)},
    "attributes": {"attr mAP": ("mean_ap", 100)},
}
HEADLINES = {"detection": "mean_ap", "attributes": "mean_ap"}


class DetectionData:
    """Training and test data as dicts of lists with an entry for each picture.

    Args:
        name: one of `DATA_SETS`.
        settings: the `DetectionSettings`.
        data_dir: folder of the data set's files; `rooms` has none.
        cache_dir: folder for what is made of them.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        if name == "rooms":
            self.class_names = rooms.CLASSES[FIRST_OBJECT:]
            self.attribute_names = rooms.ATTRIBUTES
            self.interpolation = "area"
            load = _rooms
        else:
            self.class_names = voc2008_attributes.CLASSES
            self.attribute_names = voc2008_attributes.ATTRIBUTES
            self.interpolation = "11-point"  # as VOC 2008 was scored
            load = _voc2008_attributes
        self.train = load("train", settings.train_images, settings, data_dir, cache_dir)
        self.test = load("test", settings.test_images, settings, data_dir, cache_dir)
        self.test["truths"] = [
            {"boxes": boxes, "classes": classes, "difficult": difficult}
            for boxes, classes, difficult in zip(
                self.test["boxes"], self.test["classes"], self.test["difficult"], strict=True
            )
        ]


FIRST_OBJECT = 3
"""Walls, floors and ceilings are no objects."""


def _rooms(split, num_images, settings, data_dir, cache_dir):
    """Proposals around the true boxes: `rooms` stands for data with a good proposal method."""
    (size, _) = settings.canvas
    loaded = rooms.load(split, size, num_images, cache_dir=cache_dir)
    boxes = [of_image[:, :4].astype("float32") for of_image in loaded["boxes"]]
    stream = np.random.SeedSequence(0, spawn_key=(("train", "validation", "test").index(split),))
    return {
        "image": loaded["image"],
        "boxes": boxes,
        # 0 is the background.
        "classes": [of_image[:, 4] - FIRST_OBJECT + 1 for of_image in loaded["boxes"]],
        "attributes": loaded["attributes"],
        "difficult": [np.zeros(len(of_image), bool) for of_image in boxes],
        "proposals": [
            jittered_boxes(of_image, (size, size), settings.proposals, np.random.default_rng(seed))
            for of_image, seed in zip(boxes, stream.spawn(num_images), strict=True)
        ],
    }


def _voc2008_attributes(split, num_images, settings, data_dir, cache_dir):
    loaded = voc2008_attributes.load(
        split,
        data_dir,
        shortest_side=settings.shortest_side,
        longest_side=max(settings.canvas),
        num_images=num_images,
        cache_dir=cache_dir,
    )
    proposals, kept = [], f"{cache_dir or data_dir}/proposals"
    for number, image in enumerate(loaded["image"], 1):
        proposals.append(selective_search(image, kept, max_boxes=settings.proposals))
        if number % 100 == 0 or number == len(loaded["image"]):
            print(f"selective search: {number} of {len(loaded['image'])} pictures", flush=True)
    return {**loaded, "proposals": proposals}
