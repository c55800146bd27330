"""Objects, and in what they can be alike."""

import numpy as np

from keras_mtl.datasets import object_crops, rooms
from keras_mtl.datasets.rooms import COLORS, SHAPES, TEXTURES

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
    """Training and test crops, dicts of `image` and, for each task, the labels (M,).

    Args:
        name: `"rooms"`.
        settings: the `RetrievalSettings`.
        labels: function from attributes, bool (M, 24), kinds of objects, (M,), and the number of
            tasks to a dict from task to labels.
    """

    def __init__(self, name, settings, labels):
        if name != "rooms":
            raise SystemExit(
                f"--data {name}: this version has no reader of that data set; rooms is built in."
            )
        self.train = _crops("train", settings.train_images, settings, labels)
        self.test = _crops("test", settings.test_images, settings, labels)
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


def _crops(split, num_images, settings, labels):
    loaded = rooms.load(split, settings.picture_size, num_images)
    # Of what covers a few pixels nobody could tell the colour.
    large = [
        np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) >= settings.smallest
        for boxes in loaded["boxes"]
    ]
    boxes, attributes = (
        [of_image[keep] for of_image, keep in zip(loaded[key], large, strict=True)]
        for key in ("boxes", "attributes")
    )
    return {
        "image": object_crops(loaded["image"], boxes, settings.size),
        "labels": labels(
            np.concatenate(attributes), np.concatenate(boxes)[:, 4], settings.num_tasks
        ),
    }
