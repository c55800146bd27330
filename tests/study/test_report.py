"""The page of a study: what it says is what the records say, and it needs nothing else."""

import html.parser
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import keras
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_curve
from small_studies import examples, network, tasks

import keras_mtl
from keras_mtl import plots
from keras_mtl.study import (
    Contender,
    RecordedStudy,
    Study,
    branched,
    cross_stitch,
    hard_sharing,
)
from keras_mtl.study.report import Page
from keras_mtl.study.report._by_class import ByClass
from keras_mtl.study.report._cells import predicted_cell, truth_cell
from keras_mtl.study.report._drawings import _curve, _front
from keras_mtl.study.report._facts import facts, table_of
from keras_mtl.study.report._looks import look_at_data, look_at_row
from keras_mtl.study.report._pulls import pulls

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
COLOURS = ["red", "<green>", "blue"]


def pictures(count, seed):
    """Discs: how large, of which colour, and where; a tenth of the first two is not known."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:8, :8]
    radius, colour = rng.uniform(1, 4, count), rng.integers(3, size=count)
    disc = (rows - 4) ** 2 + (columns - 4) ** 2 < radius[:, None, None] ** 2
    x = rng.uniform(0, 0.3, (count, 8, 8, 3))
    x += disc[..., None] * np.eye(3)[colour][:, None, None] / 2
    known = rng.random((2, count)) > 0.1
    return x.astype("float32"), {
        "size": np.where(known[0], radius, np.nan)[:, None].astype("float32"),
        "colour": np.where(known[1], colour, -1),
        "disc": disc.astype("uint8"),
    }


def pooled(units):
    return keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(units)])


def study_of_pictures(folder, contenders):
    def tower(seed):
        image = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="one")(image)
        return keras.Model(image, keras.layers.Conv2D(4, 3, padding="same", name="two")(x))

    known = {
        "size": keras_mtl.Task.regression(head=lambda seed: pooled(1)),
        "colour": keras_mtl.Task.classification(COLOURS, head=lambda seed: pooled(3)),
        "disc": keras_mtl.Task.segmentation(["no", "yes"], head=keras.layers.Conv2D(2, 1)),
    }
    parts = (pictures(count, seed) for seed, count in enumerate((24, 12, 20)))
    options = {"steps": 6, "seeds": 2, "batch_size": 8, "cuts": ["one", "two"]}
    return Study(tower, known, *parts, contenders=contenders, folder=folder, **options)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    # `Branched` with a name that HTML must not take for its own.
    own = Contender("<own> & only", keras_mtl.sharing.Branched.split("two"))
    ready = [hard_sharing(), cross_stitch(), branched(), own]
    study = study_of_pictures(tmp_path_factory.mktemp("report") / "study", ready)
    return study.run()


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    return found.report(tmp_path_factory.mktemp("page") / "report.html").read_text()


class Reader(html.parser.HTMLParser):
    """What stands where in a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.ids, self.rows = [], "", [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_data(self, data):
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip("\n")


@pytest.mark.whole_network
def test_it_says_what_the_table_says(found, page):
    read = Reader(page)
    words = " ".join(read.text.split()).lower()
    for line in str(found).split("\n\n")[2].splitlines():
        _, _, sentence = line.partition(": ")
        assert sentence.lower() in words
    rows = {row[0]: row for row in read.rows if len(row) == 11}
    assert list(found.scores) == [name for name in rows if name in found.scores]
    for contender, gap in found.differences().items():
        cells = rows[contender]
        assert f"{gap.mean:+z.1f}" == cells[4]
        assert f"{gap.low:+z.1f} to {gap.high:+z.1f}" == cells[5]
        scores = [each["test"]["colour"]["accuracy"] for each in found.scores[contender].values()]
        assert cells[2].startswith(f"{100 * np.mean(scores):.4g}")
        macs = next(iter(found.scores[contender].values()))["macs"]
        assert cells[8] == f"{macs / 1e6:,.1f}"


@pytest.mark.whole_network
def test_it_asks_for_nothing_else(page):
    read = Reader(page)
    links = [
        value
        for _, attributes in read.tags
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset", "action", "data")
    ]
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttp", page)
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)


