"""Data sets, and feeding them to `fit`."""

from . import rooms as rooms
from .array_batches import ArrayBatches as ArrayBatches
