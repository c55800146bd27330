"""The wire format of Protocol Buffers: a message is a run of numbered fields.

A message is given as the offsets (start, end) of its bytes in the file, so nothing is copied before
it is known to be wanted, and an error can name the byte it is about.
"""

import numpy as np

# Wire types: how a field's value is stored. The others, 3 and 4, are groups, which nobody writes.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED = {FIXED64: "<f8", FIXED32: "<f4"}
_RUN = 1 << 14  # The most values of fixed size that are yielded at once.


class Malformed(ValueError):
    """Bytes that break the format: where, what was expected, and what stands there."""

    def __init__(self, offset, expected, received):
        super().__init__(offset, expected, received)
        self.offset, self.expected, self.received = offset, expected, received
        self.where = ""  # For readers that know what the bytes belong to.


def fields(data, start, end):
    """Yields (number, wire type, value) of each field of a message.

    The value is an int for a varint and (start, end) for bytes. Values of fixed size come as an
    array, of all fields of the same number that follow one another: so are arrays stored that are
    not packed, and one Python float for each would cost seconds and many times the file's size.

    Args:
        data: Memoryview of the file's bytes.
        start, end: Offsets of the message.

    Raises:
        Malformed: A value leaves the message, a varint is too long, or a wire type is unknown.
    """
    at = start
    while at < end:
        tag, value_at = varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise Malformed(at, "a field number of 1 or more", "0")
        if wire == VARINT:
            value, after = varint(data, value_at, end)
        elif wire == BYTES:
            size, first = varint(data, value_at, end)
            _check_fits(data, first, size, end)
            value, after = (first, first + size), first + size
        elif wire in FIXED:
            size = int(FIXED[wire][-1])
            _check_fits(data, value_at, size, end)
            most = _RUN if value_at == at + 1 else 1  # Only tags of one byte are looked for.
            value = _run(data, value_at, min(most, (end - value_at + 1) // (size + 1)), FIXED[wire])
            after = at + len(value) * (size + 1) if most > 1 else value_at + size
        else:
            raise Malformed(at, "a field of wire type 0, 1, 2 or 5", f"type {wire}")
        yield number, wire, value
        at = after


def varint(data, at, end):
    """The unsigned integer of up to 64 bits at offset `at`, and the offset after it."""
    value = 0
    for place in range(10):
        _check_fits(data, at, place + 1, end)
        byte = data[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            break
    if byte >= 128 or value >= 1 << 64:
        raise Malformed(at, "an integer of up to 64 bits in up to 10 bytes", "a longer one")
    return value, at + place + 1


def varints(data, start, end):
    """Yields the integers of a packed field."""
    while start < end:
        value, start = varint(data, start, end)
        yield value


def packed(data, start, end, dtype):
    """View of the numbers of a packed field of fixed size."""
    size = np.dtype(dtype).itemsize
    if (end - start) % size:
        raise Malformed(start, f"a multiple of {size} bytes", f"{end - start}")
    return np.frombuffer(data, dtype, (end - start) // size, start)


def _run(data, value_at, most, dtype):
    """The values from offset `value_at` on that the same tag of one byte precedes."""
    fields = np.frombuffer(data, [("tag", "u1"), ("value", dtype)], most, value_at - 1)
    length = 1
    while True:  # Twice as far each time: where tags alternate, little is looked at in vain.
        same = fields["tag"][:length] == fields["tag"][0]
        if length >= most or not same.all():
            return fields["value"][: len(same) if same.all() else same.argmin()]
        length *= 2


def _check_fits(data, at, size, end):
    if size > end - at:
        rest = f"{end - at} until the message ends"
        if at + size > len(data):
            rest = f"{len(data) - at} until the file ends, which is cut or damaged"
        raise Malformed(at, f"{size} bytes", rest)
