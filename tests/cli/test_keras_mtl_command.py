"""What is started: which backend is taken, and that nothing is said that was not asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_mtl_command

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.one_backend
ROOT = Path(__file__).parents[2]


def test_an_unknown_backend_is_told_in_one_line(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "foo")
    assert keras_mtl_command.main(["list"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("KERAS_BACKEND must be torch, jax or tensorflow. Received: foo")


@pytest.mark.parametrize(
    "installed, asked_for, taken",
    [
        ({"torch", "jax", "tensorflow"}, None, None),
        ({"torch", "jax"}, None, "torch"),
        ({"jax"}, None, "jax"),
        ({"jax"}, "jax", "jax"),
        ({"jax"}, "torch", SystemExit),
        (set(), None, SystemExit),
    ],
)
def test_which_backend_is_taken(installed, asked_for, taken, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if asked_for:
        monkeypatch.setenv("KERAS_BACKEND", asked_for)
    monkeypatch.setattr(
        keras_mtl_command.importlib.util, "find_spec", lambda name: name in installed or None
    )
    if taken is SystemExit:
        with pytest.raises(SystemExit, match="pip install 'keras-mtl"):
            keras_mtl_command.choose_backend()
        return
    keras_mtl_command.choose_backend()
    assert os.environ.get("KERAS_BACKEND") == taken
    assert bool(capsys.readouterr().err) == (taken is not None and asked_for is None)


@pytest.mark.parametrize(
    "written, taken",
    [
        ({"backend": "jax"}, None),
        ({"floatx": "float32"}, "jax"),
        (["jax"], "jax"),
        ({"backend": "openvino"}, SystemExit),
    ],
)
def test_what_the_file_of_keras_says(written, taken, monkeypatch, tmp_path, capsys):
    """Its folder may be written as at home: `~`."""
    (tmp_path / "keras.json").write_text(json.dumps(written))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", "~")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(
        keras_mtl_command.importlib.util, "find_spec", lambda name: name == "jax" or None
    )
    if taken is SystemExit:
        with pytest.raises(SystemExit, match='"backend" in keras.json must be torch, jax or'):
            keras_mtl_command.choose_backend()
        return
    keras_mtl_command.choose_backend()
    assert os.environ.get("KERAS_BACKEND") == taken


@pytest.mark.parametrize(
    "debug, words, quiet",
    [("", ["-h"], True), ("", ["-h", "--debug"], False), ("1", ["-h"], False)],
)
def test_tensorflow_is_quiet_unless_errors_are_looked_for(debug, words, quiet, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_MTL_DEBUG", debug)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    monkeypatch.setattr(sys, "meta_path", finders := list(sys.meta_path))
    assert keras_mtl_command.main(["list", *words]) == 0
    assert capsys.readouterr().out.startswith("usage: keras-mtl list")
    found = [isinstance(each, keras_mtl_command.QuietTensorFlow) for each in finders]
    assert any(found) == quiet == (os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3")


def test_it_can_be_interrupted_while_keras_is_imported(monkeypatch, capsys):
    class Interrupts:
        def find_spec(self, name, path=None, target=None):
            if name == "keras_mtl.cli":
                raise KeyboardInterrupt

    monkeypatch.setattr(sys, "meta_path", [Interrupts(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "keras_mtl.cli")
    assert keras_mtl_command.main(["list"]) == 130
    assert capsys.readouterr().err == "keras-mtl: interrupted\n"
    assert keras_mtl_command.main(["compare", "photos"]) == 130
    assert capsys.readouterr().err.endswith("interrupted; the same command goes on where it was\n")


def test_the_library_does_not_import_the_command():
    code = "import sys, keras_mtl; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    modules = result.stdout.split()
    assert "keras_mtl" in modules and "tyro" not in modules and "keras_mtl.cli" not in modules


@pytest.mark.parametrize("fails", [False, True])
def test_what_tensorflow_says_while_it_is_loaded(fails, tmp_path):
    """Its libraries write to the process' stderr; of an import that fails all is shown."""
    (tmp_path / "tensorflow.py").write_text(f"import os; os.write(2, b'cuda'); 1 / {not fails:d}")
    code = (
        "import sys, keras_mtl_command as command\n"
        "sys.meta_path.insert(0, command.QuietTensorFlow())\n"
        "import tensorflow; print('afterwards', file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert result.stderr.startswith("cuda") if fails else result.stderr == "afterwards\n"


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_nothing_but_errors_goes_to_stderr(backend, tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    rng, output = np.random.default_rng(0), tmp_path / "out.keras"
    for name in ("a.png", "b.png"):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype="uint8")).save(tmp_path / name)
    for words in (
        ["list"],
        ["describe", "ModulatedEmbedding"],
        [
            "predict",
            str(tmp_path),
            "--model",
            "ModulatedEmbedding",
            "--output",
            str(tmp_path / "o"),
        ],
        ["export", "ModulatedEmbedding", str(output)],
    ):
        command = [sys.executable, str(ROOT / "keras_mtl_command.py"), *words]
        result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
        errors = [line for line in result.stderr.splitlines() if "rendered rooms only" not in line]
        assert (result.returncode, errors) == (0, []), words


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["lst"]])
def test_help_needs_no_keras(words, tmp_path):
    (tmp_path / "keras.py").write_text("raise ImportError('Keras was imported')")
    command = [sys.executable, str(ROOT / "keras_mtl_command.py"), *words]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "KERAS_BACKEND": "none"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == (2 if words == ["lst"] else 0)
    assert "Keras was imported" not in result.stderr


@pytest.mark.parametrize("width", [40, 60, 300])
def test_help_is_as_wide_as_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = keras_mtl_command.help_page().splitlines()
    # An example is one line, to be copied.
    assert max(len(line) for line in lines if not line.startswith("    keras-mtl")) <= min(
        width, 100
    )
