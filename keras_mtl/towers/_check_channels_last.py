"""The one order of axes in which the towers are built."""

import keras


def check_channels_last(tower):
    """Raises ValueError, naming the tower, if Keras is set to another `image_data_format`."""
    if keras.config.image_data_format() != "channels_last":
        raise ValueError(f"{tower} needs `image_data_format` 'channels_last' (in keras.json).")
