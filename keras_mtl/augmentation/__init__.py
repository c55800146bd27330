"""Random changes of a batch that are right for every task at once, in NumPy."""

from keras_mtl.augmentation.color_jitter import ColorJitter
from keras_mtl.augmentation.compose import Compose
from keras_mtl.augmentation.random_horizontal_flip import RandomHorizontalFlip
from keras_mtl.augmentation.random_resized_crop import RandomResizedCrop

__all__ = ["ColorJitter", "Compose", "RandomHorizontalFlip", "RandomResizedCrop"]
