"""Copies and files of Keras' layers, without TensorFlow where it does not run."""

import sys

from keras.src.saving import serialization_lib


class TensorFlowIfLoaded:
    """TensorFlow as `serialization_lib` knows it, which is not imported to be asked for.

    Keras asks of every part of a configuration whether it is an object of TensorFlow, and imports
    that for it wherever it is installed: 480 MB and 3 s on the other backends. Where nobody has
    imported it, no object is of it, so that the answer is the same.
    """

    def __init__(self, tensorflow):
        self._tensorflow = tensorflow

    @property
    def available(self):
        return "tensorflow" in sys.modules and self._tensorflow.available

    def __getattr__(self, name):
        return getattr(self._tensorflow, name)


def use_tensorflow_if_loaded():
    """Has Keras ask in that way; once for all, since it changes no result."""
    if not isinstance(serialization_lib.tf, TensorFlowIfLoaded):
        serialization_lib.tf = TensorFlowIfLoaded(serialization_lib.tf)
