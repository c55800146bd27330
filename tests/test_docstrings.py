"""The examples in docstrings are run: what they show is what comes out, on every backend."""

import doctest
import importlib
import pkgutil

import keras
import numpy as np
import pytest

import keras_mtl
import keras_mtl.applications


def modules():
    """All modules of the library; the zoo stands in a folder of its own."""
    names = ["keras_mtl", "keras_mtl.applications"]
    for package in (keras_mtl, keras_mtl.applications):
        prefix = f"{package.__name__}."
        names += [module.name for module in pkgutil.walk_packages(package.__path__, prefix)]
    return sorted(set(names))


def examples(name):
    module = importlib.import_module(name)
    found = doctest.DocTestFinder(exclude_empty=True).find(
        module, extraglobs={"np": np, "keras": keras, "keras_mtl": keras_mtl}
    )
    return [test for test in found if test.examples]


TESTS = {test.name: test for name in modules() for test in examples(name)}


def test_examples_are_found():
    shown = {"layers.cross_stitch.CrossStitch", "towers.tower.Tower", "applications.fcn.FCN"}
    assert {f"keras_mtl.{name}" for name in shown} < set(TESTS)


# The zoo's examples build large graphs; its own tests do so on every backend.
ZOO = [
    pytest.param(name, marks=pytest.mark.one_backend)
    for name in TESTS
    if name.startswith("keras_mtl.applications")
]
# Of these the other backends run the parts, in tests of their own.
WHOLE = ("detection", "towers", "modulation.fold", "search", "plots", "callbacks")
OTHERS = [
    pytest.param(name, marks=pytest.mark.whole_network)
    if name.startswith(tuple(f"keras_mtl.{part}" for part in WHOLE))
    else name
    for name in TESTS
    if not name.startswith("keras_mtl.applications")
]


@pytest.mark.parametrize("name", [*ZOO, *OTHERS])
def test_example(name):
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    results = runner.run(TESTS[name], out=report.append, clear_globs=False)
    assert results.attempted > 0 and not results.failed, "".join(report)
