"""Every public name says what it takes and what it gives, for editors and type checkers."""

import functools
import importlib
import inspect
import pkgutil
import sys
import typing
from pathlib import Path

import pytest

import keras_mtl
import keras_mtl.applications
import keras_mtl.optimizers

pytestmark = pytest.mark.one_backend

PACKAGES = (keras_mtl, keras_mtl.applications)


def packages():
    """All packages and modules of the library that say what of them is public."""
    names = {package.__name__ for package in PACKAGES}
    for package in PACKAGES:
        prefix = f"{package.__name__}."
        names |= {module.name for module in pkgutil.walk_packages(package.__path__, prefix)}
    for name in sorted(names):
        if not any(part.startswith("_") for part in name.split(".")[1:]):
            module = importlib.import_module(name)
            if hasattr(module, "__path__"):
                yield module


def is_ours(thing):
    return getattr(thing, "__module__", "").startswith("keras_mtl")


def functions():
    """All functions that a user calls, by name: also of the bases that stand in the library."""
    found = {}
    for package in packages():
        for name in getattr(package, "__all__", vars(package)):
            thing = getattr(package, name)
            if name.startswith("_") or not is_ours(thing):
                continue
            if inspect.isclass(thing):
                for base in filter(is_ours, thing.__mro__):
                    found |= {f"{base.__module__}.{key}": each for key, each in methods(base)}
            elif callable(thing):
                found[f"{thing.__module__}.{name}"] = inspect.unwrap(thing)
    return found


def methods(cls):
    """Those that are public or special, written by hand, and the functions of properties."""
    for name, value in vars(cls).items():
        special = name.startswith("__") and name.endswith("__")
        if name.startswith("_") and not special:
            continue
        if isinstance(value, property):
            each = {"": value.fget, " = …": value.fset}
        elif isinstance(value, functools.cached_property):
            each = {"": value.func}
        else:
            each = {"": getattr(value, "__func__", value)}
        for suffix, function in each.items():
            if inspect.isfunction(function) and is_ours(function):
                # Not what `dataclasses` writes, or wraps.
                if function.__code__.co_filename == sys.modules[cls.__module__].__file__:
                    yield f"{cls.__name__}.{name}{suffix}", function


FUNCTIONS = functions()


def test_functions_are_found():
    shown = {
        "multi_task_model._task_training.TaskTraining.fit",
        "layers._roi_layer.RoILayer.call",
        "datasets.rooms.load.load",
        "optimizers.alternating.Alternating.learning_rate = …",
        "applications.fcn.FCN",
        "geometry.normals_codebook.NormalsCodebook.triangles",
    }
    assert {f"keras_mtl.{name}" for name in shown} < set(FUNCTIONS)


def test_all_is_annotated():
    bare = {}
    for name, function in FUNCTIONS.items():
        parameters = list(inspect.signature(function).parameters.values())
        method = bool(parameters) and parameters[0].name in ("self", "cls")
        missing = [each.name for each in parameters[method:] if each.annotation is each.empty]
        if "return" not in function.__annotations__:
            missing.append("return")
        if missing:
            bare[name] = missing
    assert not bare


def test_annotations_resolve():
    """Whoever asks for them gets types: all that they name is there when a module is imported."""
    for name, function in FUNCTIONS.items():
        hints = typing.get_type_hints(function)
        assert set(hints) == set(function.__annotations__), name


def test_annotations_name_the_default_none():
    for name, function in FUNCTIONS.items():
        hints = typing.get_type_hints(function)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.default is None:
                hint = hints[parameter.name]
                assert hint is typing.Any or type(None) in typing.get_args(hint), (name, parameter)


def test_marker_is_there():
    assert (Path(keras_mtl.__file__).parent / "py.typed").is_file()