@pytest.mark.whole_network
def test_its_parts_are_whole_and_named_once(found, page):
    read = Reader(page)
    inner = [each for each in read.ids if each.startswith(("parameters--", "loss--"))]
    assert len(set(inner)) >= len(found._compared)
    sections = [attributes["id"] for tag, attributes in read.tags if tag == "section"]
    assert sections == [
        *("answers", "table", "costs", "learning", "sharing", "pulls", "classes", "examples"),
        *("networks", "settings"),
    ]
    anchors = [attributes["href"][1:] for tag, attributes in read.tags if tag == "a"]
    assert set(anchors) <= set(read.ids)
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 3 + 1 + 4 + 2  # Costs, curves, what is shared, classes.
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.attrib["aria-label"]
    defined = [each for each in re.findall(r'<(?:path|clipPath) id="([^"]+)"', page)]
    for part in set(re.findall(r"url\(#([^)]+)\)|href=\"#(m[0-9a-f]{9,})\"", page)):
        assert max(part) in defined
    images = [attributes["alt"] for tag, attributes in read.tags if tag == "img"]
    assert len(images) == 4 * (1 + 3) and all(images)


@pytest.mark.whole_network
def test_names_are_no_code(page):
    assert "mathdefault" not in page and "$" not in re.sub(r"<script>.*", "", page, flags=re.S)
    assert "<own>" not in page and "&lt;own&gt; &amp; only" in page
    assert "<green>" not in page and "&lt;green&gt;" in page


@pytest.mark.whole_network
def test_it_is_drawn_anew_from_the_folder_alone(found, page, tmp_path):
    folder = tmp_path / "moved"
    shutil.copytree(found.study.folder, folder)
    for file in (folder / "networks").glob("*.keras"):
        file.unlink()
    again = RecordedStudy(folder).found()
    assert str(again).partition("further rows")[0] == str(found).partition("further rows")[0]
    text = again.report(tmp_path / "report.html").read_text()
    assert text.replace(str(folder.resolve()), str(found.study.folder.resolve())) == page


@pytest.mark.whole_network
def test_networks_that_were_removed_are_not_trained_for_it(found, tmp_path, monkeypatch):
    folder = tmp_path / "moved"
    shutil.copytree(found.study.folder, folder)
    shutil.rmtree(folder / "looks")
    for file in (folder / "networks").glob("*.keras"):
        file.unlink()
    monkeypatch.setattr(found.study, "folder", folder)
    page = Reader(found.report(tmp_path / "report.html").read_text())
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert "table" in sections and not {"sharing", "pulls", "classes"} & set(sections)


@pytest.mark.whole_network
def test_what_a_notebook_shows(found, page):
    assert found._repr_html_().startswith("<pre") and "&lt;own&gt;" in found._repr_html_()
    shown = found.notebook()
    assert isinstance(shown, Page) and shown.text == page
    assert Reader(shown._repr_html_()).tags[0][1]["srcdoc"] == page


