"""From files in the published formats to rows of the tables."""

import dataclasses
import importlib
import json
import pkgutil
import threading

import keras
import numpy as np
import pytest
from published_files import taskonomy as taskonomy_files
from published_files.celeba import shrink_celeba, write_celeba
from published_files.cityscapes_mtl import shrink_cityscapes, write_cityscapes
from published_files.nyuv2 import shrink_nyuv2, write_nyuv2
from published_files.taskonomy import shrink_taskonomy, write_taskonomy
from published_files.ut_zappos50k import shrink_ut_zappos50k, write_ut_zappos50k
from weights.caffemodel_files import write_caffemodel

import keras_mtl.recipes
from keras_mtl import datasets
from keras_mtl.datasets import (
    LazyArray,
    _records,
    celeba,
    center_offsets,
    cityscapes_mtl,
    edge_map,
    keypoint_map,
    nyuv2,
    taskonomy,
)
from keras_mtl.recipes import (
    adashare_cityscapes,
    adashare_nyuv2,
    adashare_taskonomy,
    branched_celeba,
    branched_cityscapes,
    branched_rooms,
    branched_taskonomy,
    cross_stitch_table3,
    cross_stitch_table5,
    cross_stitch_table6,
    modulation_celeba,
    modulation_zappos50k,
)
from keras_mtl.recipes._attributes_data import AttributesData
from keras_mtl.recipes._attributes_networks import AttributesNetworks
from keras_mtl.recipes._dense_data import IMAGE_LABELS, DenseData
from keras_mtl.recipes._dense_networks import DenseNetworks
from keras_mtl.recipes._retrieval_networks import RetrievalNetworks
from keras_mtl.recipes._table import Table
from keras_mtl.study import _keep

pytestmark = pytest.mark.one_backend

