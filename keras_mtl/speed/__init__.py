"""What is computed otherwise than Keras computes it, for speed alone."""

from keras_mtl.speed._backend import torch_kernels
from keras_mtl.speed.lay_out_kernels import lay_out_kernels
from keras_mtl.speed.speed_up import sped_up_layers, speed_up
from keras_mtl.speed.tune_allocator import tune_allocator

__all__ = ["lay_out_kernels", "speed_up", "sped_up_layers", "torch_kernels", "tune_allocator"]
