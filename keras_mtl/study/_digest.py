"""Short names for what decides a result: the same for the same, in every run and process."""

import functools
import hashlib
import importlib.metadata
import json
import re
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

LENGTH = 16
ROWS_READ = 16
"""Of an array that is read from disk, so many rows stand for all."""


def digest(content) -> str:
    """Of what goes to JSON, whatever numbers Keras has put behind the names of layers."""
    text = json.dumps(_without_numbers(content), sort_keys=True, default=_described)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def digest_of_arrays(arrays: Iterable) -> str:
    """Of the values, shapes and types of arrays; of lazy ones by some of their rows."""
    found = hashlib.sha256()
    for array in arrays:
        shape, dtype = tuple(array.shape), str(array.dtype)
        found.update(f"{shape} {dtype}".encode())
        if not isinstance(array, np.ndarray):
            rows = np.unique(np.linspace(0, len(array) - 1, ROWS_READ).astype(int))
            array = np.stack([np.asarray(array[int(row)]) for row in rows])
        if array.dtype == object:
            found.update(repr(array.tolist()).encode())
        else:
            found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:LENGTH]


@functools.cache
def versions() -> dict[str, str]:
    """What computes a result: backend, Keras, and this library by its source code."""
    backend = keras.backend.backend()
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        code.update(path.read_bytes())
    return {
        "keras_mtl": _version_of("keras-mtl"),
        "code": code.hexdigest()[:LENGTH],
        "keras": keras.__version__,
        "backend": backend,
        "backend_version": _version_of(backend),
    }


def _version_of(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # Such as of tensorflow-cpu.
        return "unknown"


def _described(thing):
    """What JSON has no words for: an object by its class and attributes, a function by its name."""
    if hasattr(thing, "__qualname__"):
        return f"{thing.__module__}.{thing.__qualname__}"
    if hasattr(thing, "__dict__"):
        return {"class": _described(type(thing)), **vars(thing)}
    return repr(thing)


def _without_numbers(content):
    """A configuration in which layers that Keras has named are numbered from the first one on."""
    named = {}

    def look(value):
        if isinstance(value, dict):
            config = value.get("config")
            name = config.get("name") if isinstance(config, dict) else None
            if isinstance(name, str) and _is_automatic(name, str(value.get("class_name"))):
                named.setdefault(name, f"layer {len(named)}")
            for each in value.values():
                look(each)
        elif isinstance(value, (list, tuple)):
            for each in value:
                look(each)

    def renamed(value):
        if isinstance(value, dict):
            return {str(key): renamed(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [renamed(each) for each in value]
        return named.get(value, value) if isinstance(value, str) else value

    look(content)
    return renamed(content)


def _is_automatic(name, class_name):
    base = re.sub(r"_\d+$", "", name)
    snake = re.sub(r"\W+", "", class_name)
    snake = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", snake)
    return base == re.sub("([a-z])([A-Z])", r"\1_\2", snake).lower()
