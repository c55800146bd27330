"""Weights that Caffe has saved."""

import math
import os
from itertools import islice

import numpy as np

from keras_mtl._types import Array, PathLike
from keras_mtl.weights._hint import hint
from keras_mtl.weights._shown import cut
from keras_mtl.weights._wire_format import (
    BYTES,
    FIXED,
    VARINT,
    Malformed,
    fields,
    packed,
    varints,
)

# Numbers of the fields `name` and `blobs` in the three generations of layers; the second and third
# stand in the network's fields 2 and 100, the first within the second.
V0, V1, V2 = (1, 50), (4, 6), (1, 7)
LAYERS = {2: V1, 100: V2}
# Of a blob: its values as float and as double, its shape, and the four sides that were its shape
# before blobs had any number of axes.
VALUES = {5: "<f4", 8: "<f8"}
SHAPE, SIDES = 7, (1, 2, 3, 4)
# Caffe's own limits, and one on what a few bytes of a damaged file could ask for: layers have two
# or three blobs.
MOST_AXES, MOST_VALUES, MOST_BLOBS = 32, 2**31 - 1, 64
PROTOTXT = ": a .prototxt describes the layers, the weights are in another file."


def read_caffemodel(path: PathLike) -> dict[str, list[Array]]:
    """The weights of a .caffemodel, by the names of their layers.

    All of Caffe's formats are read: `layer`, the older `layers`, and within these the oldest.
    Neither Caffe nor Protocol Buffers is needed, and nothing in the file is executed. Memory is
    taken for values that are there, not for sizes that the file declares.

    The format has no end mark and no checksum: a file cut exactly between two layers cannot be told
    from a smaller whole one. Check that the layers you need are there.

    Args:
        path: The file.

    Returns:
        Dict from a layer's name to the list of its float32 arrays ("blobs"), in the order and with
        the shapes of the file; layers without any are left out. A convolution has its kernel
        (filters, channels, height, width) and its bias, a fully connected layer its matrix
        (units, features) and its bias. Old files write every shape with four axes, ones first.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is cut, damaged or no .caffemodel, no layer in it has weights, or two
            layers of one name have.

    Source: Jia et al., Caffe: Convolutional Architecture for Fast Feature Embedding, ACM
    Multimedia 2014; its caffe.proto.

    Example:

    ```python
    weights = read_caffemodel("bvlc_reference_caffenet.caffemodel")
    kernel, bias = weights["conv1"]  # (96, 3, 11, 11) and (96,)
    ```
    """
    return {name: blobs for name, blobs in read_layers(path).items() if blobs}


def read_layers(path):
    """As `read_caffemodel`, with the layers that have no weights; they stand in the file's order.

    Args:
        path: The file.

    Returns:
        Dict from a layer's name to the list of its float32 arrays, which may be empty.

    Raises:
        FileNotFoundError, ValueError: As `read_caffemodel`.
    """
    if os.path.getsize(path) == 0:
        raise ValueError(f"`path` must be a .caffemodel: {path} is empty and holds no weights.")
    try:
        layers = _network(memoryview(np.memmap(path, "uint8", "r")))
    except Malformed as error:
        raise ValueError(
            f"`path` must be a whole .caffemodel: {path} must have {error.expected} at byte "
            f"{error.offset}{error.where}. Received: {error.received}.{hint(path, PROTOTXT)}"
        ) from None
    if not any(layers.values()):
        raise ValueError(
            "`path` must be a .caffemodel with weights: "
            f"{path} holds no weights.{hint(path, PROTOTXT)}"
        )
    return layers


def _network(data):
    layers = {}
    for number, wire, value in fields(data, 0, len(data)):
        if wire == BYTES and number in LAYERS:
            name, blobs = _layer(data, value, LAYERS[number])
            if blobs and layers.get(name):
                raise Malformed(value[0], f"one layer {cut(name)!r} with weights", "another")
            if blobs or name not in layers:
                layers[name] = blobs
    return layers


def _layer(data, message, version):
    name, blobs = "", []
    try:
        for is_name, value in _names_and_blobs(data, message, version):
            if is_name:
                name = _text(data, *value)
            elif len(blobs) == MOST_BLOBS:
                raise Malformed(value[0], f"a layer of up to {MOST_BLOBS} blobs", "another")
            else:
                blobs.append(value)
        return name, [_blob(data, value) for value in blobs]
    except Malformed as error:
        error.where = f" in layer {cut(name)!r}" if name else ""
        raise


def _names_and_blobs(data, message, version):
    for number, wire, value in fields(data, *message):
        if wire == BYTES and number in version:
            yield number == version[0], value
        elif wire == BYTES and version == V1 and number == 1:
            yield from _names_and_blobs(data, value, V0)


def _text(data, start, end):
    try:
        return str(data[start:end], "utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(start, "a layer's name in UTF-8", bytes(data[start:end][:40])) from error


def _blob(data, message):
    sides, shape = {}, []
    values = {number: bytearray() for number in VALUES}
    for number, wire, value in fields(data, *message):
        if number in VALUES and (wire == BYTES or FIXED.get(wire) == VALUES[number]):
            numbers = packed(data, *value, VALUES[number]) if wire == BYTES else value
            with np.errstate(over="ignore", invalid="ignore"):
                values[number] += np.ascontiguousarray(numbers, "<f4").data
        elif number == SHAPE and wire == BYTES:
            shape += islice(_sizes(data, value), MOST_AXES + 1 - len(shape))
        elif number in SIDES and wire == VARINT:
            sides[number] = value
    # As Caffe does: of two ways to write the shape the older counts, of values the doubles.
    if sides:
        shape = [sides.get(side, 0) for side in SIDES]
    array = np.frombuffer(values[8] or values[5], "<f4").astype("float32", copy=False)
    # A negative size reads as one above 2^63. Zeros aside: NumPy limits the other sizes too.
    if len(shape) > MOST_AXES or math.prod(size or 1 for size in shape) > MOST_VALUES:
        sizes = [size - (size >> 63 << 64) for size in shape[: MOST_AXES + 1]]
        expected = f"a shape of up to {MOST_AXES} axes and {MOST_VALUES} values"
        raise Malformed(message[0], expected, sizes)
    if math.prod(shape) != array.size:
        expected = f"a blob of {math.prod(shape)} values, as its shape {tuple(shape)} says"
        raise Malformed(message[0], expected, f"{array.size} values")
    return array.reshape(shape)


def _sizes(data, message):
    for number, wire, value in fields(data, *message):
        if number == 1 and wire == BYTES:
            yield from varints(data, *value)
        elif number == 1 and wire == VARINT:
            yield value
