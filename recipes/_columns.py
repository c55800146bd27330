"""Arrays in memory and arrays that are read from disk, treated alike."""

from keras_mtl.datasets import LazyArray


def rows_of(column, rows):
    """Some rows of an array, without reading them if it is lazy."""
    return column.take(rows) if isinstance(column, LazyArray) else column[rows]


def per_image(function, images):
    """What a function of several images makes of all, one by one where they are lazy."""
    if isinstance(images, LazyArray):
        return images.map(lambda image: function(image[None])[0])
    return function(images)


def reading(images):
    """Options of batches: pictures that are read from disk are read ahead, by two threads."""
    return {"workers": 2} if isinstance(images, LazyArray) else {}
