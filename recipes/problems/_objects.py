"""The objects of `rooms`, each as a picture of its own."""

import numpy as np

from keras_mtl.datasets import object_crops, rooms


def load_objects(split, num_images, settings, smallest=1, cache_dir=None):
    """Crops of the objects of a split's first pictures, and what is known of them.

    Args:
        split, num_images: as of `rooms.load`.
        settings: their `picture_size`, and the `size` of crops, in pixels.
        smallest: sides that an object must have at least to be taken, in pixels of the picture.
        cache_dir: as of `rooms.load`.

    Returns:
        A dict of `image`, uint8 (M, size, size, 3), `attributes`, bool (M, 24), and `kind`, the
        class of the object, (M,).
    """
    loaded = rooms.load(split, settings.picture_size, num_images, cache_dir=cache_dir)
    boxes, attributes = [], []
    for of_image, values in zip(loaded["boxes"], loaded["attributes"], strict=True):
        sides = of_image[:, 2:4] - of_image[:, :2]
        taken = sides.min(axis=1) >= smallest
        boxes.append(of_image[taken])
        attributes.append(values[taken])
    return {
        "image": object_crops(loaded["image"], boxes, settings.size),
        "attributes": np.concatenate(attributes),
        "kind": np.concatenate(boxes)[:, 4],
    }
