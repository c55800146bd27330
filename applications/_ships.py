"""`weights="rooms"`: the networks that ship, with all that they learned."""

import functools
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import keras

from keras_mtl.applications.catalog import ENTRIES, counts

SHIPPED = "rooms"

Arguments = ParamSpec("Arguments")
Model = TypeVar("Model")


def ships(build: Callable[Arguments, Model]) -> Callable[Arguments, Model]:
    """Lets an application return the network that ships if its `weights` are `"rooms"`.

    The network's architecture is that of its file: what else is given, but a name, is refused.
    """
    parameters = inspect.signature(build).parameters
    place = list(parameters).index("weights")

    @functools.wraps(build)
    def built(*args: Arguments.args, **options: Arguments.kwargs) -> Model:
        weights = options.get("weights", args[place] if len(args) > place else None)
        if not (isinstance(weights, str) and weights == SHIPPED):
            _check_no_name(weights, build.__name__)
            return build(*args, **options)
        given = {**dict(zip(parameters, args, strict=False)), **options}
        return _load(build.__name__, **{"name": parameters["name"].default, **given})

    return built


def _check_no_name(weights, application):
    """Refuses a name of weights that nobody knows, such as "imagenet", as what it is."""
    if not isinstance(weights, str) or Path(weights).suffix or Path(weights).exists():
        return
    names = ["None", *([f'"{SHIPPED}"'] if counts()[application].ships else [])]
    raise ValueError(
        f"`weights` of {application} must be {', '.join(names)}, or the path or URL of a file. "
        f"Received: weights={weights!r}."
    )


def _load(application, *, weights, name, **others):
    if others:
        raise ValueError(
            f"`weights={weights!r}` gives {application} as it was trained, with the architecture "
            f"of its file: only `name` may be given along with it. Received: {list(others)}."
        )
    found = counts()
    if not found[application].ships:
        known = [each for each in ENTRIES if found[each].ships]
        raise ValueError(
            f"`weights={weights!r}` must be asked of an application that ships trained: {known}. "
            f"Received: {application}."
        )
    path = ENTRIES[application].trained
    if not path.is_file():
        raise FileNotFoundError(f"{str(path)!r} ships with the library, but is not there.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != found[application].sha256:
        raise ValueError(
            f"{str(path)!r} must be the network that ships, but is damaged: its SHA-256 is "
            f"{digest}, not {found[application].sha256}."
        )
    model = keras.models.load_model(path, compile=False)
    model.name = name
    return model
