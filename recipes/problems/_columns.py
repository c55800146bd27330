"""Columns in memory and columns that are read from disk, treated alike."""

import numpy as np

from keras_mtl.datasets import LazyArray


def rows_of(column, rows):
    """Some rows of an array or a list, without reading them if it is lazy."""
    if isinstance(column, LazyArray):
        return column.take(rows)
    return [column[row] for row in rows] if isinstance(column, list) else column[rows]


def per_image(function, images):
    """What a function of several images makes of all, one by one where they are lazy."""
    if isinstance(images, LazyArray):
        return images.map(lambda image: function(image[None])[0])
    return function(images)


def held_out(part, count):
    """So many of the training examples, at most an eighth, to choose by; and the others."""
    order = np.random.default_rng(0).permutation(len(part["image"]))
    drawn = min(count, max(1, len(order) // 8))
    return tuple(
        {name: rows_of(column, np.sort(rows)) for name, column in part.items()}
        for rows in (order[:drawn], order[drawn:])
    )
