"""What is computed otherwise than Keras computes it, for speed alone."""

from keras_mtl.speed.follow_kernels import follow_kernels
from keras_mtl.speed.speed_up import speed_up
from keras_mtl.speed.tune_allocator import tune_allocator

__all__ = ["follow_kernels", "speed_up", "tune_allocator"]
