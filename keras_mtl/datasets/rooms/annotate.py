"""From the visible objects to labels: segmentation, instances, boxes and attributes."""

import numpy as np

from .scene import LARGE, SMALL
from .vocabulary import ATTRIBUTES, COLORS, NUM_ROOM_CLASSES, SHAPES, TEXTURES, VOID


def annotate(scene, owner, depth):
    """Labels one picture.

    Args:
        scene: The `Scene`.
        owner: (size, size) the number of the object that each pixel shows.
        depth: (size, size) metres.

    Returns:
        A dict of `segmentation` uint8 and `instances` uint16 (size, size), `boxes` int32 (K, 6)
        with columns x1, y1, x2, y2 (exclusive), class, instance, and `attributes` bool (K, 24).
        Instance k (1..K) is row k - 1; 0 is the room itself and what is void.
    """
    size = len(owner)
    class_ids = np.array([thing.class_id for thing in scene.objects], np.uint8)
    segmentation = class_ids[owner]
    instances = np.zeros((size, size), np.uint16)
    visible = np.bincount(owner.ravel(), minlength=len(scene.objects))
    boxes, attributes = [], []
    for number in range(NUM_ROOM_CLASSES, len(scene.objects)):
        if not visible[number]:
            continue
        rows, columns = np.nonzero(owner == number)
        if visible[number] < min_pixels(size):
            # Too little is seen of it to say what it is, as in hand-labelled data.
            segmentation[rows, columns] = VOID
            continue
        instance = len(boxes) + 1
        instances[rows, columns] = instance
        x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        boxes.append((x1, y1, x2, y2, class_ids[number], instance))
        thing = scene.objects[number]
        mean_depth = depth[rows, columns].mean()
        attributes.append(_attributes(thing, boxes[-1][:4], visible[number], mean_depth, size))
    return {
        "segmentation": segmentation,
        "instances": instances,
        "boxes": np.array(boxes, np.int32).reshape(-1, 6),
        "attributes": np.array(attributes, bool).reshape(-1, len(ATTRIBUTES)),
    }


def min_pixels(size):
    """The fewest visible pixels that make an object worth annotating: 12 at 96 x 96."""
    return max(4, round(12 * (size / 96) ** 2))


def _attributes(thing, box, num_pixels, mean_depth, size):
    x1, y1, x2, y2 = box
    color = np.arange(len(COLORS)) == thing.color
    texture = np.arange(len(TEXTURES)) == thing.texture
    shape = np.arange(len(SHAPES)) == thing.shape
    rest = (
        thing.size == SMALL,
        thing.size == LARGE,
        x1 == 0 or y1 == 0 or x2 == size or y2 == size,
        mean_depth < 2,
        num_pixels < 0.55 * (x2 - x1) * (y2 - y1),
    )
    return np.concatenate((color, texture, shape, rest))
