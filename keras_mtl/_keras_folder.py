"""Where Keras keeps files."""

import os


def keras_folder() -> str:
    """Keras' own folder, of its rule: `$KERAS_HOME`, or else `~/.keras`."""
    home = os.environ.get("KERAS_HOME")
    if home is None:
        base = os.path.expanduser("~")
        # As Keras does where the home folder is read-only.
        home = os.path.join(base if os.access(base, os.W_OK) else "/tmp", ".keras")
    return os.path.expanduser(home)
