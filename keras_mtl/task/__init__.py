"""What is learned of an input, by which loss, and by what it is scored."""

from keras_mtl.task.task import Task

__all__ = ["Task"]
