"""The rules of the house that a machine can check."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_backend

ROOT = Path(__file__).parents[1]
FOLDERS = ("keras_mtl", "applications", "recipes")
OTHERS = ("tools", "tests", "benchmarks", "docs")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
BACKENDS = {"tensorflow", "jax", "torch"}

# What each part may import of the library: parts before it, and the helpers, which are the modules
# `keras_mtl/_….py` but for those that stand here.
MAY_IMPORT = {
    "augmentation": "",
    "boxes": "",
    "graphs": "",
    "layers": "",
    "speed": "graphs layers",
    "geometry": "speed",
    "optimizers": "",
    "retrieval": "",
    "weights": "",
    "proposals": "boxes",
    "towers": "graphs layers weights",
    "sharing": "graphs layers towers",
    "heads": "geometry layers",
    "losses": "geometry speed",
    "metrics": "boxes geometry losses",
    "task": "heads losses metrics",
    "datasets": "boxes heads task",
    "gradients": "",
    "balancing": "gradients",
    "multi_task_model": (
        "balancing gradients graphs layers losses metrics optimizers sharing speed task towers"
    ),
    "ensemble": "multi_task_model",
    "detection": "boxes ensemble",
    "modulation": "graphs layers multi_task_model sharing speed",
    "search": "graphs multi_task_model sharing towers",
    "callbacks": "gradients graphs layers multi_task_model optimizers search sharing task",
    "plots": "graphs layers multi_task_model sharing towers",
    "study": (
        "balancing callbacks datasets ensemble gradients graphs layers losses metrics "
        "multi_task_model optimizers plots search sharing task towers"
    ),
    "applications": "geometry heads modulation multi_task_model sharing speed task towers weights",
}
MAY_IMPORT = {part: set(others.split()) for part, others in MAY_IMPORT.items()}
# Those may import all before them; "keras_mtl" is what a user imports by that name.
for part in ("keras_mtl", "recipes", "cli"):
    MAY_IMPORT[part] = set(MAY_IMPORT)

# Modules of one part that others know, though users do not.
SHARED = {
    *(
        "datasets._scaling",
        "heads._log_of_share",
        "losses._integer_labels",
        "losses._is_depth",
        "losses._kind_of",
        "losses._known",
        "losses._known_values",
        "losses._paired_maps",
    ),
    *("losses._pixel_weights", "losses._triplets"),
    *("sharing._skip_policy_of", "sharing._tree_nodes"),
    "applications._fcn_parts",
    "gradients._backend",
    "gradients._combine",
    "gradients._finite_only",
    "multi_task_model._check_targets",
    "study._work",
    "task._scoring",
}

# Where it is asked which backend runs: to take its gradients, for speed, to write it into a file.
ASK_FOR_THE_BACKEND = {
    "keras_mtl/gradients/_backend.py",
    "keras_mtl/speed/_backend.py",
    "keras_mtl/losses/_known.py",
    "keras_mtl/study/_digest.py",
    "keras_mtl/cli/export.py",
    "recipes/_results.py",
    "recipes/options.py",
}


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
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "extra":
            yield from (each.value for each in node.args if isinstance(each, ast.Constant))


def part_of(name):
    """The part of the library that a full name is of, such as "layers"."""
    part = [*name.split("."), ""][1]
    # What stands at the top, such as `keras_mtl.MultiTaskModel`, is no module.
    is_module = any((ROOT / "keras_mtl" / f"{part}{end}").exists() for end in ("", ".py"))
    return part if part and (is_module or part in FOLDERS) else "keras_mtl"


def is_helper(part):
    return part.startswith("_") and part not in MAY_IMPORT


def ours(path):
    return [name for name in imports(path) if name.split(".")[0] == "keras_mtl"]


def relative(path):
    return path.relative_to(ROOT).as_posix()


def test_imports_are_read():
    """The reader itself: absolute, of a name, relative, within a function."""
    found = {name for path in FILES for name in imports(path)}
    assert {"numpy", "keras", "keras_mtl.layers.CrossStitch"} < found
    assert "keras_mtl.datasets._ordered_batches.OrderedBatches" in found
    assert "scipy.spatial.ConvexHull" in found
    parts = (
        "keras_mtl",
        "keras_mtl.Ensemble",
        "keras_mtl.plots.stages",
        "keras_mtl.recipes.problems.dense",
    )
    assert [part_of(name) for name in parts] == ["keras_mtl", "keras_mtl", "plots", "recipes"]


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_only_gradients_and_speed_import_a_backend(path):
    if (ROOT / "keras_mtl" / "gradients") in path.parents:
        return
    if path == ROOT / "keras_mtl" / "weights" / "read_torch.py":  # Of files, not as a backend.
        return
    if relative(path).startswith("keras_mtl/speed/_torch"):  # For speed alone, and measured.
        return
    assert not {name for name in imports(path) if name.split(".")[0] in BACKENDS}


def test_few_ask_for_the_backend():
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "backend":
                found.add(relative(path))
    assert found == ASK_FOR_THE_BACKEND


def test_patches_end_with_their_file():
    """One of a session's would change the tests of other files, by chance of who runs them."""
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and "scope='session'" in "".join(
                map(ast.unparse, node.decorator_list)
            ):
                assert "MonkeyPatch" not in ast.unparse(node), f"{relative(path)}: {node.name}"


def test_the_parts_stand_in_an_order():
    """So there is no cycle."""
    parts = list(MAY_IMPORT)
    for place, part in enumerate(parts):
        assert MAY_IMPORT[part] <= set(parts[:place]), part


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_dependencies_point_one_way(path):
    part = part_of(".".join(module_name(path)))
    assert part in MAY_IMPORT or is_helper(part), f"MAY_IMPORT has no {part}"
    others = {part_of(name) for name in ours(path)} - {part}
    wrong = {other for other in others if not is_helper(other)} - MAY_IMPORT.get(part, set())
    assert not wrong, f"{part} must not import {wrong}"


def test_no_more_is_allowed_than_is_needed():
    used = {}
    for path in FILES:
        part = part_of(".".join(module_name(path)))
        used.setdefault(part, set()).update(map(part_of, ours(path)))
    for part in list(MAY_IMPORT)[: list(MAY_IMPORT).index("keras_mtl")]:
        assert MAY_IMPORT[part] <= used[part], part


def test_what_is_private_is_imported_within_its_part():
    found = set()
    for path in FILES:
        part = part_of(".".join(module_name(path)))
        for name in ours(path):
            _, *names = name.split(".")
            private = [place for place, each in enumerate(names) if each.startswith("_")]
            if private and private[0] > 0 and names[0] != part:
                found.add(".".join(names[: private[0] + 1]))
    assert found == SHARED


@pytest.mark.parametrize("page", ["README.md", "docs/words.md"])
def test_the_house_is_described_as_it_stands(page):
    (tree,) = re.findall(r"^```\n(keras_mtl/ .*?)^```", (ROOT / page).read_text(), re.M | re.S)
    folders = {"": [], "  ": []}
    for indent, line in re.findall(r"^( *)((?:\w+/ *)+)", tree, re.M):
        folders[indent] += re.findall(r"\w+", line)
    packages = {path.parent.name for path in (ROOT / "keras_mtl").glob("*/__init__.py")}
    assert sorted(folders["  "]) == sorted(packages)
    assert {*FOLDERS, *OTHERS} == set(folders[""])
    assert all((ROOT / folder).is_dir() for folder in folders[""])
