"""The progress of long work."""

import sys

import keras


def progress_bar(count, unit_name, verbose=1):
    """Keras' bar for `count` pieces of work, which writes nothing if `verbose` is 0."""
    # A log file gets a line only now and then.
    interval = 0.2 if sys.stdout.isatty() else 10.0
    return keras.utils.Progbar(count, verbose=verbose, interval=interval, unit_name=unit_name)
