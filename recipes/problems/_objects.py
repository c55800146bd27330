"""Objects of `rooms` and faces of CelebA, each as a picture of its own."""

import numpy as np

from keras_mtl.datasets import celeba, object_crops, rooms


def load_objects(name, settings, data_dir, cache_dir, smallest=1):
    """Pictures of single objects, and their attributes.

    Args:
        name: `"rooms"` or `"celeba"`.
        settings: how many pictures there are, the `size` of the result in pixels and, of rooms, the
            `picture_size` of what objects are cut out of.
        data_dir, cache_dir: folders, as of `Problem.load`.
        smallest: sides that an object of a room must have at least to be taken, in pixels.

    Returns:
        A dict of `train`, `validation` and `test`, each a dict of `image`, uint8 (M, size, size,
        3), `attributes`, (M, A), and, of rooms, `kind`, the class of the object, (M,).
    """
    found = {}
    for part, count in settings.images.items():
        if name == "celeba":
            options = {"size": settings.size, "num_images": count, "cache_dir": cache_dir}
            found[part] = celeba.load(part, data_dir, **options)
            continue
        loaded = rooms.load(part, settings.picture_size, count, cache_dir=cache_dir)
        sides = [boxes[:, 2:4] - boxes[:, :2] for boxes in loaded["boxes"]]
        taken = [of_image.min(axis=1) >= smallest for of_image in sides]
        boxes, attributes = (
            [of_image[rows] for of_image, rows in zip(loaded[column], taken, strict=True)]
            for column in ("boxes", "attributes")
        )
        found[part] = {
            "image": object_crops(loaded["image"], boxes, settings.size),
            "attributes": np.concatenate(attributes),
            "kind": np.concatenate(boxes)[:, 4],
        }
    return found
