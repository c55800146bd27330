"""Words to subcommands, and errors to one line."""

import contextlib
import dataclasses
import errno
import io
import os
import runpy
import shlex
import sys

import pytest

import keras_mtl
import keras_mtl_command
from keras_mtl import plots
from keras_mtl.cli import main
from keras_mtl.cli.compare import Compare
from keras_mtl.cli.describe import Describe
from keras_mtl.cli.evaluate import Evaluate
from keras_mtl.cli.export import Export
from keras_mtl.cli.list import List
from keras_mtl.cli.new import New
from keras_mtl.cli.predict import Predict
from keras_mtl.cli.report import Report
from keras_mtl.cli.train import Train

pytestmark = pytest.mark.one_backend

NO_FILE = "must be a Keras model of keras_mtl: "
REFUSED = [
    # Words that no command has.
    ("lst", 2, "there is no command lst: did you mean list?"),
    ("photographs", 2, "there is no command photographs: there are compare, report, new, list"),
    ("--nothing", 2, "Unrecognized options: --nothing"),
    ("--version twice", 2, "Unrecognized options: --version, twice"),
    ("''", 2, "(see keras-mtl --help)"),
    ("list depth.keras", 2, "Unrecognized options: depth.keras (see keras-mtl list --help)"),
    ("list --jsn", 2, "Unrecognized options: --jsn Perhaps you meant: --json"),
    ("list --jso", 2, "Unrecognized options: --jso Perhaps you meant: --json"),
    ("predict", 2, "Missing from keras-mtl predict: FOLDER"),
    ("describe", 2, "Missing from keras-mtl describe: NETWORK"),
    ("export depth.keras", 2, "Missing from keras-mtl export: OUTPUT"),
    ("describe depth.keras --picture", 2, "Missing value for argument '--picture'"),
    ("predict pictures --score high", 2, "--score: could not convert string to float: 'high' (see"),
    ("predict pictures --smallest-box 1.5", 2, "--smallest-box: "),
    ("evaluate depth.keras --images few", 2, "--images: "),
    # Networks that are not there, or are no networks.
    ("describe CrosStitchFCN", 1, "the zoo has no CrosStitchFCN, and a file ends in .keras: did"),
    ("describe own", 1, "the zoo has no own, and a file ends in .keras: it has CrossStitchFCN, "),
    ("describe absent.keras", 1, "there is no file absent.keras"),
    ("describe folder.keras", 1, "there is no file folder.keras"),
    ("describe text.keras", 1, f"text.keras {NO_FILE}it is no whole .keras file"),
    ("evaluate cut.keras", 1, f"cut.keras {NO_FILE}it is no whole .keras file"),
    ("predict pictures --model zip.keras", 1, f"zip.keras {NO_FILE}"),
    ("export unknown.keras new.keras", 1, f"unknown.keras {NO_FILE}Could not locate class"),
    ("describe FCN --weights rooms", 1, "FCN does not ship trained. Those that do: CrossStitchFCN"),
    ("describe FCN --weights absent.keras", 1, "there is no file absent.keras"),
    ("describe depth.keras --weights paper", 2, "--weights goes with a network of the zoo, not"),
    ("evaluate depth.keras --weights a.keras", 2, "not with a file: depth.keras"),
    # Networks of another kind.
    ("describe plain.keras", 1, "plain.keras must be a MultiTaskModel, or a functional model"),
    ("describe ensemble.keras", 1, "ensemble.keras must be a MultiTaskModel, or a functional"),
    ("export ensemble.keras new.keras", 1, "ensemble.keras must be a functional (or built"),
    ("predict pictures --model plain.keras", 1, "plain must be a MultiTaskModel, or an embedding"),
    ("predict pictures --model ensemble.keras", 1, "ensemble must be a MultiTaskModel, or an"),
    ("predict pictures --model gateless.keras", 1, "gateless has no gates"),
    ("predict pictures --model stereo.keras", 1, "must take pictures alone, not left, right"),
    ("predict pictures --model grey.keras", 1, "grey must take colour pictures of one known size"),
    ("predict pictures --model open.keras", 1, "of one known size, not ?×?×3"),
    ("predict pictures --model open_embedding.keras", 1, "of one known size, not ?×?×3"),
    ("predict pictures --model numbers.keras", 1, "of one known size, not 8"),
    ("predict picture --model embedding.keras", 1, "what is alike needs two or more pictures"),
    ("predict pictures --model depth.keras --model embedding.keras", 1, "embedding must be a"),
    (
        "predict pictures --model depth.keras --model oblong.keras",
        1,
        "networks that vote must agree: pictures of 16×16×3 and of 16×24×3",
    ),
    ("predict pictures --model attributes.keras", 1, "must have the task detection"),
    ("predict pictures --model depth.keras --model detection.keras", 1, "with no others"),
    ("evaluate plain.keras", 1, "plain must be a MultiTaskModel"),
    ("evaluate stereo.keras", 1, "stereo must take one square picture, not 16×16×3, 16×16×3"),
    ("evaluate oblong.keras", 1, "oblong must take one square picture, not 16×24×3"),
    ("evaluate numbers.keras", 1, "numbers must take one square picture, not 8"),
    ("evaluate depth.keras", 1, "depth cannot be scored on rooms: `size` must be an integer from"),
    ("evaluate open.keras", 1, "open must take one square picture, not ?×?×3"),
    ("evaluate FCN", 1, "FCN does not ship trained: --weights FILE says which one to score"),
    ("evaluate FCN --images 3", 2, "--images goes with a .keras file; FCN is scored as its recipe"),
    ("evaluate depth.keras --images 0", 2, "--images must be at least 1. Received: 0"),
    ("evaluate CrossStitchFCN --weights embedding.keras", 1, "must be a MultiTaskModel, as Cross"),
    ("evaluate CrossStitchFCN --weights plain.keras", 1, "plain.keras must be a MultiTaskModel"),
    ("evaluate ModulatedEmbedding --weights depth.keras", 1, "depth.keras must be an embedding"),
    ("evaluate CrossStitchFCN --weights depth.keras", 1, "segmentation, normals; depth.keras also"),
    # Pictures, and where they go.
    ("predict absent", 1, "absent must be a folder of pictures"),
    ("predict depth.keras", 1, "depth.keras must be a folder of pictures"),
    ("predict nothing", 1, "nothing holds no pictures (.jpg, "),
    ("predict pictures --output pictures/../pictures", 2, "--output must be another folder than"),
    ("predict pictures --output text.keras", 2, "--output must be in a folder that can be made"),
    ("predict pictures --output text.keras/new", 2, "that can be made: text.keras/new"),
    ("predict pictures --score 1.5", 2, "--score must be from 0 to 1. Received: 1.5"),
    ("predict pictures --score nan", 2, "--score must be from 0 to 1. Received: nan"),
    ("predict pictures --smallest-box 0", 2, "--smallest-box must be at least 1. Received: 0"),
    ("describe depth.keras --picture a.doc", 2, "--picture must end in "),
    ("describe depth.keras --picture absent/a.png", 2, "in a folder that is there: absent/a.png"),
    ("describe depth.keras --picture pictures", 2, "--picture must be a file"),
    # Exports.
    ("export depth.keras a.doc", 2, "a.doc must end in .onnx, .pt2, .tflite, .xml, .keras, or"),
    ("export depth.keras a --format doc", 2, "--format must be one of saved-model, onnx, torch, "),
    ("export depth.keras a.onnx --format torch", 2, "a file of format torch ends in .pt2: a.onnx"),
    ("export depth.keras pictures", 1, "pictures is there already: OUTPUT must have another name"),
    ("export depth.keras link.keras", 1, "link.keras is there already"),
    ("export depth.keras text.keras/a.keras", 2, "OUTPUT must be in a folder that can be made"),
    ("export detection.keras a.pt2", 1, "=tensorflow can, as .onnx or a SavedModel"),
    ("export detection.keras a.onnx", 1, "export detectors as onnx; KERAS_BACKEND=tensorflow can"),
    ("export FCN new/a.keras", 1, "FCN does not ship trained"),
    # Recipes.
    ("train nothing", 2, "there is no recipe nothing; `keras-mtl train` lists them"),
    ("train nothing --help", 2, "there is no recipe nothing"),
    ("train cross_stitch_tabel5", 2, "cross_stitch_tabel5; did you mean cross_stitch_table5?"),
    ("train --preset paper", 2, "train needs a recipe: keras-mtl train RECIPE"),
    ("train cross_stitch_table5 --foo", 2, "--foo"),
    ("train cross_stitch_table5 --seeds x", 2, "--seeds: "),
    ("train cross_stitch_table5 --seeds 0", 2, "`seeds` must be"),
    ("train cross_stitch_table5 --rows one-task split", 2, "`rows` must be one of"),
    ("train cross_stitch_table5 --preset big", 2, "`preset` must be one of ['mini', 'paper']"),
    ("train cross_stitch_table5 --data nyuv2", 2, "`data_dir` must be the folder"),
    ("train cross_stitch_table5 --set speed=1", 2, "speed=1. (see keras-mtl train cross_stitch_t"),
]
COMMANDS = (Compare, Report, New, List, Describe, Predict, Train, Evaluate, Export)


