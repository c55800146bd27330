"""Studies that are declared elsewhere: in a file or a module of the user's, or in a recipe."""

import dataclasses
import importlib
import sys
from pathlib import Path

from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.recipes.problems.dense import DENSE, PRESETS
from keras_mtl.study import Study

NAME = "study"
SIZE = 64
"""Pixels of a room's side: two thirds of the recipe's, for it is to be quick."""


def study_of_rooms(**options):
    """What should segmentation and surface normals share, on rendered rooms?

    Takes options of a `Study`.
    """
    settings = dataclasses.replace(PRESETS["mini"], size=SIZE)
    data = DENSE.load("rooms", settings)
    return DENSE.study(settings, data, DENSE.default_tasks, **options)


def declared_study(what):
    """The study of a `problem.py`, or of `package.module:name`.

    It is a `Study` of the name "study", or a function of that name that returns one.

    Raises:
        UsageError: there is no such file or module.
        CommandError: it declares no study.
    """
    place, colon, name = what.rpartition(":")
    if not colon or what.endswith(".py"):  # On Windows a path may have a colon.
        place, name = what, NAME
    missing = f"{place} must be a folder of pictures, a file such as problem.py, or package.module"
    if place.endswith(".py"):
        missing = f"there is no file {place} (keras-mtl new {place} writes one)"
    found = getattr(_module(place, missing), name, None)
    if callable(found) and not isinstance(found, Study):
        found = found()
    if not isinstance(found, Study):
        raise CommandError(
            f"{place} must have a keras_mtl.Study, or a function that returns one, of the name "
            f"{name}. It has: {found!r}"
        )
    return found


def declared_launcher(what):
    """The function of a `launcher.py:name`, or of `package.module:name`.

    Raises:
        UsageError: there is no such file or module, or no such function in it.
    """
    place, colon, name = what.rpartition(":")
    missing = f"--launcher: there is no {'file' if place.endswith('.py') else 'module'} {place}"
    found = getattr(_module(place, missing), name, None) if colon else None
    if not callable(found):
        raise UsageError(
            "--launcher must be MODULE:NAME, or FILE.py:NAME, of a function such as "
            f"keras_mtl.study:local. Received: {what}"
        )
    return found


def _module(place, missing):
    """A file or a module; `missing` is what is said if there is none."""
    return (_of_file if place.endswith(".py") else _of_name)(place, missing)


def _of_file(place, missing):
    path = Path(place)
    if not path.is_file():
        raise UsageError(missing)
    # Under its own name, so that processes which a launcher starts can import it, too.
    sys.path.insert(0, str(path.resolve().parent))
    module = importlib.import_module(path.stem)
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise UsageError(f"{path} must have another name: there is a module {path.stem} already")
    return module


def _of_name(name, missing):
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise  # It is there, but needs something else.
        raise UsageError(missing) from error
