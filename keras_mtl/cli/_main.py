"""From the words of a command line to a subcommand, and from errors to one line."""

import contextlib
import importlib.util
import io
import itertools
import os
import re
import sys
import unittest.mock
from collections.abc import Sequence

from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.speed import tune_allocator
from keras_mtl_command import answered, interrupted, width, wrapped_lines

LONGEST_MESSAGE = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: the words behind `keras-mtl`; those of the process if `None`.

    Returns:
        The exit code: 0, 1 for errors, 2 for wrong usage, 130 when it was interrupted.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # Names of files may be no text.
    debug = "--debug" in arguments or bool(os.environ.get("KERAS_MTL_DEBUG"))
    try:
        if not importlib.util.find_spec("tyro") or not importlib.util.find_spec("rich"):
            raise CommandError("keras-mtl needs tyro and rich: pip install 'keras-mtl[cli]'")
        code = _run([each for each in arguments if each != "--debug"]) or 0
        print(end="", flush=True)  # What nobody reads is an error here, not when Python ends.
        return code
    except KeyboardInterrupt:
        return interrupted(arguments)
    except (BrokenPipeError, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != 1:
            return _told(stop.code, 1) if isinstance(stop.code, str) else stop.code or 0
        sys.stdout = None  # Such as by `| head`; Rich makes the one of it the other.
        return 1
    except Exception as error:
        if debug:
            raise
        code = 2 if isinstance(error, UsageError) else 1
        known = isinstance(error, (CommandError, ImportError))
        return _told(_line(error) if known else f"{_line(error)} (--debug shows where)", code)


def _run(arguments):
    words, asks = arguments[1:2], {"-h", "--help"} & {*arguments[2:]}
    if arguments[:1] == ["train"] and asks and not words[0].startswith("-"):
        from keras_mtl.cli.train import page

        return page(*words)  # The options are the same for all, what they may be is not.
    if (code := answered(arguments)) is not None:
        return code
    from keras_mtl.cli.compare import Compare
    from keras_mtl.cli.describe import Describe
    from keras_mtl.cli.evaluate import Evaluate
    from keras_mtl.cli.export import Export
    from keras_mtl.cli.list import List
    from keras_mtl.cli.new import New
    from keras_mtl.cli.predict import Predict
    from keras_mtl.cli.report import Report
    from keras_mtl.cli.train import Train

    known = (Compare, Report, New, List, Describe, Predict, Train, Evaluate, Export)
    commands = {each.__name__.lower(): each for each in known}
    command = _parsed(arguments, commands)
    tune_allocator()
    return command and command.run()


def _parsed(arguments, commands):
    """The subcommand that the words ask for, with its options; `None` if they ask for its help."""
    import tyro

    help_page, refusal = io.StringIO(), io.StringIO()
    # Tyro wraps options, as wide as that says, but not what stands above them.
    columns = unittest.mock.patch.dict(os.environ, COLUMNS=str(width()))
    streams = contextlib.redirect_stdout(help_page), contextlib.redirect_stderr(refusal)
    try:
        with columns, streams[0], streams[1]:
            return tyro.extras.subcommand_cli_from_dict(
                commands,
                prog="keras-mtl",
                args=arguments,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as stop:
        if not stop.code:
            print(wrapped_lines(help_page.getvalue()))
            return None
        words = ["keras-mtl", *(each for each in arguments[:1] if each in commands), "--help"]
        raise UsageError(f"{_without_frame(refusal.getvalue())} (see {' '.join(words)})") from None


def _without_frame(text):
    """What Tyro says of wrong words, without the frame that it draws around it."""
    lines = [line.strip("│╭╮╰╯─ ") for line in text.splitlines()]
    title, *lines = [line for line in lines if line.strip("-")]
    # Behind what is wrong, and what was meant, stands what the help says, too.
    said = itertools.takewhile(
        lambda line: not re.match("(Argument|For full) helptext", line), lines
    )
    text = re.sub(r" in keras-mtl[\w -]* --help", "", " ".join(said))
    return text.replace(" (required)", "") or title


def _line(error):
    """An error as one line of text."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))  # Keras writes some words bold.
    text = " ".join(text.split())
    if not text or not isinstance(error, (CommandError, ImportError, OSError, ValueError)):
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _told(line, code):
    print(f"keras-mtl: error: {line}", file=sys.stderr)
    return code