@pytest.mark.whole_network
def test_curves_add_up_the_losses_of_networks_apart(found):
    (row,) = (each for each in found.study.rows if (each.contender, each.seed) == ("one-task", 1))
    steps, losses = _curve(found.study, row)
    # An epoch of 24 examples, of which some have no label of a size, is of two steps of eight.
    assert steps.tolist() == [2, 3, 5, 6]
    records = [found.study.record_of(each) for each in row.networks]
    assert losses[-1] == pytest.approx(sum(each["loss"][-1] for each in records))
    starts = [found.study.record_of(of) for each in row.networks for of in each.start]
    assert losses[1] == pytest.approx(sum(each["loss"][-1] for each in starts))


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, Debian's package of that name")
@pytest.mark.whole_network
@pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
@pytest.mark.parametrize("width", [400, 1400])
def test_a_browser_shows_it(page, tmp_path, width, scheme):
    """Without a word on its console, a request, or a page that is wider than the screen."""
    asks = "<script>document.body.dataset.is = (document.documentElement.scrollWidth <= innerWidth)"
    asks += (
        " + ' ' + matchMedia('(prefers-color-scheme: dark)').matches + ' ' + innerWidth</script>"
    )
    (tmp_path / "inner.html").write_text(page.replace("</body>", f"{asks}</body>"))
    # Headless Chromium has no window below 500 pixels; a frame may be narrower.
    frame = f"<iframe src=inner.html style='width: {width}px; height: 900px; border: 0'></iframe>"
    tells = "onload = () => document.body.dataset.is = frames[0].document.body.dataset.is"
    (tmp_path / "page.html").write_text(f"<body>{frame}<script>{tells}</script></body>")
    log = tmp_path / "requests.json"
    command = [
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--enable-logging=stderr", f"--log-net-log={log}", "--window-size=1600,1000"),
        *("--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'user'}"),
        *(f"--blink-settings=preferredColorScheme={scheme}", "--virtual-time-budget=3000"),
        *("--dump-dom", f"file://{tmp_path / 'page.html'}"),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in run.stderr, run.stderr
    (shown,) = re.findall(r'data-is="([^"]+)"', run.stdout)
    assert shown == f"true {'true' if scheme == 0 else 'false'} {width}"
    asked = re.findall(r'"url":"([^"]+)"', log.read_text())
    assert not [url for url in asked if url.startswith("http") and "inner" in url]


def test_front_has_what_no_cheaper_one_beats():
    points = [(3, 5.0), (1, 1.0), (2, 0.5), (3, 4.0), (4, 5.0), (5, 6.0)]
    assert _front(points) == [(1, 1.0), (3, 5.0), (5, 6.0)]


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", [(), (3, 2)], ids=["rows", "pixels"])
def test_classes_are_scored_as_by_others(rng, shape):
    task = keras_mtl.Task.classification(4)
    labels = rng.integers(-1, 3, (20, *shape))  # One class is nowhere, and some are not known.
    outputs = rng.normal(size=(20, *shape, 4))
    counted = ByClass(task)
    for some in (slice(0, 7), slice(7, 20)):
        counted.add(labels[some], labels[some] >= 0, outputs[some])
    known = labels >= 0
    matrix = confusion_matrix(labels[known], outputs.argmax(-1)[known], labels=range(4))
    hits, truths = matrix.diagonal(), matrix.sum(1)
    whole = truths + matrix.sum(0) - hits if shape else truths
    np.testing.assert_allclose(counted.scores()[:3], hits[:3] / whole[:3])
    assert np.isnan(counted.scores()[3])
    assert counted.unit == ("IU" if shape else "share found")


@pytest.mark.one_backend
def test_attributes_are_scored_as_by_others(rng):
    counted = ByClass(keras_mtl.Task.attributes(2))
    labels, outputs = rng.integers(0, 2, (30, 2)), rng.normal(size=(30, 2))
    known = rng.random((30, 2)) > 0.2
    counted.add(labels, known, outputs)
    for attribute, score in enumerate(counted.scores()):
        those = known[:, attribute]
        precision, recall, _ = precision_recall_curve(
            labels[those, attribute], outputs[those, attribute]
        )
        # The area under what is the best precision from a recall on.
        precision = np.maximum.accumulate(precision)
        assert score == pytest.approx(-np.sum(np.diff(recall) * precision[:-1]))


@pytest.mark.one_backend
def test_cells():
    kind = keras_mtl.Task.classification(["cat", "dog"])
    assert predicted_cell(kind, np.array([0.2, 0.8]), None) == {"text": "dog 80 %"}
    assert truth_cell(kind, np.array(1), np.array(True), None) == {"text": "dog"}
    assert truth_cell(kind, np.array(-1), np.array(False), None) == {"text": "–"}
    traits = keras_mtl.Task.attributes(["red", "round", "old"])
    assert predicted_cell(traits, np.array([0.9, 0.1, 0.7]), None) == {"text": "red, old"}
    assert predicted_cell(traits, np.array([0.1, 0.1, 0.1]), None) == {"text": "none"}
    age = keras_mtl.Task.regression(4)
    assert predicted_cell(age, np.arange(4.0), None) == {"text": "0, 1, 2 …"}
    depth = predicted_cell(keras_mtl.Task.depth(), np.ones((400, 600, 1)), (0.0, 2.0))
    assert depth["image"].startswith("data:image/png;base64,")


@pytest.mark.one_backend
def test_tables_are_shaded_by_their_numbers():
    (row,) = table_of({"rows": ["a"], "values": [[-0.5, 0.25, float("nan"), -0.001]]})
    assert [cell["text"] for cell in row["cells"]] == ["−0.50", "0.25", "–", "0.00"]
    assert [cell["share"] for cell in row["cells"]] == [1.0, 0.5, 0.0, 0.002]
    assert row["cells"][0]["negative"] and not row["cells"][1]["negative"]


def test_what_is_looked_at(tmp_path):
    """On every backend: predictions, gradients and what is true, of a network of two tasks."""
    parts = (examples(count, seed) for seed, count in enumerate((20, 12, 12)))
    study = Study(
        lambda seed: network(),
        tasks(),
        *parts,
        steps=4,
        seeds=1,
        batch_size=8,
        cuts=["dense0"],
        contenders=[hard_sharing()],
        folder=tmp_path / "study",
    )
    study.run()
    row = study.rows[-1]
    look, data, pulled = look_at_row(study, row), look_at_data(study), pulls(study, row)
    assert look["stages"].startswith("<svg") and look["learned"] == []
    assert [len(cells) for cells in look["shown"].values()] == [4, 4]
    recalls = look["classes"]["species"]["scores"]
    labels = study.test.y["species"]
    accuracy = np.nansum(recalls * np.bincount(labels, minlength=3)) / len(labels)
    assert accuracy == pytest.approx(study.record_of(row)["test"]["species"]["accuracy"])
    assert data["classes"]["species"] == np.bincount(study.train.y["species"]).tolist()
    model = study.network(row.networks[0])
    study.compile(model, row.networks[0])
    batch = study.validation.batches({task: task for task in study.tasks}, 8)
    cosines = []
    for number in range(2):
        gradients = keras_mtl.gradients.task_gradients(model, batch[number])
        one, two = (
            np.concatenate([g.ravel() for path, g in of.items() if "dense0" in path])
            for of in gradients.values()
        )
        cosines.append(one @ two / np.linalg.norm(one) / np.linalg.norm(two))
    assert pulled["stages"][0] == "dense0" and pulled["pairs"] == ["age, species"]
    assert pulled["cosines"][0][0] == pytest.approx(np.mean(cosines), abs=1e-5)
    assert pulled["compliance"][0][0] == np.mean(np.array(cosines) > 0)


def of_numbers(count, seed):
    """Labels of every form that goes with features of a vector."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4)).astype("float32")
    kinds = rng.integers(0, 3, count)
    return x, {
        "a: $b$": x[:, :1],
        "prices": kinds,
        "one_hot": np.eye(3)[kinds],
        "by_name": rng.integers(0, 2, (count, 1)).astype("float32"),
        "traits": rng.integers(-1, 2, (count, 2)),
        "yes_or_no": rng.integers(0, 2, count),
    }


def tasks_of_numbers():
    dense, task = keras.layers.Dense, keras_mtl.Task
    logit = keras.losses.BinaryCrossentropy(from_logits=True)
    one_hot = keras.losses.CategoricalCrossentropy(from_logits=True)
    return {
        "a: $b$": task.regression(),
        "prices": task.classification(["$", "$$", "<$$$>"]),
        "one_hot": task(dense(3), one_hot, metrics=["accuracy"]),
        "by_name": task(dense(1, "sigmoid"), "binary_crossentropy"),
        "traits": task.attributes(2),
        "yes_or_no": task(dense(1), logit),
    }


def of_maps(count, seed):
    """Labels of every form that goes with features of pixels; of the last class there is none."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 6, 6, 1)).astype("float32")
    normals = rng.normal(size=(count, 6, 6, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[0] = 0
    return x, {
        "labels": rng.integers(0, 3, (count, 6, 6)),
        "normals": normals.astype("float32"),
        "depth": rng.uniform(0.1, 3, (count, 6, 6, 1)).astype("float32"),
        "offsets": rng.normal(size=(count, 6, 6, 3)).astype("float32"),
        "mask": rng.integers(0, 2, (count, 6, 6, 1)),
    }


def tasks_of_maps():
    conv, task = keras.layers.Conv2D, keras_mtl.Task
    logit = keras.losses.BinaryCrossentropy(from_logits=True)
    return {
        "labels": task.segmentation(4, head=conv(4, 1)),
        "normals": task.normals(head=conv(3, 1)),
        "depth": task.depth(head=conv(1, 1)),
        "offsets": task.map(3, head=conv(3, 1)),
        "mask": task(conv(1, 1), logit),
    }


@pytest.mark.whole_network
@pytest.mark.parametrize(
    "examples_of, tasks, layer",
    [
        (of_numbers, tasks_of_numbers, lambda name: keras.layers.Dense(4, "tanh", name=name)),
        (of_maps, tasks_of_maps, lambda name: keras.layers.Conv2D(3, 1, name=name)),
    ],
)
def test_labels_and_outputs_of_every_form(examples_of, tasks, layer, tmp_path):
    parts = [examples_of(12, seed) for seed in range(3)]

    def tower(seed):
        image = keras.Input(parts[0][0].shape[1:])
        return keras.Model(image, layer("two $")(layer("one $")(image)))

    study = Study(
        tower,
        tasks(),
        *parts,
        steps=2,
        seeds=1,
        batch_size=6,
        cuts=["one $"],
        contenders=["hard sharing"],
        folder=tmp_path / "study",
    )
    with plots.pyplot().style.context("dark_background"):  # One of the caller's.
        known = facts(study.run())
    assert known["unseen"] == [] and "currentColor" in known["curves"]
    shown = {(each["task"], each["of"]): each["cells"] for each in known["shown"]["columns"]}
    assert len(shown) == 3 * len(study.tasks)
    if examples_of is of_numbers:
        yes = [{"text": ["no", "yes"][label]} for label in parts[2][1]["yes_or_no"][:4]]
        assert shown["yes_or_no", "truth"] == yes
        drawn = [each["task"] for each in known["classes"]]
        assert drawn == ["prices", "one_hot", "by_name", "traits", "yes_or_no"]
    else:
        assert all("image" in cell for cells in shown.values() for cell in cells[1:])
        assert shown["normals", "truth"][0] == {"text": "–"}


@pytest.mark.whole_network
def test_what_cannot_be_looked_at_does_not_cost_the_page(tmp_path, monkeypatch):
    """Nor what has failed, or has not come yet."""
    parts = [examples(12, seed) for seed in range(3)]
    wrong = Contender("wrong", keras_mtl.sharing.Branched.split("nowhere"))
    study = Study(
        lambda seed: network(),
        tasks(),
        *parts,
        steps=2,
        seeds=2,
        batch_size=6,
        cuts=["dense0"],
        contenders=[hard_sharing(), wrong],
        folder=tmp_path / "study",
    )

    def half(study, jobs, ended):
        for job in jobs:
            if job.hash not in {row.hash for row in study.rows if row.seed == 1}:
                job.run(study)

    monkeypatch.setattr("keras_mtl.study.report._looks.input_cell", None)
    found = study.run(half)
    page = Reader(found.report(tmp_path / "report.html").read_text())
    assert "does not fit" in page.text and "data: TypeError" in page.text
    monkeypatch.undo()
    assert facts(found)["unseen"] == []  # It was not kept.


@pytest.mark.one_backend
def test_numbers_are_not_compared_across_places(tmp_path):
    x = np.zeros((4, 6, 6, 1), "float32")
    image = keras.Input((6, 6, 1))
    tower = keras.Model(image, keras.layers.Conv2D(2, 1, name="one")(image))
    part = x, {"age": np.zeros((4, 1), "float32")}
    with pytest.raises(ValueError, match="a head of features of pixels has to pool them"):
        Study(
            tower,
            {"age": keras_mtl.Task.regression()},
            *[part] * 3,
            steps=2,
            cuts=[],
            folder=tmp_path,
        )


@pytest.mark.one_backend
def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`folder` must be that of a study that has run"):
        RecordedStudy(tmp_path)
    (tmp_path / "declared.json").write_text(json.dumps({"tasks": {}}))
    with pytest.raises(ValueError, match="`folder` must hold a whole file of `a study`"):
        RecordedStudy(tmp_path)
