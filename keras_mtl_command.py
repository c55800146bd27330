"""What the command `keras-mtl` starts: it chooses a backend before Keras is imported.

`import keras_mtl` imports Keras, and Keras its backend, TensorFlow unless told otherwise. So this
module stands beside the package: within it, the choice would come too late. What needs neither,
such as the help, it answers at once.
"""

import difflib
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

BACKENDS = ("torch", "jax", "tensorflow")
WIDEST = 100
"""Columns of the help at most."""

DESCRIPTION = """One network, several tasks on the same input: what should the tasks share?

To compare the ways of sharing on your own pictures, with a table of their labels:

    keras-mtl compare photos --labels labels.csv

Some of the networks here come trained, on pictures of rendered rooms. To see what one makes of
your pictures:

    keras-mtl list
    keras-mtl predict photos

`keras-mtl COMMAND --help` tells of a command. KERAS_BACKEND=torch (or jax, or tensorflow) before it
chooses the backend; KERAS_MTL_DEBUG=1, or --debug, shows where an error came from."""

COMMANDS = {
    "compare": "Compare ways in which the tasks of your pictures can share a network.",
    "report": "Write the page of a comparison anew, from what it has left in its folder.",
    "new": "Write a file that declares a comparison of your own, with comments, to begin with.",
    "list": "List the zoo: its networks, what they cost, and how well those that ship do.",
    "describe": "Describe a network: its stages and which tasks share them, its units, its heads, "
    "its size.",
    "predict": "Show what a network makes of your pictures: each beside what every task says of "
    "it.",
    "train": "Train the networks of a recipe, and score them: a table of a paper.",
    "evaluate": "Score a network on rooms that it has not seen.",
    "export": "Write a network in a form that other programs read, and compare it there.",
}

TAKEN_UP = (["compare"], ["train"])
"""Those that go on where they were."""


def main(arguments=None):
    """Runs the command; returns its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        if (code := answered(words)) is not None:
            return code
    except BrokenPipeError:  # Such as by `| head`.
        sys.stdout = None
        return 1
    try:
        choose_backend()
    except SystemExit as error:
        print(f"keras-mtl: error: {error}", file=sys.stderr)
        return 1
    if "--debug" not in words and not os.environ.get("KERAS_MTL_DEBUG"):
        # What TensorFlow says of the machine is not what was asked for.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        sys.meta_path.insert(0, QuietTensorFlow())
    try:
        from keras_mtl.cli import main
    except KeyboardInterrupt:  # Keras takes seconds to be imported.
        return interrupted(words)
    return main(arguments)


def answered(words):
    """Says what can be said without Keras; returns the exit code, or `None` if that is not all."""
    words = [word for word in words if word != "--debug"]
    if words in ([], ["-h"], ["--help"]):
        print(help_page(), flush=True)
        return 0
    if words == ["--version"]:
        print(f"keras-mtl {version()}", flush=True)
        return 0
    if words[0][:1].isalpha() and words[0] not in COMMANDS:
        hint = did_you_mean(words[0], COMMANDS, f"there are {', '.join(COMMANDS)}")
        print(f"keras-mtl: error: there is no command {words[0]}: {hint}", file=sys.stderr)
        return 2
    return None


def interrupted(words):
    """Says that somebody has stopped a command, in a line; returns the exit code."""
    goes_on = "; the same command goes on where it was" if words[:1] in TAKEN_UP else ""
    print(f"keras-mtl: interrupted{goes_on}", file=sys.stderr)
    return 130


def did_you_mean(word, known, otherwise):
    """The name that a word is near to, upper and lower case alike, as a question; or else that."""
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), names, 1)
    return f"did you mean {names[near[0]]}?" if near else otherwise


def help_page():
    """What the command is for, and its subcommands, as wide as the terminal."""
    paragraphs = [
        text if text.startswith(" ") else wrapped(" ".join(text.split()))
        for text in DESCRIPTION.split("\n\n")
    ]
    indent = {"subsequent_indent": " " * 12}
    commands = [wrapped(f"  {name:9} {text}", **indent) for name, text in COMMANDS.items()]
    usage = "usage: keras-mtl COMMAND [options]"
    return "\n\n".join([usage, *paragraphs, "\n".join(["commands:", *commands])])


def wrapped_lines(text):
    """Text of which each line is wrapped by itself, with its indent."""
    return "\n".join(
        wrapped(line, subsequent_indent=line[: len(line) - len(line.lstrip())])
        for line in text.splitlines()
    )


def wrapped(text, **options):
    return textwrap.fill(text, width(), break_on_hyphens=False, **options)


def width():
    """That of the terminal, but no more columns than are pleasant to read."""
    return min(WIDEST, shutil.get_terminal_size().columns)


def version():
    """That of the package, which is not imported for it."""
    path = importlib.util.find_spec("keras_mtl").origin
    return re.search(r'__version__ = "(.*)"', Path(path).read_text())[1]


def choose_backend():
    """Sets `KERAS_BACKEND` where nothing says which one, or where what does is not installed.

    Raises:
        SystemExit: no backend is installed, or not the one that is asked for, or there is none of
            that name.
    """
    asked_for = os.environ.get("KERAS_BACKEND")
    installed = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    wanted = asked_for or _configured()
    if wanted in installed:
        return
    if wanted not in BACKENDS:
        name = "KERAS_BACKEND" if asked_for else '"backend" in keras.json'
        raise SystemExit(f"{name} must be torch, jax or tensorflow. Received: {wanted}")
    if not installed:
        commands = [f"pip install 'keras-mtl[{backend}]'" for backend in BACKENDS]
        raise SystemExit(f"Keras needs a backend, and none is installed: {', or '.join(commands)}.")
    if asked_for:
        raise SystemExit(
            f"KERAS_BACKEND is {asked_for}, which is not installed: "
            f"pip install 'keras-mtl[{asked_for}]', or KERAS_BACKEND={installed[0]}."
        )
    os.environ["KERAS_BACKEND"] = installed[0]
    print(
        f"keras-mtl: {wanted} is not installed: takes {installed[0]} "
        f"(KERAS_BACKEND={installed[0]} says so)",
        file=sys.stderr,
    )


class QuietTensorFlow:
    """Finds TensorFlow so that what its libraries say while they are loaded is not shown.

    Keras imports it with every backend, and no variable of the environment silences what is said
    before logging is set up. If the import fails, all is shown.
    """

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: _unheard(execute, module)
        return spec


def _unheard(function, *arguments):
    """Calls a function, and shows what is written to the process' stderr only if that fails."""
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            function(*arguments)
        except Exception:  # Who interrupts it does not ask what it says.
            said.seek(0)
            os.write(stderr, said.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _configured():
    """The backend that Keras would take."""
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras"))
    try:
        folder = folder.expanduser()
        return json.loads((folder / "keras.json").read_text()).get("backend", "tensorflow")
    except (OSError, RuntimeError, ValueError, AttributeError):
        return "tensorflow"


if __name__ == "__main__":
    sys.exit(main())
