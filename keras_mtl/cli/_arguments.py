"""How arguments are called in the help of the commands."""

import tyro


def option(metavar, constructor=None):
    """An argument whose value is called `metavar`; its help says what its default means.

    Of one that is `None` by default a constructor takes the words, lest "None" be a word for it.
    """
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="", constructor=constructor)