# Pictures by split, as their files call them. Representations are compared on three or more.
NYUV2 = (2, 4, 5, 7, 8, 9, 10), (1, 3, 6)
CITYSCAPES = {
    "train": tuple(f"aachen_{number:06d}_000019" for number in range(24)),
    "validation": ("munster_000000_000019", "munster_000007_000019", "ulm_000000_000019"),
}
TASKONOMY = {
    "train": tuple(("uno", point, 0) for point in range(5)),
    "validation": tuple(("beach", point, 0) for point in range(3)),
    "test": (("cabin", 0, 0), ("cabin", 1, 0)),
}
CELEBA = {"train": range(1, 11), "validation": range(11, 15), "test": range(15, 25)}
# What all pictures are said to show: a class, a normal, metres, an offset, a response.
SAID = {"segmentation": 3, "normals": (0, 0, 1), "depth": 2.0, "instances": (0, 0)}
SAID |= {"keypoints": 0.25, "edges": 0.25}
READERS = {"nyuv2": nyuv2, "cityscapes_mtl": cityscapes_mtl, "taskonomy": taskonomy}
SIZES = {"nyuv2": (32, 43), "cityscapes_mtl": (24, 48), "taskonomy": (24, 24)}
PROBLEMS = {
    "nyuv2": branched_rooms.TABLE.problem,
    "cityscapes_mtl": branched_cityscapes.TABLE.problem,
    "taskonomy": adashare_taskonomy.TABLE.problem,
}
FCN_SIZE = (48, 64)  # of NYUv2, in multiples of 16
DENSE_TABLES = [
    (cross_stitch_table3.TABLE, "nyuv2", "dense", ["from one-task"]),
    (adashare_nyuv2.TABLE, "nyuv2", "ada_share", ["one-task", "AdaShare"]),
    (adashare_cityscapes.TABLE, "cityscapes_mtl", "ada_share", ["hard sharing"]),
    (adashare_taskonomy.TABLE, "taskonomy", "ada_share", ["hard sharing"]),
    (branched_rooms.TABLE, "nyuv2", "branched", ["hard sharing"]),
    (branched_cityscapes.TABLE, "cityscapes_mtl", "branched", ["one-task", "branched 2×"]),
    (branched_taskonomy.TABLE, "taskonomy", "branched", ["hard sharing"]),
]
PICTURES = {
    "AdaShare": {"policy.png", "predictions.jpg"},
    "from one-task": {"alphas.png"},
    "branched 2×": {"performance.png", "affinities.png", "trees.png"},
}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Folders of published files by the name of the data set, and what the files hold."""
    rng = np.random.default_rng(20160627)
    written = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, write, shrink, options in (
            ("nyuv2", write_nyuv2, shrink_nyuv2, NYUV2),
            ("cityscapes_mtl", write_cityscapes, shrink_cityscapes, (CITYSCAPES,)),
            ("celeba", write_celeba, shrink_celeba, (CELEBA,)),
            ("ut_zappos50k", write_ut_zappos50k, shrink_ut_zappos50k, ()),
        ):
            folder = tmp_path_factory.mktemp(name)
            written[name] = folder, write(folder, rng, *options)
            shrink(patch, *options)
        folder = tmp_path_factory.mktemp("taskonomy")
        written["taskonomy"] = folder, write_taskonomy(folder, rng, views=TASKONOMY)
        shrink_taskonomy(patch)
        yield written


@pytest.fixture
def tiny_table(tiny_settings, monkeypatch):
    """Makes `preset="tiny"` known to a table; returns a function that does it."""

    def add(table, kind, **changed):
        settings = dataclasses.replace(tiny_settings[kind], **{"tasks": None, **changed})
        tasks = table.problem.tasks
        if hasattr(settings, "task_weights"):
            settings = dataclasses.replace(
                settings,
                task_weights=dict.fromkeys(tasks, 1.0),
                one_task_iterations=dict.fromkeys(tasks, 2),
            )
        monkeypatch.setitem(table.problem.presets, "tiny", settings)
        return settings

    return add


@pytest.fixture
def command(published, tmp_path):
    """A function that runs the command line of a table; returns what `results.json` has."""

    def run(table, data, *options, output=None):
        output = output or tmp_path / "run"
        options = ["--data", data, "--data-dir", str(published[data][0]), *map(str, options)]
        table.main("", ["--preset", "tiny", *options, "--output", str(output)])
        return json.loads((output / table.recipe / "results.json").read_text())

    return run


def dense_settings(size):
    """What fits the few pictures there are."""
    return {"size": min(size), "batch_size": 1, "augmented": True}


@pytest.mark.parametrize(
    ("table", "data", "kind", "rows"),
    DENSE_TABLES,
    ids=[f"{table.recipe}-{data}" for table, data, *_ in DENSE_TABLES],
)
def test_rows_of_dense_tables(
    published, tiny_table, command, untrained, tmp_path, monkeypatch, table, data, kind, rows
):
    """Networks that say the same of every picture score what NumPy says of the truth."""
    size = FCN_SIZE if kind == "dense" else SIZES[data]
    changed = dense_settings(size)
    if kind != "dense":
        # An eighth of the training pictures, of which some are enough to compare networks on.
        changed |= {"validation_images": 3, "train_images": 24}
    if "AdaShare" in rows:
        # A preset may have fewer tasks than its table.
        changed |= {"tasks": ("segmentation", "normals"), "candidates": 0, "retrained": 1}
    settings = tiny_table(table, kind, **changed)
    shapes = set()

    def say(self, models, images):
        shapes.update(model.input_shape[1:3] for model in getattr(models, "models", models))
        return {task: said(task, images, len(self.data.class_names)) for task in self.tasks}

    monkeypatch.setattr(DenseNetworks, "predict", say)
    results = command(table, data, "--rows", *rows)
    tasks = settings.tasks if "AdaShare" in rows else table.problem.pair
    assert tuple(results["tasks"]) == tasks and list(results["rows"]) == rows
    assert shapes == {size}
    expected = expected_scores(data, published[data][0], min(size), tasks)
    assert set(expected) == set(tasks)
    for of_row in results["rows"].values():
        entry = of_row["seeds"]["0"]
        for task, scores in expected.items():
            found = {name: entry[task][name] for name in scores}
            assert found == pytest.approx(scores, rel=1e-4), task
    pictures = {path.name for path in (tmp_path / "run" / table.recipe).glob("*.[jp]*g")}
    assert pictures >= PICTURES.get(rows[-1], set())


def said(task, images, num_classes):
    shape = images.shape[:3]
    if task == IMAGE_LABELS:
        return np.ones((len(images), num_classes))
    if task == "segmentation":
        return np.broadcast_to(np.eye(num_classes)[SAID[task]], (*shape, num_classes))
    value = np.atleast_1d(SAID[task]).astype("float32")
    return np.broadcast_to(value, (*shape, len(value)))


def expected_scores(data, folder, size, tasks):
    """What NumPy says of `SAID` on the pictures that networks are tested on."""
    split = "validation" if data == "cityscapes_mtl" else "test"
    loaded = READERS[data].load(split, folder, shortest_side=size)
    truth = {name: np.asarray(column) for name, column in loaded.items()}
    truth["depth"] = truth.get("inverse_depth", truth["depth"])
    found = {}
    labels = truth["segmentation"][truth["segmentation"] < 255]
    right = np.mean(labels == SAID["segmentation"])
    shown = {SAID["segmentation"], *labels.tolist()}
    found["segmentation"] = {"pixel_accuracy": right, "mean_iu": right / len(shown)}
    if "normals" in tasks:
        known = truth["normals"][(truth["normals"] != 0).any(-1)]
        angles = np.degrees(np.arccos(np.clip(known[:, 2], -1, 1)))
        found["normals"] = {
            "mean_angular_error": angles.mean(),
            "within_30": np.mean(angles < 30),
        }
    if "depth" in tasks:
        depth = truth["depth"][truth["depth"] > 0].astype(float)
        wrong = np.abs(depth - SAID["depth"])
        found["depth"] = {
            "absolute_error": wrong.mean(),
            "relative_error": np.mean(wrong / depth),
        }
    if "instances" in tasks:
        found["instances"] = {"absolute_error": mean_offset(truth["instances"])}
    for task, make in (("keypoints", keypoint_map), ("edges", edge_map)):
        if task in tasks:
            values = truth[task] if task in truth else make(truth["image"])
            found[task] = {"absolute_error": np.abs(values - SAID[task]).mean()}
    if IMAGE_LABELS in tasks:
        # All pictures are said to be equally likely to show a class.
        shares = [
            np.mean([number in picture for picture in truth["segmentation"]])
            for number in range(len(taskonomy.CLASSES))
        ]
        found[IMAGE_LABELS] = {"mean_ap": np.mean([share for share in shares if share])}
    return found


def mean_offset(instances):
    """The mean distance of objects' pixels from their centres along an axis."""
    distances = []
    for picture in instances:
        for number in set(picture.ravel().tolist()) - {0}:
            places = np.argwhere(picture == number)
            distances.append(np.abs(places - places.mean(axis=0)).ravel() / max(picture.shape))
    return np.concatenate(distances).mean()


