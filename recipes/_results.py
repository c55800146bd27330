"""Where a recipe keeps what it found."""

import json
import subprocess
from pathlib import Path

import keras

import keras_mtl
from keras_mtl._whole_file import whole_file

REPOSITORY = Path(__file__).resolve().parent.parent


def open_folder(folder, settings):
    """The folder of one run, made or taken up again.

    Args:
        folder: where models, figures and results go.
        settings: JSON-able dict of all that decides the results.

    Returns:
        The folder as a `Path`.

    Raises:
        SystemExit: the folder holds a run with other settings.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = json.loads(json.dumps(settings))
    kept = folder / "settings.json"
    if kept.exists() and json.loads(kept.read_text()) != settings:
        raise SystemExit(
            f"{folder} holds a run with other settings ({kept.name} says which): choose another "
            "--output, or remove the folder."
        )
    write_json(kept, settings)
    return folder


def write_json(path, content):
    """Writes a JSON file, whole or not at all."""
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + "\n")


def provenance():
    """What produced a result: backend, versions and commit."""
    return {
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "commit": _commit(),
    }


def _commit():
    """The commit of the repository, or the version of what is installed."""
    if not (REPOSITORY / ".git").exists():
        # Git would find whose folder the installation is in.
        return keras_mtl.__version__
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
