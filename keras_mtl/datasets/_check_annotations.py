"""Boxes, classes, attributes and proposals of many pictures: checked once, where they enter."""

import numpy as np

from keras_mtl.boxes import check_boxes

from .sample_rois import check_lengths


def check_annotations(num_images, boxes, classes, attributes, proposals, difficult, num_classes):
    """Returns the annotations as a list of dicts, one for each picture, and the number A.

    Errors name the argument and the picture: `boxes[7]`.
    """
    none = [None] * num_images
    lists = {
        "boxes": boxes,
        "classes": classes,
        "attributes": none if attributes is None else attributes,
        "proposals": proposals,
        "difficult": none if difficult is None else difficult,
    }
    for name, values in lists.items():
        if len(values) != num_images:
            raise ValueError(
                f"`{name}` must have one entry for each of the {num_images} images. "
                f"Received: {len(values)} entries."
            )
    lists["attributes"] = [_numbers(values, n) for n, values in enumerate(lists["attributes"])]
    num_attributes = _num_attributes(lists["attributes"])
    pictures = []
    for number, values in enumerate(zip(*lists.values(), strict=True)):
        picture = dict(zip(lists, values, strict=True))
        for name in ("boxes", "proposals"):
            picture[name] = check_boxes(picture[name], f"{name}[{number}]")
        count = len(picture["boxes"])
        picture["classes"] = _check_classes(picture["classes"], number, num_classes)
        picture["attributes"] = _check_attributes(
            picture["attributes"], number, count, num_attributes
        )
        if picture["difficult"] is None:
            picture["difficult"] = np.zeros(count, bool)
        picture["difficult"] = np.asarray(picture["difficult"], bool)
        checked = {name: picture[name] for name in ("classes", "attributes", "difficult")}
        check_lengths(
            picture["boxes"], **{f"{name}[{number}]": value for name, value in checked.items()}
        )
        pictures.append(picture)
    return pictures, num_attributes


def _num_attributes(attributes):
    """A, from the first picture that tells; an empty list tells nothing."""
    shapes = (np.shape(values) for values in attributes if values is not None)
    return next((shape[1] for shape in shapes if len(shape) == 2), 0)


def _check_classes(classes, number, num_classes):
    array = np.asarray(classes)
    if array.ndim != 1 or (len(array) and (array.dtype.kind not in "iu" or array.min() < 1)):
        raise ValueError(
            f"`classes[{number}]` must be integers (K,) from 1 (0 is the background). "
            f"Received: {classes}"
        )
    if num_classes is not None and len(array) and array.max() > num_classes:
        raise ValueError(
            f"`classes[{number}]` must be from 1 to `num_classes`={num_classes}. "
            f"Received: {classes}"
        )
    return array.astype("int32")


def _numbers(attributes, number):
    if attributes is None:
        return None
    try:
        return np.asarray(attributes, "float32")
    except ValueError as error:  # Rows of several lengths, among others.
        raise ValueError(
            f"`attributes[{number}]` must be numbers (K, A). Received: {error}"
        ) from error


def _check_attributes(array, number, count, num_attributes):
    if array is None:
        return np.zeros((count, 0), "float32")
    if array.shape == (0,):
        array = array.reshape(0, num_attributes)
    if array.ndim != 2 or array.shape[1] != num_attributes:
        raise ValueError(
            f"`attributes[{number}]` must be of shape (K, {num_attributes}), as in the other "
            f"pictures. Received: shape {array.shape}"
        )
    wrong = ~np.isin(array, (-1, 0, 1))
    if wrong.any():
        raise ValueError(
            f"`attributes[{number}]` must be 0 or 1, or -1 where unknown. "
            f"Received: {array[wrong][0]}"
        )
    return array
