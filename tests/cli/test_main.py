"""Words to subcommands, errors to one line, and which backend is taken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_mtl_command
from keras_mtl.applications.catalog import ENTRIES
from keras_mtl.cli import main
from keras_mtl.recipes.recipe import Recipe

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.one_backend
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "words", [[], ["--help"], ["--version"], ["train"], ["train", "--help"], ["list"]]
)
def test_what_only_prints(words, capsys):
    assert main(words) == 0
    printed = capsys.readouterr()
    assert printed.out and not printed.err


@pytest.mark.parametrize("command", ["list", "describe", "evaluate", "predict", "export"])
def test_help_has_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"    keras-mtl {command} " in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["lst"], ["list", "--jsn"], ["predict"], ["train", "nothing"]]
    + [["train", "--preset", "paper"], ["evaluate", "a.keras", "--weights", "b.keras"]]
    + [["describe", "a.keras", "--weights", "paper"], ["describe", "FCN", "--picture", "a.doc"]],
)
def test_wrong_usage_is_told_in_one_line(words, capsys):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-mtl: error: ")


def test_list_has_the_whole_zoo(capsys):
    main(["list", "--json"])
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == list(ENTRIES)


def test_describe_in_the_size_of_the_paper(capsys):
    assert main(["describe", "fcn", "--weights", "paper"]) == 0
    printed = capsys.readouterr().out
    assert "16×16×4096" in printed and "37,752,832" in printed


def test_describe_with_a_picture(tmp_path, capsys):
    assert main(["describe", "ModulatedEmbedding", "--picture", str(tmp_path / "a.png")]) == 0
    assert "block3" in capsys.readouterr().out
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_errors_and_interruptions(monkeypatch, capsys):
    from keras_mtl.cli.list import List

    def fails(error):
        def run(self):
            raise error

        monkeypatch.setattr(List, "run", run)

    fails(KeyboardInterrupt())
    assert main(["list"]) == 130
    fails(RuntimeError("two\nlines"))
    assert main(["list"]) == 1
    assert "error: RuntimeError: two lines (--debug shows where)" in capsys.readouterr().err
    with pytest.raises(RuntimeError):
        main(["list", "--debug"])


def test_help_of_a_recipe_has_its_rows_and_all_its_settings(capsys):
    assert main(["train", "cross_stitch_table5", "--help"]) == 0
    printed = capsys.readouterr().out
    for each in ("split conv4", "--preset mini", "alpha_rate", "Misra et al.", "nyuv2"):
        assert each in printed


def test_train_hands_its_words_to_the_recipe(monkeypatch, capsys):
    given = {}
    monkeypatch.setattr(
        Recipe, "run", lambda self, **options: given.update(options, name=self.name)
    )
    words = ["--rows", "one-task", "cross-stitch", "--seeds", "3", "--set", "steps=100", "rate=0.1"]
    assert main(["train", "cross_stitch_table5", *words, "--output", "here"]) == 0
    assert given["name"] == "cross_stitch_table5" and given["output"] == "here"
    assert given["rows"] == ("one-task", "cross-stitch") and given["seeds"] == 3
    assert given["set"] == ("steps=100", "rate=0.1")


@pytest.mark.parametrize(
    "words, told",
    [
        (["--foo"], "--foo"),
        (["--seeds", "x"], "seeds"),
        (["--seeds", "0"], "`seeds` must be"),
        (["--rows", "one-task", "split"], "`rows` must be one of"),
        (["--preset", "big"], "`preset` must be one of ['mini', 'paper']"),
        (["--data", "nyuv2"], "`data_dir` must be the folder"),
        (["--set", "speed=1"], "Received: speed=1"),
    ],
)
def test_train_tells_wrong_words_in_one_line(words, told, capsys):
    assert main(["train", "cross_stitch_table5", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-mtl: error: ") and told in line


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
        ["predict", str(tmp_path), "--model", "ModulatedEmbedding"],
        ["export", "ModulatedEmbedding", str(output)],
    ):
        command = [sys.executable, str(ROOT / "keras_mtl_command.py"), *words]
        result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
        assert (result.returncode, result.stderr) == (0, ""), words
