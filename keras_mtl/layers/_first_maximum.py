"""Where in rectangles of a map the maximum stands: range-maximum queries, all at once."""

import numpy as np
from keras import ops

# Three blocks of one of these lengths, the longest that fits, cover any range of cells. Two blocks
# would do with lengths 1, 3, 7, …, but twice as large a table, and memory takes most of the time.
BLOCK_LENGTHS = np.array([1, 4, 13, 40, 121, 364, 1093], "int32")
LONGEST_RANGE = 3 * int(BLOCK_LENGTHS[-1])
LEVEL_OF_LENGTH = np.searchsorted(BLOCK_LENGTHS, range(1, LONGEST_RANGE + 1), side="right") - 1
# Of an empty range too, so that every length has its place.
LEVEL_OF_LENGTH = np.append(0, LEVEL_OF_LENGTH).astype("int32")


def first_maximum(features, image, rows, columns):
    """Finds the maximum of every channel in rectangles of a map, without a loop over them.

    A sparse table (Bender and Farach-Colton, "The LCA Problem Revisited", LATIN 2000) on two axes
    that carries along where each maximum stands.

    Args:
        features: (B, H, W, C).
        image: int32 (R,), to which image a group of rectangles belongs.
        rows: two int32 (R, n): the first row of each range, and the row after its last.
        columns: two int32 (R, m), as `rows`. Of each range at most `LONGEST_RANGE` cells.

    Returns:
        int32 (R, n, m, C): for every rectangle of rows × columns the flat index, within its image,
        of the maximum, of equal ones the first in row-major order; any index if it is empty.
    """
    _, height, width, channels = ops.shape(features)
    # Half the memory where it suffices.
    small = None not in features.shape[1:3] and height * width < 2**15
    indices = ops.reshape(ops.arange(height * width, dtype="int32"), (1, height, width, 1))
    indices = ops.cast(indices, "int16" if small else "int32")
    table = features, ops.broadcast_to(indices, ops.shape(features))
    # Columns before rows: then the first maximum of a block is the first in row-major order.
    table, column_starts = _with_longer_blocks(table, axis=2)
    table, row_starts = _with_longer_blocks(table, axis=1)
    _, table_height, table_width, _ = ops.shape(table[0])
    table = [ops.reshape(each, (-1, channels)) for each in table]

    empty = (rows[0] >= rows[1])[:, :, None] | (columns[0] >= columns[1])[:, None, :]
    y = [row + table_height * image[:, None] for row in _cover(*rows, row_starts)]
    x = _cover(*columns, column_starts)

    def block(row, column):
        place = ops.where(empty, 0, table_width * row[:, :, None] + column[:, None, :])
        return [ops.take(each, place, axis=0) for each in table]

    best = None
    for column in x:
        strip = block(y[0], column)
        for row in y[1:]:
            strip = _first(strip, block(row, column))
        best = strip if best is None else _smaller_index(best, strip)
    return ops.cast(best[1], "int32")


def _with_longer_blocks(table, axis):
    """Appends, along an axis, the first maxima of all blocks of the lengths above.

    Also returns where each length starts.
    """
    size = table[0].shape[axis]
    levels, starts = [table], [0]
    for length, next_length in zip(BLOCK_LENGTHS[:-1], BLOCK_LENGTHS[1:], strict=True):
        if size is not None and 3 * length >= size:
            break
        starts.append(starts[-1] + ops.shape(table[0])[axis])
        table = _blocks_joined(table, int(length), axis)
        table = _blocks_joined(table, int(next_length - 2 * length), axis)
        levels.append(table)
    joined = [ops.concatenate(each, axis) for each in zip(*levels, strict=True)]
    # Levels that are not there are never asked for.
    return joined, ops.convert_to_tensor(starts, dtype="int32")


def _blocks_joined(table, shift, axis):
    """Blocks that reach from each block's start to the end of the one `shift` cells further."""
    before, after = (slice(None, -shift), slice(shift, None))
    before, after = ((slice(None),) * axis + (each,) for each in (before, after))
    return _first([each[before] for each in table], [each[after] for each in table])


def _cover(start, end, level_starts):
    """Places, along one axis of the table, of the three blocks that cover each range."""
    length = ops.maximum(end - start, 0)
    level = ops.take(LEVEL_OF_LENGTH, length, axis=0)
    slack = length - ops.take(BLOCK_LENGTHS, level, axis=0)
    first = ops.take(level_starts, level, axis=0) + start
    return first, first + slack // 2, first + slack


def _first(one, other):
    """The larger of two values with its index; of equal ones that of `one`, which comes first."""
    (value, index), (other_value, other_index) = one, other
    larger = ops.maximum(value, other_value)
    return larger, _choose(value >= other_value, index, other_index)


def _smaller_index(one, other):
    """As `_first`, but of equal values that with the smaller index."""
    (value, index), (other_value, other_index) = one, other
    keep = (value > other_value) | ((value == other_value) & (index <= other_index))
    return ops.maximum(value, other_value), _choose(keep, index, other_index)


def _choose(condition, index, other):
    # By arithmetic: `where` on PyTorch is not vectorised and takes several times as long.
    return other + ops.cast(condition, other.dtype) * (index - other)
