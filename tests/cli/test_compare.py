"""From a folder of pictures, or a file of one's own, to a page."""

import io
import json
import pickle
import re
import sys

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from small_studies import examples, network, tasks
from tiny_recipes import ALL, tiny_settings

import keras_mtl
from keras_mtl.cli import _minutes, _problem, main
from keras_mtl.cli._live import LiveTable
from keras_mtl.cli._towers import known_towers, tower_of
from keras_mtl.study import Contender, hard_sharing, split
from keras_mtl.study._work import work_once
from keras_mtl.study.table import lines

pytestmark = pytest.mark.one_backend


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Forty squares, of a size, a colour and at a place; some labels are missing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    rng, rows = np.random.default_rng(0), ["file,size,colour,mask"]
    for number in range(40):
        side, colour = rng.integers(3, 12), number % 2
        mask = np.zeros((16, 16), "uint8")
        mask[2 : 2 + side, 2 : 2 + side] = 1
        pixels = np.full((16, 16, 3), 60, "uint8")
        pixels[mask > 0, colour] = 220
        Image.fromarray(pixels).save(f"photos/{number}.png")
        Image.fromarray(mask).save(f"photos/mask{number}.png")
        word = "" if number % 10 == 3 else ["red", "green"][colour]
        rows.append(f"{number}.png,{side / 2},{word},mask{number}.png")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    return tmp_path


OPTIONS = ["--labels", "labels.csv", "--size", "16", "--steps", "2", "--seeds", "1"]


def test_from_a_folder_to_a_page(photos, capsys):
    words = ["compare", "photos", *OPTIONS, "--contenders", "hard sharing", "split at relu3a"]
    assert main([*words, "--plan"]) == 0
    planned = capsys.readouterr().out
    assert planned.count("colour  classification      36  green, red") == 1
    assert "28 pictures to learn from, 6 to choose by, 6 to report on; 16×16 pixels." in planned
    assert "hard sharing" in planned and "cross-stitch" not in planned
    assert main(words) == 0
    printed = capsys.readouterr().out
    page = photos / "what_to_share" / "report.html"
    assert printed.splitlines()[-1] == f"All of it as a page: {page}"
    assert "colour: hard sharing" in printed or "colour: networks of their own" in printed
    assert "What should size, colour and mask share?" in page.read_text()
    assert main([*words, "--json"]) == 0  # Nothing is trained again.
    printed = capsys.readouterr()
    answers = strict(printed.out)
    assert list(answers["scores"]) == ["one-task", "hard sharing", "split at relu3a"]
    assert answers["best"] is None and answers["page"] == str(page)
    assert re.search(r"(\d+) networks to train with 1 seed, \1 of them done\.", printed.err)


def strict(text):
    """JSON as others read it: without NaN."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize("columns", ["size", "colour", "size colour"])
def test_tables_without_maps(photos, columns, capsys):
    rows = [line.split(",") for line in (photos / "labels.csv").read_text().splitlines()]
    place = {"size": 1, "colour": 2}
    kept = [0, *(place[name] for name in columns.split())]
    lines = [",".join(row[number] for number in kept) for row in rows]
    (photos / "labels.csv").write_text("\n".join(lines))
    assert main(["compare", "photos", *OPTIONS, "--contenders", "ensemble", "--json"]) == 0
    answers = strict(capsys.readouterr().out)
    assert list(answers["best_of_tasks"]) == columns.split()


def test_a_study_of_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    assert main(["new", "own_problem.py"]) == 0
    text = (tmp_path / "own_problem.py").read_text()
    assert main(["new", "own_problem.py"]) == 2
    assert (tmp_path / "own_problem.py").read_text() == text
    assert "is there already" in capsys.readouterr().err
    short = text.replace("steps=300", "steps=4").replace("seeds=3", "seeds=1")
    (tmp_path / "own_problem.py").write_text(short.replace('"auto"', '["hard sharing"]'))
    assert main(["compare", "own_problem.py"]) == 0
    assert (tmp_path / "what_to_share" / "report.html").is_file()
    capsys.readouterr()
    assert main(["compare", "own_problem:study", "--plan"]) == 0
    assert "6 networks to train with 1 seed, 6 of them done." in capsys.readouterr().out


LAUNCHER = """
def backwards(study, jobs, progress):
    while jobs:
        ended = [job for job in jobs if all(study.is_done(each) for each in job.after)][-1]
        ended.run(study)
        progress(ended)
        jobs.remove(ended)
