"""What the command `keras-mtl` starts: it chooses a backend before Keras is imported.

`import keras_mtl` imports Keras, and Keras its backend, TensorFlow unless told otherwise. So this
module stands beside the package: within it, the choice would come too late.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

BACKENDS = ("torch", "jax", "tensorflow")


def main(arguments=None):
    """Runs the command; returns its exit code."""
    # What TensorFlow says of the machine's processor is not what was asked for.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        choose_backend()
    except SystemExit as error:
        print(f"keras-mtl: error: {error}", file=sys.stderr)
        return 1
    from keras_mtl.cli import main

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


def _configured():
    """The backend that Keras would take."""
    folder = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        return json.loads((folder / "keras.json").read_text()).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):
        return "tensorflow"


if __name__ == "__main__":
    sys.exit(main())
