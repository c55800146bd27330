"""What the command `keras-mtl` starts: it chooses a backend before Keras is imported.

`import keras_mtl` imports Keras, and Keras its backend, TensorFlow unless told otherwise. So this
module stands beside the package: within it, the choice would come too late.
"""

import importlib.machinery
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path

BACKENDS = ("torch", "jax", "tensorflow")


def main(arguments=None):
    """Runs the command; returns its exit code."""
    try:
        choose_backend()
    except SystemExit as error:
        print(f"keras-mtl: error: {error}", file=sys.stderr)
        return 1
    words = sys.argv[1:] if arguments is None else arguments
    if "--debug" not in words and not os.environ.get("KERAS_MTL_DEBUG"):
        # What TensorFlow says of the machine is not what was asked for.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        sys.meta_path.insert(0, QuietTensorFlow())
    try:
        from keras_mtl.cli import main
    except KeyboardInterrupt:  # Keras takes seconds to be imported.
        print("keras-mtl: interrupted", file=sys.stderr)
        return 130
    return main(arguments)


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
        except BaseException:
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
