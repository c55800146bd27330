"""What to watch while a multi-task model trains."""

from keras_mtl.callbacks.alpha_logger import AlphaLogger
from keras_mtl.callbacks.alpha_tensor_board import AlphaTensorBoard
from keras_mtl.callbacks.read_alphas import read_alphas

__all__ = ["AlphaLogger", "AlphaTensorBoard", "read_alphas"]
