"""What is installed is the whole library: the wheel, in an environment that holds nothing else."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from repository_copy import ROOT, copy_repository, repository_files

import keras_mtl

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Where the packages of `keras_mtl` stand in the repository.
FOLDERS = ("keras_mtl", "applications", "recipes")
MODULES = {f"{module}.py" for module in PROJECT["tool"]["setuptools"].get("py-modules", ())}
PICTURES = {"room.png": (48, 64, 3), "grey.png": (48, 64), "small.png": (16, 16, 3)}

# It chooses the backend itself.
pytestmark = pytest.mark.cross_backend


def installed_as(name):
    """Where a file of the repository stands in a wheel, or `None` if it does not belong there."""
    top, *inner = Path(name).parts
    if name in MODULES:
        return name
    if top not in FOLDERS or not inner:
        return None
    return str(Path("keras_mtl", *([] if top == "keras_mtl" else [top]), *inner))


def run(command, folder, status=0, **environment):
    """The process, which must end with a status; its output is shown if it does not."""
    hidden = ("KERAS_BACKEND", "KERAS_HOME", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        # Keras' folder is the test's own, since Keras keeps there which backend was last chosen.
        env={**kept, "KERAS_HOME": str(folder / "keras"), **environment},
        capture_output=True,
        text=True,
    )
    shown = f"{command}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    assert result.returncode == status, shown
    return result


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the sdist, the wheel that is built from it, and one straight from the tree."""
    folder = tmp_path_factory.mktemp("built")
    copy_repository(folder / "tree")
    build = [sys.executable, "-m", "build"]
    run([*build, "--outdir", folder / "dist", folder / "tree"], folder)
    run([*build, "--wheel", "--outdir", folder / "straight", folder / "tree"], folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = (built / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """Folder of the commands of an environment with the wheel, one backend and the command line."""
    folder = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", folder / "venv"], folder)
    commands = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [commands / "python", "-m", "pip", "install", "-q", "--no-compile"]
    run([*pip, "-c", ROOT / "constraints.txt", f"{wheel}[jax,cli]"], folder)
    return commands


def files(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


def test_nothing_is_forgotten(wheel):
    """Every module, and every file that is read, shown or shipped."""
    shipped = {".py", ".md", ".csv", ".png", ".keras", ".npz", ".txt", ".bib", ".typed"}
    expected = {
        installed_as(name)
        for name in repository_files()
        # Published figures of recipes are for those who read the repository.
        if Path(name).suffix in shipped and not name.startswith("recipes/results/")
    } - {None}
    assert "keras_mtl/datasets/nyuv2/README.md" in expected
    assert {"keras_mtl/py.typed", "keras_mtl/applications/catalog.csv"} <= expected
    missing = sorted(expected - files(wheel))
    assert not missing, "pyproject.toml lacks their packages or their package-data"


def test_nothing_else_is_in_it(wheel):
    known = {installed_as(name) for name in repository_files()}
    others = files(wheel) - known
    assert {name.split("/")[0] for name in others} == {f"{wheel.name.split('-py3')[0]}.dist-info"}


def test_the_sdist_holds_all_that_the_wheel_is_built_from(built, wheel):
    (straight,) = (built / "straight").glob("*.whl")
    assert files(straight) == files(wheel)


def test_there_is_one_version(wheel):
    assert wheel.name.split("-")[1] == keras_mtl.__version__
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert f"version: {keras_mtl.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_changelog_knows_the_version():
    sections = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] in ("Unreleased", keras_mtl.__version__)


def test_the_zoo_and_the_recipes_are_importable(environment, tmp_path):
    """All modules but the builders of data sets, which need TFDS."""
    code = """
import importlib, pkgutil, sys
import keras_mtl
names = [module.name for module in pkgutil.walk_packages(keras_mtl.__path__, "keras_mtl.")]
needs_another = ("_dataset_builder", "__main__", "_manual_builder")
for name in names:
    if not name.endswith(needs_another) and "speed._torch" not in name:
        importlib.import_module(name)
model = keras_mtl.applications.FCN(keras_mtl.sharing.Branched(), {"a": 3}, width=0.05)
print(keras_mtl.__version__, len(names), model.count_params(), keras_mtl.__file__)
"""
    found = run([environment / "python", "-c", code], tmp_path, KERAS_BACKEND="jax").stdout
    version, modules, parameters, path = found.split()
    assert version == keras_mtl.__version__ and Path(path).is_relative_to(environment.parent)
    assert int(modules) > 300 and int(parameters) > 1000


def test_the_command_lists_and_describes(environment, tmp_path):
    listing = run([environment / "keras-mtl", "list"], tmp_path).stdout
    assert "CrossStitchFCN" in listing and "ModulatedEmbedding" in listing
    assert (
        "conv1" in run([environment / "keras-mtl", "describe", "CrossStitchFCN"], tmp_path).stdout
    )


def test_pictures_of_a_folder_are_predicted(environment, tmp_path, rng):
    """Of any size, grey ones too; a broken one is told of, and the others are done."""
    from PIL import Image

    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for name, shape in PICTURES.items():
        pixels = rng.integers(0, 256, shape).astype("uint8")
        Image.fromarray(pixels).save(photographs / name)
    whole = (photographs / "room.png").read_bytes()
    (photographs / "broken.png").write_bytes(whole[: len(whole) // 2])
    command = [environment / "keras-mtl", "predict", photographs]
    result = run([*command, "--output", tmp_path / "predicted"], tmp_path, status=1)
    assert "broken.png" in result.stderr and "Traceback" not in result.stderr
    done = {path.name for path in (tmp_path / "predicted").glob("*.png")}
    assert done == {f"{name}.png" for name in PICTURES}