"""


def test_the_example_in_minutes_by_a_launcher(tmp_path, monkeypatch, capsys):
    """What was timed once is taken again: else all would be trained anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setitem(_problem.PRESETS, "mini", tiny_settings(ALL["cross_stitch_table5"]))
    (tmp_path / "launcher_of_mine.py").write_text(LAUNCHER)
    timed = _minutes._timed
    monkeypatch.setattr(_minutes, "_timed", lambda declare, steps: 0.1 + steps / 10)
    words = "compare --data rooms --minutes 0.1 --seeds 1 --batch-size 2 --contenders".split()
    words += ["hard sharing", "--launcher", "launcher_of_mine.py:backwards"]
    monkeypatch.setattr("keras_mtl.study.launchers.local", None)
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert main([*words, "--minutes", "0.001"]) == 2
    assert "--minutes must be at least 0.1 for these" in capsys.readouterr().err
    (steps,) = json.loads((tmp_path / "what_to_share" / "minutes.json").read_text()).values()
    assert f"{steps} steps for each network, from the time that one takes here.\n" in printed
    assert "segmentation: " in printed and (tmp_path / "what_to_share" / "report.html").exists()
    assert timed(lambda steps, folder: make(folder, steps=steps), 2) > 0
    monkeypatch.setattr(_minutes, "_timed", None)
    assert main([*words, "--plan"]) == 0
    printed = capsys.readouterr().out
    assert f"{steps} steps for each network, as before.\n" in printed
    assert "6 networks to train with 1 seed, 6 of them done" in printed
    # Whoever is refused by the folder does not change it.
    known = (tmp_path / "what_to_share" / "minutes.json").read_text()
    few = tiny_settings(ALL["cross_stitch_table5"], train_images=6)
    monkeypatch.setitem(_problem.PRESETS, "mini", few)
    assert main([*words, "--minutes", "7"]) == 2
    assert "--folder must be new" in capsys.readouterr().err
    assert (tmp_path / "what_to_share" / "minutes.json").read_text() == known


def test_steps_in_minutes_are_those_of_what_steps_take(tmp_path, monkeypatch):
    """Not of what networks take to be built and compiled, which is the same for all lengths."""

    def timed(declare, steps):
        return 20 + 0.01 * steps

    def declare(steps, folder):
        return make(folder, steps=steps, contenders=["hard sharing"], seeds=1)

    monkeypatch.setattr(_minutes, "_timed", timed)
    study = declare(4, tmp_path / "known")
    jobs, first = study.waiting(), study.trainings[0]
    once = sum(work_once(study, job) for job in jobs) / work_once(study, first)
    for minutes in (10, 20):
        steps, _ = _minutes.steps_within(minutes, declare, tmp_path / "study")
        # Of six networks each has half of the steps; those of two tasks take a little longer.
        expected = (60 * minutes - 20 * once) / (0.01 * 6 / 2)
        assert 0.6 * expected < steps < expected


def test_the_example_goes_to_other_processes(monkeypatch, tmp_path):
    monkeypatch.setitem(_problem.PRESETS, "mini", tiny_settings(ALL["cross_stitch_table5"]))
    study = _problem.study_of_rooms(steps=2, seeds=1, contenders=["hard sharing"], folder=tmp_path)
    again = pickle.loads(pickle.dumps(study))
    assert [each.hash for each in again.rows] == [each.hash for each in study.rows]


