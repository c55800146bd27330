"""Errors that a user can do something about."""


class CommandError(Exception):
    """Told in one line, without where in the program it happened; the exit code is 1."""


class UsageError(CommandError):
    """The command was called in a wrong way; the exit code is 2."""
