"""Names of classes and attributes: a network's file has their number only."""

import dataclasses

from keras_mtl.cli._errors import CommandError
from keras_mtl.datasets import cityscapes_mtl, nyuv2, rooms, taskonomy, voc2008_attributes
from keras_mtl.recipes._detection_data import FIRST_OBJECT
from keras_mtl.recipes._retrieval_data import BY_RANK, PROPERTIES


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """What the networks that were trained on a data set know.

    Attributes:
        classes: names of the classes of pixels.
        objects: names of the classes of objects, without the background.
        attributes: names of the attributes of objects.
    """

    classes: tuple = ()
    objects: tuple = ()
    attributes: tuple = ()


VOCABULARIES = {
    "rooms": Vocabulary(rooms.CLASSES, rooms.CLASSES[FIRST_OBJECT:], rooms.ATTRIBUTES),
    "nyuv2": Vocabulary(nyuv2.CLASSES_40),
    "cityscapes_mtl": Vocabulary(cityscapes_mtl.CLASSES_19),
    "taskonomy": Vocabulary(taskonomy.CLASSES),
    "voc2008_attributes": Vocabulary(
        objects=voc2008_attributes.CLASSES, attributes=voc2008_attributes.ATTRIBUTES
    ),
}


def names(kind, count, data=None):
    """Names of so many classes.

    Args:
        kind: `"classes"`, `"objects"` or `"attributes"`.
        count: their number.
        data: name of the data set; by default the first that has so many.

    Returns:
        A list of names; numbers, if no data set has so many.

    Raises:
        CommandError: the data set that was asked for has another number.
    """
    of_kind = {each: getattr(words, kind) for each, words in VOCABULARIES.items()}
    if data is not None:
        if len(of_kind[data]) != count:
            raise CommandError(
                f"the network has {count} {kind}, --data {data} has {len(of_kind[data])}"
            )
        return list(of_kind[data])
    fitting = [known for known in of_kind.values() if len(known) == count]
    return list(fitting[0]) if fitting else [f"{kind[:-1]} {number}" for number in range(count)]


def notions(count):
    """Names of the notions of likeness of an embedding, as the recipes order them."""
    properties = ("kind", *PROPERTIES)
    known = properties if count <= len(properties) else BY_RANK
    return list(known[:count]) if count <= len(known) else [f"task {each}" for each in range(count)]
