"""Writes .caffemodel files, byte by byte, by the published field numbers."""

from pathlib import Path

import numpy as np


def varint(value):
    value %= 1 << 64
    if value < 128:
        return bytes([value])
    return bytes([value & 127 | 128]) + varint(value >> 7)


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def shape(sides, packed=True):
    if packed:
        return message(7, message(1, b"".join(map(varint, sides))))
    return message(7, b"".join(number(1, side) for side in sides))


def values(array, packed=True, double=False):
    """Field 5 or 8 of a blob."""
    field, wire, size = (8, 1, 8) if double else (5, 5, 4)
    content = array.astype(f"<f{size}").tobytes()
    if packed:
        return message(field, content)
    tag = varint(field << 3 | wire)
    return b"".join(tag + content[at : at + size] for at in range(0, len(content), size))


def blob(array, version="V2", packed=True, double=False):
    array = np.asarray(array)
    if version in ("V2", "V1"):
        return shape(array.shape, packed) + values(array, packed, double)
    sides = (1, 1, 1, 1, *array.shape)[-4:]
    sides = b"".join(number(field, side) for field, side in enumerate(sides, start=1))
    return sides + values(array, packed, double)


def layer(name, blobs, version="V2", packed=True, double=False):
    """A field of the network; the version is that of `write_caffemodel`."""
    blobs = [blob(array, version, packed, double) for array in blobs]
    if version == "V2":
        content = message(1, name.encode()) + message(2, b"Convolution")
        return message(100, content + b"".join(message(7, each) for each in blobs))
    if version == "V0":
        content = message(1, name.encode()) + message(2, b"conv")
        return message(2, message(1, content + b"".join(message(50, each) for each in blobs)))
    content = message(4, name.encode()) + number(5, 4)
    return message(2, content + b"".join(message(6, each) for each in blobs))


def write_caffemodel(path, layers, version="V2", packed=True, double=False):
    """Writes the arrays of each layer.

    Args:
        path: The file.
        layers: Dict from a layer's name to its list of arrays.
        version: "V2" writes fields `layer`, "V1" the older `layers`, both with shapes of any rank;
            "legacy" is V1 with the four sides of older blobs, ones first; "V0" is legacy with each
            layer nested in another message.
        packed: Arrays as one field, as Caffe writes them, or a field for each value.
        double: Values as float64.
    """
    fields = [layer(name, blobs, version, packed, double) for name, blobs in layers.items()]
    Path(path).write_bytes(message(1, b"net") + b"".join(fields))