def listing(folder):
    """What a folder holds, with the bytes of its files."""
    paths = sorted(path for path in folder.rglob("*"))
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


@pytest.mark.parametrize("words, code, told", REFUSED, ids=[words for words, *_ in REFUSED])
def test_what_cannot_be_is_told_in_one_line(words, code, told, files, monkeypatch, capsys):
    """It names what is wrong and not where in the program, and leaves all files as they were."""
    monkeypatch.chdir(files)
    before = listing(files)
    assert main(shlex.split(words)) == code
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("keras-mtl: error: ") and told in line
    assert not printed.out and "--debug" not in line and " --- " not in line
    assert line.count("--help") <= 1
    assert listing(files) == before


@pytest.mark.parametrize(
    "words, told",
    [
        ("", "usage: keras-mtl COMMAND"),
        ("-h", "commands:\n  compare"),
        ("--debug", "usage: keras-mtl COMMAND"),
        ("--version", f"keras-mtl {keras_mtl.__version__}\n"),
        ("train", "cross_stitch_table5"),
        ("train --help", "keras-mtl train cross_stitch_table5 --help"),
        ("train --preset mini --help", "usage: keras-mtl train"),
        ("list", "keras-mtl describe NETWORK tells more of one."),
        ("describe -- depth.keras", "16×16×3"),
        ("describe embedding.keras", "ModulationGate"),
        ("describe open.keras", "?×?×3"),
    ],
)
def test_what_only_prints(words, told, files, monkeypatch, capsys):
    monkeypatch.chdir(files)
    before = listing(files)
    assert main(shlex.split(words)) == 0
    printed = capsys.readouterr()
    assert told in printed.out and not printed.err
    assert listing(files) == before


