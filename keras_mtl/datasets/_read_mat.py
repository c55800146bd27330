"""Numbers in MATLAB's files of version 5, read without leaving Python.

SciPy's reader does not check what a file declares: a damaged one can end the process.
"""

import math
import zlib

import numpy as np

HEADER, VERSION = 128, 0x100
BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
"""By the characters "MI" as a number of two bytes."""

# Types of elements.
NUMBERS = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"},
    16: "u1",  # UTF-8
}
MATRIX, COMPRESSED = 14, 15
# Classes of arrays: cells to sparse ones, which are known by name alone, then numbers.
NAMED, STRUCT, NUMERIC = range(1, 16), 2, range(6, 16)
COMPLEX = 0x800

MOST_BYTES = 2**28
"""What the variable of a few bytes may unpack to: far more than lists of numbers take."""


def read_mat(path):
    """The arrays of a MATLAB file of version 5 (those of version 7.3 are HDF5) by name.

    Args:
        path: The file.

    Returns:
        A dict from name to array, in the type and with the axes of the file. A struct of one
        element is a dict from field to array; what is neither a real array of numbers nor such a
        struct is `None`.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is cut, or no such file.
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        order = BYTE_ORDERS.get(content[HEADER - 2 : HEADER])
        if order is None or _integers(content[HEADER - 4 : HEADER - 2], f"{order}u2") != [VERSION]:
            raise ValueError("it does not begin as such a file of version 5")
        return dict(_variables(memoryview(content)[HEADER:], order))
    except (ValueError, zlib.error) as error:
        raise ValueError(f"{path} must be a whole MATLAB file: {error}") from error


def _variables(data, order):
    for kind, content in _elements(data, order):
        if kind == COMPRESSED:
            kind, content = next(_elements(_unpacked(content), order), (None, None))
        if kind != MATRIX:
            raise ValueError(f"a variable must be a matrix, and one is of type {kind}")
        yield _matrix(content, order, fields=True)


def _unpacked(content):
    reader = zlib.decompressobj()
    unpacked = reader.decompress(content, MOST_BYTES)
    if not reader.eof:
        raise ValueError(f"a variable is cut, or has more than {MOST_BYTES:,} bytes")
    return memoryview(unpacked)


def _elements(data, order):
    """Pairs of the type and the bytes of the elements that stand one behind the other."""
    while len(data):
        if len(data) < 8:
            raise ValueError(f"{len(data)} bytes are no element")
        kind, size = _integers(data[:8], f"{order}u4")
        if kind >> 16:  # Small ones have both in one number, and their bytes behind it.
            kind, size, start, end = kind & 0xFFFF, kind >> 16, 4, 8
        else:
            # Elements begin at every eighth byte, but for packed ones.
            start, end = 8, 8 + size + (0 if kind == COMPRESSED else -size % 8)
        if start + size > min(end, len(data)):
            raise ValueError(f"an element of {size:,} bytes does not fit into {len(data):,}")
        yield kind, data[start : start + size]
        data = data[end:]


def _matrix(data, order, fields):
    """The name and the values of a matrix; of a struct in a struct there are none."""
    elements = _elements(data, order)
    flags = _numbers(elements, order)
    kind = int(flags[0]) & 0xFF if flags.size else 0
    if kind not in NAMED:
        return "", None
    shape, name = _numbers(elements, order).tolist(), _text(elements, order)
    if kind == STRUCT and fields and math.prod(shape) == 1:
        (length,) = _numbers(elements, order).tolist()
        names = _text(elements, order)
        if length < 1 or len(names) % length:
            raise ValueError(f"fields of {length} characters do not fit into {len(names)}")
        names = [names[start : start + length] for start in range(0, len(names), length)]
        return name, {each.split("\0")[0]: _field(elements, order) for each in names}
    if kind not in NUMERIC or int(flags[0]) & COMPLEX:
        return name, None
    values = _numbers(elements, order)
    if min(shape, default=0) < 0 or math.prod(shape) != values.size:
        raise ValueError(f"{name} must have the shape {shape}, and has {values.size} numbers")
    return name, values.reshape(shape, order="F")


def _field(elements, order):
    kind, content = next(elements, (None, None))
    if kind != MATRIX:
        raise ValueError(f"a field must be a matrix, and one is of type {kind}")
    return _matrix(content, order, fields=False)[1] if len(content) else None


def _numbers(elements, order):
    kind, content = next(elements, (None, b""))
    if kind not in NUMBERS:
        raise ValueError(f"where numbers should be is an element of type {kind}")
    return np.frombuffer(content, f"{order}{NUMBERS[kind]}")


def _text(elements, order):
    return _numbers(elements, order).astype("u1").tobytes().decode("latin-1")


def _integers(data, dtype):
    return np.frombuffer(data, dtype).tolist()
