"""Objects, and in what they can be alike."""

import numpy as np

from keras_mtl.datasets import celeba, rooms, ut_zappos50k
from keras_mtl.datasets.rooms import COLORS, SHAPES, TEXTURES
from keras_mtl.recipes._objects import load_objects

TASKS = ("retrieval",)
COLUMNS = {
    "retrieval": {
        "triplets": ("triplet_accuracy", 100),
        "R@1": ("recall@1", 100),
        "mAP": ("mean_ap", 100),
        "UCR before": ("compliance_start", 100),
        "UCR after": ("compliance_end", 100),
    }
}
HEADLINES = {"retrieval": ("triplet_accuracy", "mean_ap")}

PROPERTIES = {
    "colour": tuple(COLORS),
    "texture": TEXTURES,
    "shape": SHAPES,
}
"""What an object has one of, each with its values, of which exactly one holds."""

BY_RANK = (
    *("white", "plain", "boxy", "large", "wood", "red", "truncated"),
    *("near", "fragmented", "small", "noise", "stripe", "cylindrical", "green", "grey", "beige"),
    *("black", "brown", "pink", "blue", "yellow", "checker", "round", "brick"),
)
"""The order in which attributes become tasks: of each sort a common one first, the rarest last."""


class RetrievalData:
    """Training and test pictures: dicts of `image` and of `labels`, for each task integers (M,).

    Published triplets are beside them as `triplets`, for each task integers (P, 3).

    Args:
        name: `"rooms"`, whose pictures are crops of objects, `"celeba"` or `"ut_zappos50k"`.
        settings: the `RetrievalSettings`.
        data_dir: folder of the data set's files; `rooms` has none.
        cache_dir: folder for what is made of them.
        labels: for rooms, function from attributes, bool (M, 24), kinds of objects, (M,), and the
            number of tasks to a dict from task to labels.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None, *, labels):
        if name == "rooms":
            self.train = _crops("train", settings.train_images, settings, cache_dir, labels)
            self.test = _crops("test", settings.test_images, settings, cache_dir, labels)
        else:
            load = _faces if name == "celeba" else _shoes
            self.train, self.test = load(settings, data_dir=data_dir, cache_dir=cache_dir)
        self.tasks = tuple(self.train["labels"])


def attribute_labels(attributes, kinds, num_tasks):
    """Each of the first attributes is a task: two objects are alike if both have it, or neither."""
    return {
        name: attributes[:, rooms.ATTRIBUTES.index(name)].astype("int32")
        for name in BY_RANK[:num_tasks]
    }


def property_labels(attributes, kinds, num_tasks):
    """Each property is a task: two objects are alike if they have the same value of it."""
    labels = {"kind": kinds.astype("int32")}
    for name, values in PROPERTIES.items():
        columns = [rooms.ATTRIBUTES.index(value) for value in values]
        labels[name] = attributes[:, columns].argmax(1).astype("int32")
    return dict(list(labels.items())[:num_tasks])


def _crops(split, num_images, settings, cache_dir, labels):
    # Of what covers a few pixels nobody could tell the colour.
    objects = load_objects(split, num_images, settings, settings.smallest, cache_dir)
    known = labels(objects["attributes"], objects["kind"], settings.num_tasks)
    return {"image": objects["image"], "labels": known}


def _faces(settings, **folders):
    """CelebA; a triplet needs faces with and without, so that even attributes come first."""
    parts = [
        celeba.load(split, **folders, size=settings.size, num_images=num_images)
        for split, num_images in (
            ("train", settings.train_images),
            ("test", settings.test_images),
        )
    ]
    uneven = np.abs(parts[0]["attributes"].mean(axis=0) - 0.5)
    columns = np.argsort(uneven, kind="stable")[: settings.num_tasks].tolist()
    for part in parts:
        attributes = part["attributes"].astype("int32")
        part["labels"] = {celeba.TASK_NAMES[column]: attributes[:, column] for column in columns}
    return parts


def _shoes(settings, **folders):
    """UT-Zappos50K with the triplets of conditional similarity networks, which name its splits."""
    parts = [
        ut_zappos50k.load(split, **folders, size=settings.size, triplets=True)
        for split in ("train", "test")
    ]
    for part in parts:
        for kind in ("labels", "triplets"):
            part[kind] = dict(list(part[kind].items())[: settings.num_tasks])
    return parts