def test_all_commands_are_listed():
    names = [command.__name__.lower() for command in COMMANDS]
    assert names == list(keras_mtl_command.COMMANDS)


@pytest.mark.parametrize("columns", [50, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_wrapped_to_the_terminal(command, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([command.__name__.lower(), "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= min(columns, 100)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_every_option_and_an_example(command, capsys):
    name, positional = (
        command.__name__.lower(),
        ("name", "folder", "recipe", "output", "what", "file"),
    )
    assert main([name, "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"usage: keras-mtl {name} ") and not printed.err
    assert command.__doc__.splitlines()[0] == keras_mtl_command.COMMANDS[name]
    assert keras_mtl_command.COMMANDS[name] in " ".join(printed.out.split())
    assert f"    keras-mtl {name}" in printed.out
    options = [field.name for field in dataclasses.fields(command)]
    for option in options:
        assert f"--{option.replace('_', '-')} " in printed.out or option in positional


@pytest.mark.parametrize(
    "missing, words, told",
    [
        ("tyro", "list", "pip install 'keras-mtl[cli]'"),
        ("rich", "list", "pip install 'keras-mtl[cli]'"),
        ("matplotlib.pyplot", "predict pictures --model depth.keras", "'keras-mtl[plots]'"),
        ("matplotlib.pyplot", "describe depth.keras --picture a.png", "'keras-mtl[plots]'"),
        ("PIL", "predict pictures --model depth.keras", "'keras-mtl[data]'"),
        ("onnxscript", "export depth.keras a.onnx", "onnx from torch needs: pip install onnx"),
        (
            "cv2.ximgproc",
            "predict pictures --model detection.keras",
            "'keras-mtl[detection]'",
        ),
        ("openvino", "export depth.keras a.xml", "openvino from torch needs: pip install openvino"),
    ],
)
def test_what_is_not_installed_is_told_with_its_extra(
    missing, words, told, files, monkeypatch, capsys
):
    plots.pyplot().switch_backend("agg")  # What it imports by itself is not what is missing.
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr("keras_mtl.cli._systems.SMALLEST", 40)
    monkeypatch.chdir(files)
    before = listing(files)
    assert main(shlex.split(words)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line and "--debug" not in line
    assert listing(files) == before


WRITERS = {
    "describe depth.keras --picture new.png": "matplotlib.figure.Figure.savefig",
    "describe depth.keras --picture old.png": "matplotlib.figure.Figure.savefig",
    "predict pictures --model depth.keras --output new": "matplotlib.figure.Figure.savefig",
    "predict pictures --model embedding.keras --output new": "matplotlib.figure.Figure.savefig",
    "predict pictures --model depth.keras --output old": "json.dumps",
    "export depth.keras new/a.keras": "keras.Model.save",
}


@pytest.mark.parametrize("words", WRITERS)
@pytest.mark.parametrize(
    "error, code, told",
    [
        (KeyboardInterrupt(), 130, "keras-mtl: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "No space left on device"),
    ],
)
def test_nothing_is_half_written(words, error, code, told, files, tmp_path, monkeypatch, capsys):
    """What is stopped, or finds no room, keeps what was there, and adds no part of a file."""
    for name in ("depth.keras", "embedding.keras", "pictures"):
        (tmp_path / name).symlink_to(files / name)
    (tmp_path / "old.png").write_bytes(b"before")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "predictions.json").write_text("before")
    before = listing(tmp_path)

    def writes_half(*arguments, **options):
        for path in arguments[1:2]:
            path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(WRITERS[words], writes_half)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(words)) == code
    assert told in capsys.readouterr().err
    kept = listing(tmp_path)
    images = [tmp_path / "old" / f"{number}.png.png" for number in (0, 1)]
    whole = [kept.pop(path) for path in images if path in kept]
    assert all(each.startswith(b"\x89PNG") and each.endswith(b"IEND\xaeB`\x82") for each in whole)
    numbers = kept.pop(tmp_path / "new" / "predictions.json", b"{}\n")
    assert numbers == b"{}\n" and kept.pop(tmp_path / "new", None) is None
    assert kept == before


def test_errors_and_interruptions(monkeypatch, capsys):
    def fails(error):
        def run(self):
            raise error

        monkeypatch.setattr(List, "run", run)

    def told():
        return capsys.readouterr().err

    fails(KeyboardInterrupt())
    assert main(["list"]) == 130 and told() == "keras-mtl: interrupted\n"
    fails(RuntimeError("two\nlines"))
    assert main(["list"]) == 1
    assert told() == "keras-mtl: error: RuntimeError: two lines (--debug shows where)\n"
    with pytest.raises(RuntimeError):
        main(["list", "--debug"])
    monkeypatch.setenv("KERAS_MTL_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(["list"])
    monkeypatch.delenv("KERAS_MTL_DEBUG")
    fails(ValueError(f"\x1b[1mbold\x1b[0m {'x' * 1000}"))
    assert main(["list"]) == 1
    line = told()
    assert line.startswith("keras-mtl: error: bold xxx") and "x… (--debug" in line
    fails(AssertionError())
    assert main(["list"]) == 1 and "error: AssertionError (--debug" in told()


@pytest.mark.parametrize("words", ["list", "list --json", "list --help", "--version"])
def test_a_reader_that_leaves_is_no_error_of_ours(words, monkeypatch):
    """As by `| head`; what is printed last waits to be written until the end."""
    end, start = os.pipe()
    os.close(end)
    with contextlib.suppress(BrokenPipeError), open(start, "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(words.split()) == 1


@pytest.mark.parametrize("words", ["list", "describe depth.keras", "list -h", "lst", "describe"])
def test_a_screen_of_few_characters(words, files, monkeypatch, capsys):
    """Where there is no × all is told still, and no frame stands around what is wrong."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.chdir(files)
    assert main(words.split()) == (2 if words in ("lst", "describe") else 0)
    told = capsys.readouterr().err
    assert "error: ---" not in told and " --- " not in told
    assert bool(out.buffer.getvalue()) != bool(told)


def test_it_is_a_module_too(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["keras-mtl", "--version"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("keras_mtl.cli", run_name="__main__")
    assert not stop.value.code and capsys.readouterr().out.startswith("keras-mtl ")


@pytest.mark.parametrize("said, code", [("a library says no", 1), (3, 3), (0, 0), (None, 0)])
def test_a_library_that_ends_the_program_is_heard(said, code, monkeypatch, capsys):
    def end(self):
        raise SystemExit(said)

    monkeypatch.setattr(List, "run", end)
    out = sys.stdout
    assert main(["list"]) == code and sys.stdout is out
    told = f"keras-mtl: error: {said}\n" if isinstance(said, str) else ""
    assert capsys.readouterr().err == told
