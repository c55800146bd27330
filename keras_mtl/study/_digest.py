"""Short names for what decides a result: the same for the same, in every run and process."""

import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
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


def versions() -> dict[str, str]:
    """What computes a result: backend, Keras, and this library by its source code."""
    backend = keras.backend.backend()
    return {
        "keras_mtl": _version_of("keras-mtl"),
        "code": _code(),
        "keras": keras.__version__,
        "backend": backend,
        "backend_version": _version_of(backend),
        "precision": f"{keras.config.dtype_policy().name}, {keras.config.floatx()}",
    }


@functools.cache
def _code():
    code, folders = hashlib.sha256(), [str(Path(__file__).parents[1])]
    for part in ("applications", "recipes"):  # In a clone they stand beside it.
        spec = importlib.util.find_spec(f"keras_mtl.{part}")
        folders += spec.submodule_search_locations or [] if spec else []
    files = {path.resolve() for folder in folders for path in Path(folder).rglob("*.py")}
    for path in sorted(files):
        code.update(path.read_bytes())
    return code.hexdigest()[:LENGTH]


def _version_of(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # Such as of tensorflow-cpu.
        return "unknown"


def _described(thing):
    """What JSON has no words for: objects by what they hold, functions by what they do."""
    if isinstance(thing, np.ndarray):
        return digest_of_arrays([thing])
    if isinstance(thing, functools.partial):
        return {"partial": thing.func, "arguments": [thing.args, thing.keywords]}
    if inspect.ismethod(thing):
        return {"method": thing.__func__, "of": thing.__self__}
    if inspect.isfunction(thing):
        return _of_function(thing, set())
    if hasattr(thing, "__qualname__"):
        return _name_of(thing)
    if hasattr(thing, "get_config"):
        return {"class": _name_of(type(thing)), "config": thing.get_config()}
    if hasattr(thing, "__dict__"):
        return {"class": _name_of(type(thing)), "holds": vars(thing)}
    # Else what it prints may be where it stands in the memory of this process.
    return (
        repr(thing)
        if isinstance(thing, (np.generic, bytes, set, complex))
        else _name_of(type(thing))
    )


def _of_function(function, seen):
    """What a function does: its code, and what that reads of its module and of where it is made."""
    if function in seen:
        return _name_of(function)
    seen, known = {*seen, function}, function.__globals__
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
    return {
        "function": _name_of(function),
        "code": _of_code(function.__code__),
        "reads": {
            name: _of_global(known[name], function.__module__, seen)
            for name in _names_in(function.__code__)
            if name in known
        },
        "holds": [
            _of_function(value, seen) if inspect.isfunction(value) else value
            for value in [*cells, *defaults]
        ],
    }


def _of_global(value, module, seen):
    """Plain values, and what functions and classes of the same module do; the rest by its name."""
    if getattr(value, "__module__", None) == module and inspect.isfunction(value):
        return _of_function(value, seen)
    if getattr(value, "__module__", None) == module and inspect.isclass(value):
        if value in seen:
            return _name_of(value)
        methods = {name: each for name, each in vars(value).items() if inspect.isfunction(each)}
        return {name: _of_function(each, {*seen, value}) for name, each in methods.items()}
    if value is None or isinstance(value, (bool, int, float, str, np.ndarray)):
        return value
    if isinstance(value, (list, tuple)):
        return [_of_global(each, module, seen) for each in value]
    if isinstance(value, dict):
        return {str(key): _of_global(each, module, seen) for key, each in value.items()}
    return _name_of(value) if hasattr(value, "__qualname__") else _name_of(type(value))


def _names_in(code):
    nested = [_names_in(each) for each in code.co_consts if inspect.iscode(each)]
    return sorted({*code.co_names, *(name for names in nested for name in names)})


def _of_code(code):
    consts = [_of_code(x) if inspect.iscode(x) else repr(x) for x in code.co_consts]
    return [code.co_code.hex(), list(code.co_names), consts]


def _name_of(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def described(thing):
    """A loss, a metric or a list of them: objects of Keras by their configuration."""
    if isinstance(thing, (list, tuple)):
        return [described(each) for each in thing]
    is_of_keras = isinstance(thing, (keras.losses.Loss, keras.metrics.Metric))
    return keras.saving.serialize_keras_object(thing) if is_of_keras else thing


def renamed(value, names):
    """Lists and dicts in which other strings stand for some, as keys, too."""
    if isinstance(value, dict):
        return {names.get(key, str(key)): renamed(each, names) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


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

    look(content)
    return renamed(content, named)


def _is_automatic(name, class_name):
    base = re.sub(r"_\d+$", "", name)
    if class_name == "InputLayer" and base == "keras_tensor":
        return True
    snake = re.sub(r"\W+", "", class_name)
    snake = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", snake)
    return base == re.sub("([a-z])([A-Z])", r"\1_\2", snake).lower()
