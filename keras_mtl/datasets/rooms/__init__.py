"""Rendered rooms with exact annotations: the data set that every recipe runs on by default."""

from .load import load as load
from .vocabulary import ATTRIBUTES as ATTRIBUTES
from .vocabulary import CLASSES as CLASSES
from .vocabulary import NUM_CLASSES as NUM_CLASSES
from .vocabulary import VOID as VOID
