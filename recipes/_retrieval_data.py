"""Objects, and in what they can be alike."""

from keras_mtl.datasets import rooms
from keras_mtl.datasets.rooms import COLORS, SHAPES, TEXTURES
from recipes._objects import load_objects
from recipes._only_rooms import only_rooms

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
        only_rooms(name)
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
    # Of what covers a few pixels nobody could tell the colour.
    objects = load_objects(split, num_images, settings, settings.smallest)
    known = labels(objects["attributes"], objects["kind"], settings.num_tasks)
    return {"image": objects["image"], "labels": known}
