"""Variables by their paths, and patterns that find them."""

import re

SHOWN = 10


def path_of(variable):
    """The path of a variable, in which patterns are searched."""
    # A raw `tf.Variable`, which Keras optimizers accept, has a name only.
    return getattr(variable, "path", variable.name)


def is_pattern(pattern):
    """Whether it is a string that is a regular expression."""
    try:
        # Not a compiled pattern or bytes: the config is saved as JSON.
        return isinstance(pattern, str) and re.compile(pattern) is not None
    except re.error:
        return False


def listed(paths):
    """The first paths of a list, and how many more there are, as text."""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return f"{paths[:SHOWN]}{more}"