@pytest.mark.parametrize("data", SIZES)
def test_dense_data_are_read_where_they_are_used(published, tiny_settings, monkeypatch, data):
    problem = PROBLEMS[data]
    tasks = problem.tasks
    settings = dataclasses.replace(
        tiny_settings["branched"],
        task_weights=dict.fromkeys(tasks, 1.0),
        validation_images=3,
        **dense_settings(SIZES[data]),
    )
    read, make = [], _records._Column.__call__

    def count(self, number):
        read.append(number)
        return make(self, number)

    monkeypatch.setattr(_records._Column, "__call__", count)
    loaded = problem.load(data, settings, published[data][0])
    assert not read
    parts = {"train": loaded.train, "validation": loaded.validation, "test": loaded.test}
    for part in parts.values():
        assert set(tasks) < set(part)
        assert all(isinstance(column, LazyArray) for column in part.values())
        assert len({len(column) for column in part.values()}) == 1
        assert part["image"].shape[1:] == (*SIZES[data], 3)
        images = np.asarray(part["image"])
        for task, make_map in (("keypoints", keypoint_map), ("edges", edge_map)):
            if task in tasks and data != "taskonomy":
                np.testing.assert_array_equal(part[task], make_map(images))
    pictures = {
        split: [image.tobytes() for image in part["image"]] for split, part in parts.items()
    }
    count = 3 if data == "taskonomy" else 1  # of eight
    assert len(pictures["validation"]) == count
    assert not set(pictures["train"]) & set(pictures["validation"])
    assert not set(pictures["test"]) & {*pictures["train"], *pictures["validation"]}
    whole = READERS[data].load("train", published[data][0], shortest_side=settings.size)
    rows = {image.tobytes(): number for number, image in enumerate(whole["image"])}
    drawn = [] if data == "taskonomy" else pictures["validation"]
    assert {*pictures["train"], *drawn} == set(list(rows)[: settings.train_images])
    # The columns of a part are of the same pictures.
    for split in ("train", *(["validation"] if drawn else [])):
        places = [rows[picture] for picture in pictures[split]]
        for task in ("segmentation", "depth"):
            column = "inverse_depth" if data == "cityscapes_mtl" and task == "depth" else task
            np.testing.assert_array_equal(parts[split][task], whole[column][places])
    if "instances" in tasks:
        places = [rows[picture] for picture in pictures["train"]]
        offsets = center_offsets(np.asarray(whole["instances"])[places])
        np.testing.assert_array_equal(parts["train"]["instances"], offsets)


