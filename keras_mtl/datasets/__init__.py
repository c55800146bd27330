"""Data sets, and feeding them to `fit`."""

from . import multi_fashion as multi_fashion
from . import rooms as rooms
from .array_batches import ArrayBatches as ArrayBatches