def test_a_table_that_stays_in_its_place(tmp_path):
    """On a narrow terminal, too: with what is scored, what runs, and what waits."""
    wrong = Contender("wrong [once]", keras_mtl.sharing.Branched.split("nowhere"))
    named = [hard_sharing(), split("dense1"), wrong]
    study = make(tmp_path, contenders=named, seeds=1)
    live, shown = None, []

    def launcher(study, jobs, progress):
        nonlocal live
        live = progress
        for job in jobs:
            job.run(study)
            if hasattr(job, "steps"):
                progress.at(job, job.steps // 2, 0.5)
                shown.append(text(progress))
            progress(job)

    study.run(launcher, LiveTable)
    assert "step 1 of 2, loss 0.5" in shown[0] and "split at dense1" in shown[0]
    said = " ".join(shown[0].split())
    assert "0 of 14 done · about" in said and "Ctrl-C stops, the same command goes on" in said
    assert "age mae ↓" in shown[0]
    assert lines(study.found())["hard sharing"][1] in text(live) and live.share == 1
    assert "[once]" in text(live) and "(failed)" in text(live) and len(text(live).splitlines()) < 16


def make(folder, **options):
    parts = [examples(12, seed) for seed in range(3)]
    options = {"steps": 4, "cuts": ["dense0"], "batch_size": 6, "folder": folder, **options}
    return keras_mtl.Study(network(), tasks(), *parts, **options)


def text(live):
    console = Console(file=io.StringIO(), width=72)
    console.print(live._shown())
    return console.file.getvalue()


@pytest.mark.parametrize(
    "words, code, message",
    [
        ("photos", 2, "a folder of pictures needs --labels"),
        ("photos --labels none.csv", 1, "none.csv"),
        ("photos --labels labels.csv --size 4", 2, "--size must be one or two numbers"),
        ("photos --labels labels.csv --task size", 2, "--task must be a column and its kind"),
        ("photos --labels labels.csv --task age:map", 2, "--task must be of columns of the table"),
        ("photos --labels labels.csv --task size:number", 2, "kind of 'size'"),
        ("photos --labels labels.csv --tower MobilNetV2", 2, "did you mean MobileNetV2?"),
        ("photos --labels labels.csv --contenders hard", 2, "--contenders must be"),
        (
            "photos --labels labels.csv --minutes 1 --steps 9",
            2,
            "--minutes or --steps: one of them",
        ),
        ("photos --labels labels.csv --minutes -1", 2, "--minutes must be above 0: -1"),
        ("photos --labels labels.csv --seeds 0", 2, "--seeds must be"),
        ("photos --labels labels.csv --folder labels.csv/out", 2, "--folder must be one that can"),
        ("photos --labels labels.csv --launcher json:none", 2, "Received: json:none"),
        ("photos --launcher json:dumps --processes 2", 2, "one of them says who trains"),
        ("photos --launcher nothing.py:go", 2, "there is no file nothing.py"),
        ("photos --launcher nothing:go", 2, "there is no module nothing"),
        ("photos --launcher json", 2, "of a function such as keras_mtl.study:local. Received: js"),
        ("photos --data rooms", 2, "--data rooms takes no folder, file or module. Received: phot"),
        ("--data rooms --size 8", 2, "--size goes with a folder of pictures, not with --data ro"),
        ("", 2, "compare needs a folder of pictures, a file or module"),
        ("problem.py", 2, "there is no file problem.py (keras-mtl new problem.py"),
        ("problem.py --labels labels.csv", 2, "--labels goes with a folder of pictures"),
        ("no_such_module", 2, "no_such_module must be a folder of pictures, a file such as"),
        ("json:dumps", 1, "dumps() missing"),
        ("json:decoder", 1, "json must have a keras_mtl.Study"),
    ],
)
def test_refusals(photos, words, code, message, capsys):
    assert main(["compare", *words.split()]) == code
    assert message in capsys.readouterr().err
    assert not (photos / "what_to_share").exists()


def test_networks_by_name():
    assert {"small", "MobileNetV2", "ResNet50", "EfficientNetB0"} <= set(known_towers())
    small = tower_of("small", (32, 40))
    assert small.output_shape == (None, 4, 5, 96)
    other = tower_of("mobilenetv2", (32, 32))
    assert other.output_shape == (None, 1, 1, 1280)