def test_classes_that_pictures_show(published, tiny_settings):
    problem = branched_taskonomy.TABLE.problem
    settings = dataclasses.replace(
        tiny_settings["branched"],
        task_weights=dict.fromkeys(problem.tasks, 1.0),
        size=taskonomy_files.SIDE,
    )
    folder, truth = published["taskonomy"]
    loaded = problem.load("taskonomy", settings, folder)
    for split in ("train", "validation", "test"):
        found = getattr(loaded, split)[IMAGE_LABELS]
        assert isinstance(found, LazyArray) and found.dtype == "float32"
        assert found.shape == (len(TASKONOMY[split]), 17)
        # In the files 0 is uncertain, and the classes count from 1.
        expected = [np.isin(np.arange(1, 18), labels) for labels in truth[split]["labels"]]
        np.testing.assert_array_equal(found, expected)


class Stop(Exception):
    pass


def test_training_from_files_is_taken_up_again(
    published, tiny_table, command, tmp_path, monkeypatch, capsys
):
    """Augmented batches, which two threads read ahead; the run is stopped behind every epoch."""
    table, options = cross_stitch_table5.TABLE, ["--tasks", "normals", "--rows", "one-task"]
    tiny_table(
        table,
        "dense",
        size=min(FCN_SIZE),
        batch_size=3,
        augmented=True,
        one_task_iterations={"normals": 4},
        further_iterations=2,
    )
    readers, make = set(), _records._Column.__call__

    def note(self, number):
        readers.add(threading.current_thread())
        return make(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(_records._Column, "__call__", note)
        whole = command(table, "nyuv2", *options, output=tmp_path / "whole")
    assert len(readers - {threading.main_thread()}) >= 2
    keep = _keep.Keep.on_epoch_end

    def keep_and_stop(self, epoch, logs=None):
        keep(self, epoch, logs)
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(_keep, "EVERY", -1)
        patch.setattr(_keep.Keep, "on_epoch_end", keep_and_stop)
        for _epoch in range(3):
            with pytest.raises(Stop):
                command(table, "nyuv2", *options)
    assert "one-task normals (first part): step 2 of 4" in capsys.readouterr().out
    stopped = command(table, "nyuv2", *options)
    ours, theirs = (each["rows"]["one-task"]["seeds"]["0"] for each in (stopped, whole))
    assert ours["normals"] == theirs["normals"]
    capsys.readouterr()
    (tmp_path / "run" / table.recipe / "results.json").unlink()
    assert command(table, "nyuv2", *options) == stopped
    said = capsys.readouterr().out
    assert "2 trainings, 2 of them done" in said and "step" not in said.replace("steps", "")
    files = [sorted((tmp_path / run / "study").rglob("*.keras")) for run in ("whole", "run")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    for paths in zip(*files, strict=True):
        networks = [keras.models.load_model(path) for path in paths]
        for ours, theirs in zip(*(model.get_weights() for model in networks), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert networks[0].input_shape == (None, *FCN_SIZE, 3)


def test_towers_start_from_a_checkpoint(published, tiny_table, command, untrained, tmp_path, rng):
    table = cross_stitch_table5.TABLE
    # Without a rate they stay where they start.
    settings = tiny_table(table, "dense", **dense_settings(FCN_SIZE), learning_rate=0.0)
    data = DenseData("nyuv2", settings, published["nyuv2"][0])
    of_random = DenseNetworks(settings, data, ["normals"], tmp_path / "random", 0)
    kernels = {
        weight.path.split("/")[-2].removeprefix("normals_"): weight.shape
        for weight in of_random.one_task("normals").weights
        if weight.path.endswith("kernel") and "head" not in weight.path
    }
    arrays = {
        name: [rng.normal(size=(shape[3], shape[2], *shape[:2])), rng.normal(size=shape[3])]
        for name, shape in kernels.items()
        if len(shape) == 4
    }
    path = tmp_path / "alexnet.caffemodel"
    write_caffemodel(path, arrays)
    command(table, "nyuv2", "--weights", path, "--rows", "one-task")
    files = sorted((tmp_path / "run" / "study" / "networks").glob("*.keras"))
    assert len(files) == 4
    for file in files:
        weights = {
            each.path: keras.ops.convert_to_numpy(each)
            for each in keras.models.load_model(file).weights
        }
        found = {
            name: next(value for path, value in weights.items() if path.endswith(name))
            for name in ("conv1/kernel", "fc7/bias")
        }
        # Of BGR pixels in the file, here of RGB that the network scales.
        kernel = arrays["conv1"][0].transpose(2, 3, 1, 0)[:, :, ::-1]
        scale = settings.network["rescale"]
        np.testing.assert_allclose(found["conv1/kernel"] * scale, kernel, rtol=1e-5)
        np.testing.assert_allclose(found["fc7/bias"], arrays["fc7"][1], rtol=1e-6)


def test_faces_as_tasks_that_branch(
    published, tiny_table, command, untrained, tmp_path, monkeypatch
):
    table, names = branched_celeba.TABLE, celeba.TASK_NAMES
    tiny_table(table, "attributes", size=32, train_images=10, test_images=9, batch_size=4)
    loaded = []

    def few_attributes(*arguments):
        data = AttributesData(*arguments)
        assert data.attribute_names == names
        data.attribute_names = names[:3]
        for part in (data.train, data.validation, data.test):
            part["attributes"] = part["attributes"][:, :3]
        loaded.append(data)
        return data

    monkeypatch.setitem(vars(table.problem), "load", few_attributes)
    results = command(table, "celeba", "--rows", "one-task", "branched 2×")
    (data,) = loaded
    folder, truth = published["celeba"]
    for split, count in (("train", 10), ("validation", 4), ("test", 9)):
        part, numbers = getattr(data, split), np.array(CELEBA[split])[:count] - 1
        assert isinstance(part["image"], LazyArray)
        assert part["image"].shape == (count, 32, 32, 3)
        np.testing.assert_array_equal(part["attributes"], truth["attributes"][numbers, :3])
    networks = AttributesNetworks(
        table.problem.presets["tiny"], data, ("attributes",), tmp_path / "run" / "seed_0", 0
    )
    images = np.asarray(data.test["image"], "float32")
    expected = {
        name: np.mean(
            (networks.one_task(name).predict_on_batch(images)[name][:, 0] > 0)
            == data.test["attributes"][:, column]
        )
        for column, name in enumerate(names[:3])
    }
    entry = results["rows"]["one-task"]["seeds"]["0"]["attributes"]
    assert entry["accuracies"] == pytest.approx(expected)
    for picture in PICTURES["branched 2×"]:
        assert (tmp_path / "run" / table.recipe / picture).stat().st_size > 1000


def test_faces_that_are_alike(published, tiny_table, command, untrained, tmp_path, monkeypatch):
    table = modulation_celeba.TABLE
    tiny_table(table, "retrieval", size=48)
    folder, truth = published["celeba"]
    train, test = (truth["attributes"][np.array(CELEBA[split]) - 1] for split in ("train", "test"))
    even = np.argsort(np.abs(train.mean(axis=0) - 0.5), kind="stable")[:2]

    def by_attribute(self, model, tasks):
        images = self.data.test["image"]
        assert isinstance(images, LazyArray) and images.shape == (10, 48, 48, 3)
        return {
            task: test[:, [column]].astype("float32")
            for task, column in zip(tasks, even, strict=True)
        }

    # Embeddings that are the attribute itself: nothing else finds all the faces that are alike.
    monkeypatch.setattr(RetrievalNetworks, "_embedded", by_attribute)
    results = command(table, "celeba", "--rows", "modulated")
    scores = results["rows"]["modulated"]["seeds"]["0"]["retrieval"]
    assert list(scores["tasks"]) == [celeba.TASK_NAMES[column] for column in even]
    assert scores["triplet_accuracy"] == scores["recall@1"] == scores["mean_ap"] == 1
    for picture in ("storage.png", "compliance.png", "neighbours.png"):
        assert (tmp_path / "run" / table.recipe / picture).stat().st_size > 1000


def test_shoes_and_their_triplets(published, tiny_table, command, untrained, tmp_path, monkeypatch):
    table = modulation_zappos50k.TABLE
    settings = tiny_table(table, "retrieval", size=48)
    folder, truth = published["ut_zappos50k"]

    # Shoes are of one colour each.
    def color(self, model, tasks):
        return dict.fromkeys(
            tasks, np.asarray(self.data.test["image"], "float32").mean(axis=(1, 2))
        )

    monkeypatch.setattr(RetrievalNetworks, "_embedded", color)
    results = command(table, "ut_zappos50k", "--rows", "one-task", "modulated")
    for of_row in results["rows"].values():
        by_task = of_row["seeds"]["0"]["retrieval"]["tasks"]
        assert list(by_task) == ["class", "closure"]
        for task, scores in by_task.items():
            shoes = truth["row"][truth["triplets"][task, "test"]]
            # In the files the far one comes before the close one.
            anchor, negative, positive = np.moveaxis(truth["color"][shoes].astype(float), 1, 0)
            nearer = ((anchor - positive) ** 2).sum(1) < ((anchor - negative) ** 2).sum(1)
            assert scores["triplet_accuracy"] == pytest.approx(nearer.mean())
    assert (tmp_path / "run" / table.recipe / "neighbours.png").stat().st_size > 1000

    data = table.problem.load("ut_zappos50k", settings, folder)
    assert isinstance(data.train["image"], LazyArray)
    networks = RetrievalNetworks(settings, data, ("retrieval",), tmp_path / "learned", 0)
    (images, task), _ = networks._batches(networks.tasks, 0)[0]
    seen = images.mean(axis=(1, 2))[:, None]
    shoes = np.abs(seen - truth["color"].astype(float)).sum(axis=-1).argmin(axis=1)
    for number, name in enumerate(networks.tasks):
        given = truth["row"][truth["triplets"][name, "train"]][:, [0, 2, 1]].tolist()
        learned = shoes[task == number].reshape(-1, 3).tolist()
        assert len(learned) == settings.triplets_per_task
        assert all(triplet in given for triplet in learned)


def of_all_recipes():
    """The tables of all recipes that have one."""
    names = [each.name for each in pkgutil.iter_modules(keras_mtl.recipes.__path__)]
    public = [f"keras_mtl.recipes.{name}" for name in names if name[0] != "_"]
    modules = [importlib.import_module(name) for name in public]
    return [module.TABLE for module in modules if isinstance(getattr(module, "TABLE", None), Table)]


def test_data_without_their_folder():
    asked = set()
    for table in of_all_recipes():
        for data in table.problem.data_sets[1:]:
            with pytest.raises(SystemExit, match=f"--data {data} needs --data-dir"):
                table.main("", ["--data", data])
            asked.add(data)
    assert asked == {*SIZES, "celeba", "ut_zappos50k", "voc2008_attributes"}


@pytest.mark.parametrize(
    ("table", "data", "lacking"),
    [
        (branched_cityscapes.TABLE, "nyuv2", "instances"),
        (adashare_nyuv2.TABLE, "cityscapes_mtl", "normals"),
    ],
)
def test_tasks_that_the_data_lack(published, tiny_table, tmp_path, table, data, lacking):
    tiny_table(table, "branched", validation_images=3, **dense_settings(SIZES[data]))
    folder = published[data][0]
    with pytest.raises(SystemExit, match=f"--data {data} has no {lacking}"):
        table.run("tiny", data=data, data_dir=folder, output=tmp_path)


@pytest.mark.parametrize(
    "table, data",
    [
        (branched_rooms.TABLE, "nyuv2"),
        (adashare_taskonomy.TABLE, "taskonomy"),
        (branched_cityscapes.TABLE, "cityscapes_mtl"),
        (branched_celeba.TABLE, "celeba"),
        (modulation_celeba.TABLE, "celeba"),
        (modulation_zappos50k.TABLE, "ut_zappos50k"),
    ],
)
def test_a_folder_of_data_that_cannot_be_written(published, tmp_path, monkeypatch, table, data):
    """What is made of the files goes where `--cache-dir` says."""

    class Called(Exception):
        pass

    def run(self, data_dir, cache_dir, **options):
        raise Called(data_dir, cache_dir)

    def records(name, split, data_dir, cache_dir=None, *options, **others):
        raise Called(data_dir, cache_dir)

    monkeypatch.setattr(Table, "run", run)
    monkeypatch.setitem(getattr(datasets, data).load.__globals__, "Records", records)
    for call in (
        lambda: table.main("", ["--data", data, "--data-dir", "files", "--cache-dir", "cache"]),
        lambda: table.problem.load(data, table.problem.presets["mini"], "files", "cache"),
    ):
        with pytest.raises(Called) as raised:
            call()
        assert raised.value.args == ("files", "cache")


def test_rendered_rooms_go_there_too(monkeypatch):
    for table in (
        branched_rooms.TABLE,
        adashare_nyuv2.TABLE,
        branched_celeba.TABLE,
        modulation_celeba.TABLE,
        cross_stitch_table6.TABLE,
    ):
        folders = []

        def note(*arguments, cache_dir=None, folders=folders):
            folders.append(cache_dir)
            raise OSError

        monkeypatch.setattr(datasets.rooms, "load", note)
        with pytest.raises(OSError):
            table.problem.load("rooms", table.problem.presets["mini"], None, "cache")
        assert folders == ["cache"]
