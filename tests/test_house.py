"""The rules of the house that a machine can check."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = sorted([*(ROOT / "keras_mtl").rglob("*.py"), *(ROOT / "applications").rglob("*.py")])
BACKENDS = {"tensorflow", "jax", "torch"}

# Each may import those before it, and nothing else of the library.
CHAIN = ("layers", "towers", "sharing", "heads", "applications")
MAY_IMPORT = {part: set(CHAIN[: place + 1]) for place, part in enumerate(CHAIN)}
# Helpers of all parts, which know nothing of the library themselves.
HELPERS = {"_functional_models", "_check_integer", "_topological_nodes"}
# Towers know what published checkpoints call their layers.
MAY_IMPORT |= {"weights": {"weights"}, "towers": MAY_IMPORT["towers"] | {"weights"}}
# The zoo is where parts meet: models, and what they are trained with.
MAY_IMPORT["applications"] |= {"multi_task_model", "losses", "metrics", "modulation"}
MAY_IMPORT["applications"] |= {"optimizers", "weights"}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "keras_mtl" else ("keras_mtl", *parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(path):
    """Full dotted names of all that a file imports, wherever in the file it does."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path)[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def relative(path):
    return str(path.relative_to(ROOT))


def test_imports_are_read():
    """The reader itself: absolute, of a name, relative, within a function."""
    found = {name for path in LIBRARY for name in imports(path)}
    assert {"numpy", "keras", "keras_mtl.layers.CrossStitch"} < found
    assert "keras_mtl.datasets._ordered_batches.OrderedBatches" in found
    assert "scipy.spatial.ConvexHull" in found


@pytest.mark.parametrize("path", LIBRARY, ids=relative)
def test_only_gradients_import_a_backend(path):
    if (ROOT / "keras_mtl" / "gradients") in path.parents:
        return
    if path == ROOT / "keras_mtl" / "weights" / "read_torch.py":  # Of files, not as a backend.
        return
    assert not {name for name in imports(path) if name.split(".")[0] in BACKENDS}


@pytest.mark.parametrize("path", LIBRARY, ids=relative)
def test_dependencies_point_one_way(path):
    ours = [name.split(".") for name in imports(path) if name.split(".")[0] == "keras_mtl"]
    assert not [name for name in ours if name[1:2] == ["recipes"]]
    module = module_name(path)
    part = module[1] if len(module) > 1 else None
    if part in MAY_IMPORT:
        allowed = MAY_IMPORT[part] | HELPERS
        wrong = [".".join(name) for name in ours if name[1] not in allowed]
        assert not wrong, f"{part} must not import {wrong}"
    elif part in HELPERS:
        assert not ours
    elif part is not None:
        assert not [name for name in ours if name[1] == "applications"]


def test_import_costs_no_more_than_keras():
    """Of packages from outside the standard library, such as SciPy and Matplotlib."""
    code = """
import sys
import keras
before = set(sys.modules)
import keras_mtl
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    new = set(result.stdout.split()) - set(sys.stdlib_module_names)
    # Of keras itself only submodules may be new.
    assert new - {"keras"} == {"keras_mtl"}
