"""How arguments are called in the help of the commands."""

import tyro


def option(metavar):
    """An argument whose value is called `metavar`; its help says what its default means."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="")
