"""The command `keras-mtl` (the extra `keras-mtl[cli]`): one subcommand a file."""

from keras_mtl.cli._main import main

__all__ = ["main"]
