"""From files in the published formats to rows of the tables."""

import dataclasses
import threading

import keras
import numpy as np
import pytest
from keras import ops
from published_files import taskonomy as taskonomy_files
from published_files.celeba import shrink_celeba, write_celeba
from published_files.cityscapes_mtl import shrink_cityscapes, write_cityscapes
from published_files.nyuv2 import shrink_nyuv2, write_nyuv2
from published_files.taskonomy import shrink_taskonomy, write_taskonomy
from published_files.ut_zappos50k import shrink_ut_zappos50k, write_ut_zappos50k
from published_files.voc2008_attributes import shrink_voc2008_attributes, write_voc2008_attributes
from tiny_recipes import ALL, tiny_settings
from weights.caffemodel_files import write_caffemodel

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
from keras_mtl.recipes.problems import retrieval
from keras_mtl.recipes.problems.deeplab import DeepLabStudy
from keras_mtl.recipes.problems.dense import IMAGE_LABELS
from keras_mtl.study import Budget, Study, _keep, progress

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
    "nyuv2": ALL["branched_rooms"],
    "cityscapes_mtl": ALL["branched_cityscapes"],
    "taskonomy": ALL["adashare_taskonomy"],
}
FCN_SIZE = (48, 64)  # of NYUv2, in multiples of 16
DENSE_TABLES = [
    ("cross_stitch_table3", "nyuv2", ["from one-task"]),
    ("adashare_nyuv2", "nyuv2", ["one-task", "AdaShare"]),
    ("adashare_cityscapes", "cityscapes_mtl", ["hard sharing"]),
    ("adashare_taskonomy", "taskonomy", ["hard sharing"]),
    ("balancing_rooms", "nyuv2", ["hard sharing + DBMTL"]),
    ("branched_rooms", "nyuv2", ["hard sharing"]),
    ("branched_cityscapes", "cityscapes_mtl", ["one-task", "branched 2×"]),
    ("branched_taskonomy", "taskonomy", ["hard sharing"]),
]
QUICK = ("cross_stitch_table3", "adashare_nyuv2", "branched_cityscapes")
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
def command(published, monkeypatch, tmp_path):
    """A function that runs a recipe in miniature on published files; returns its results."""

    def run(name, data, rows, output=None, tasks=None, weights=None, **changed):
        recipe = ALL[name]
        settings = tiny_settings(recipe, **{"tasks": None, **changed})
        if hasattr(settings, "task_weights"):
            weighted = dict.fromkeys(recipe.problem.tasks, 1.0)
            settings = dataclasses.replace(settings, task_weights=weighted)
        monkeypatch.setitem(recipe.presets, "tiny", settings)
        given = {"rows": tuple(rows), "tasks": tuple(tasks or ()), "weights": weights or ""}
        folders = {"data_dir": published[data][0], "output": output or tmp_path / "run"}
        return recipe.run(preset="tiny", data=data, **given, **folders)

    return run


def dense_settings(size):
    """What fits the few pictures there are."""
    return {"size": min(size), "batch_size": 1, "augmented": True}


@keras.saving.register_keras_serializable("tests")
class Said(keras.layers.Layer):
    """A head that says the same of every picture."""

    def __init__(self, values, size, **options):
        super().__init__(**options)
        self.values, self.size = list(values), tuple(size)

    def call(self, features):
        batch = ops.shape(features)[0]
        shape = (batch, *self.size, len(self.values))
        said = ops.convert_to_tensor(self.values, features.dtype)
        # Gradients find their way, and are zero.
        return ops.broadcast_to(said, shape) + 0 * ops.sum(features)

    def compute_output_shape(self, shape):
        return (shape[0], *self.size, len(self.values))

    def get_config(self):
        return {**super().get_config(), "values": self.values, "size": self.size}


@pytest.mark.parametrize(
    ("name", "data", "rows"),
    [
        pytest.param(
            *each, marks=[pytest.mark.slow] * (each[0] not in QUICK), id="-".join(each[:2])
        )
        for each in DENSE_TABLES
    ],
)
def test_rows_of_dense_tables(
    published, command, untrained, tmp_path, monkeypatch, name, data, rows
):
    """Networks that say the same of every picture score what NumPy says of the truth."""
    recipe = ALL[name]
    size = FCN_SIZE if name.startswith("cross_stitch") else SIZES[data]
    changed, tasks = dense_settings(size), recipe.problem.default_tasks
    if name.startswith("cross_stitch"):
        tasks = ("segmentation", "depth")  # Of normals it says words of a codebook.
    else:
        # An eighth of the training pictures, of which some are enough to compare networks on.
        changed |= {"validation_images": 3, "train_images": 24}
    if "AdaShare" in rows:
        # A preset may have fewer tasks than its table.
        tasks = ("segmentation", "normals")
        changed |= {"candidates": 0, "retrained": 1}

    def say(study, head, seed, place):
        known = {id(task.head): each for each, task in study.tasks.items()}
        task, classes = known[id(head)], None
        if task in ("segmentation", IMAGE_LABELS):
            classes = len(study.tasks[task].classes or taskonomy.CLASSES)
        if task == IMAGE_LABELS:
            return Said(np.ones(classes).tolist(), ())
        value = np.eye(classes)[SAID[task]] if classes else np.atleast_1d(SAID[task])
        return Said(value.tolist(), study.train.x.shape[1:3])

    for study in (Study, DeepLabStudy):
        monkeypatch.setattr(study, "head", say)
    results = command(name, data, rows, tasks=tasks, **changed)
    assert tuple(results["tasks"]) == tasks and set(rows) <= set(results["rows"])
    expected = expected_scores(data, published[data][0], min(size), tasks)
    assert set(expected) == set(tasks)
    for of_row in results["rows"].values():
        entry = of_row["seeds"]["0"]
        for task, scores in expected.items():
            found = {score: entry[task][score] for score in scores}
            assert found == pytest.approx(scores, rel=1e-4), task
    networks = (tmp_path / "run" / "study" / "networks").glob("*.keras")
    shapes = {keras.models.load_model(path).input_shape[1:3] for path in networks}
    assert shapes == {size}
    pictures = {path.name for path in (tmp_path / "run" / name).glob("*.[jp]*g")}
    assert pictures >= PICTURES.get(rows[-1], set())


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
def test_dense_data_are_read_where_they_are_used(published, monkeypatch, data):
    problem = PROBLEMS[data].problem
    tasks = problem.tasks
    settings = tiny_settings(
        ALL["branched_rooms"],
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


def test_classes_that_pictures_show(published):
    problem = ALL["branched_taskonomy"].problem
    weights = dict.fromkeys(problem.tasks, 1.0)
    settings = tiny_settings(ALL["branched_rooms"], task_weights=weights, size=taskonomy_files.SIDE)
    folder, truth = published["taskonomy"]
    loaded = problem.load("taskonomy", settings, folder)
    for split in ("train", "validation", "test"):
        found = loaded.examples(split, [IMAGE_LABELS])[1][IMAGE_LABELS]
        assert isinstance(found, LazyArray) and found.dtype == "float32"
        assert found.shape == (len(TASKONOMY[split]), 17)
        # In the files 0 is uncertain, and the classes count from 1.
        expected = [np.isin(np.arange(1, 18), labels) for labels in truth[split]["labels"]]
        np.testing.assert_array_equal(found, expected)


class Stop(Exception):
    pass


def test_training_from_files_is_taken_up_again(published, command, tmp_path, monkeypatch, capsys):
    """Augmented batches, which two threads read ahead; the run is stopped behind every epoch."""
    name = "cross_stitch_table5"
    changed = {
        "size": min(FCN_SIZE),
        "batch_size": 3,
        "validation_images": 1,
        "augmented": True,
        "steps": Budget(4, 2),
    }
    options = {"rows": ["one-task"], "tasks": ("normals",), **changed}
    readers, make = set(), _records._Column.__call__

    def note(self, number):
        readers.add(threading.current_thread())
        return make(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(_records._Column, "__call__", note)
        whole = command(name, "nyuv2", output=tmp_path / "whole", **options)
    assert len(readers - {threading.main_thread()}) >= 2
    keep = _keep.Keep.on_epoch_end

    def keep_and_stop(self, epoch, logs=None):
        keep(self, epoch, logs)
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(_keep, "EVERY", -1)
        patch.setattr(_keep, "TOLD", -1)
        patch.setattr(progress, "EVERY", -1)
        patch.setattr(_keep.Keep, "on_epoch_end", keep_and_stop)
        for _epoch in range(3):
            with pytest.raises(Stop):
                command(name, "nyuv2", **options)
    assert "0 of 3: seed 0, one-task normals (first part): step 2 of 4" in capsys.readouterr().out
    stopped = command(name, "nyuv2", **options)
    ours, theirs = (each["rows"]["one-task"]["seeds"]["0"] for each in (stopped, whole))
    assert ours["normals"] == theirs["normals"]
    capsys.readouterr()
    (tmp_path / "run" / name / "results.json").unlink()
    assert command(name, "nyuv2", **options) == stopped
    said = capsys.readouterr().out
    assert (
        "2 networks to train with 1 seed, 2 of them done." in said
        and "step" not in said.replace("steps", "")
    )
    files = [sorted((tmp_path / run / "study").rglob("*.keras")) for run in ("whole", "run")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    for paths in zip(*files, strict=True):
        networks = [keras.models.load_model(path) for path in paths]
        for ours, theirs in zip(*(model.get_weights() for model in networks), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert networks[0].input_shape == (None, *FCN_SIZE, 3)


def test_towers_start_from_a_checkpoint(published, command, tmp_path, rng):
    # Without a rate they stay where they start.
    name, changed = "cross_stitch_table5", {**dense_settings(FCN_SIZE), "rate": 0.0}
    command(name, "nyuv2", ["one-task"], output=tmp_path / "random", tasks=("normals",), **changed)
    (path, *_) = (tmp_path / "random" / "study" / "networks").glob("*.keras")
    kernels = {
        weight.path.split("/")[-2].removeprefix("normals_"): weight.shape
        for weight in keras.models.load_model(path).weights
        if weight.path.endswith("kernel") and "head" not in weight.path
    }
    arrays = {
        layer: [rng.normal(size=(shape[3], shape[2], *shape[:2])), rng.normal(size=shape[3])]
        for layer, shape in kernels.items()
        if len(shape) == 4
    }
    path = tmp_path / "alexnet.caffemodel"
    write_caffemodel(path, arrays)
    command(name, "nyuv2", ["one-task"], weights=path, **changed)
    files = sorted((tmp_path / "run" / "study" / "networks").glob("*.keras"))
    assert len(files) == 4
    scale = tiny_settings(ALL[name]).network["rescale"]
    for file in files:
        weights = {
            each.path: keras.ops.convert_to_numpy(each)
            for each in keras.models.load_model(file).weights
        }
        found = {
            each: next(value for path, value in weights.items() if path.endswith(each))
            for each in ("conv1/kernel", "fc7/bias")
        }
        # Of BGR pixels in the file, here of RGB that the network scales.
        kernel = arrays["conv1"][0].transpose(2, 3, 1, 0)[:, :, ::-1]
        np.testing.assert_allclose(found["conv1/kernel"] * scale, kernel, rtol=1e-5)
        np.testing.assert_allclose(found["fc7/bias"], arrays["fc7"][1], rtol=1e-6)


@pytest.mark.slow
def test_faces_as_tasks(published, command, untrained, monkeypatch):
    """From the files' attributes to accuracies of networks that have each for a task."""
    problem, names = ALL["branched_celeba"].problem, celeba.TASK_NAMES
    loaded, load = [], problem.load

    def few_attributes(*arguments):
        data = load(*arguments)
        assert data["names"] == names
        loaded.append({**data, "names": names[:3]})
        return loaded[0]

    monkeypatch.setitem(vars(problem), "load", few_attributes)
    counts = {"train_images": 10, "validation_images": 4, "test_images": 9}
    results = command("branched_celeba", "celeba", ["one-task"], size=32, batch_size=4, **counts)
    (data,) = loaded
    folder, truth = published["celeba"]
    for split, count in (("train", 10), ("validation", 4), ("test", 9)):
        part, numbers = data[split], np.array(CELEBA[split])[:count] - 1
        assert isinstance(part["image"], LazyArray)
        assert part["image"].shape == (count, 32, 32, 3)
        for column, name in enumerate(names[:3]):
            np.testing.assert_array_equal(part[name][:, 0], truth["attributes"][numbers, column])
    assert list(results["rows"]["one-task"]["seeds"]["0"]["attributes"]["accuracies"]) == list(
        names[:3]
    )


def test_faces_that_are_alike(published, command, untrained, tmp_path, monkeypatch):
    folder, truth = published["celeba"]
    train = truth["attributes"][np.array(CELEBA["train"]) - 1]
    even = np.argsort(np.abs(train.mean(axis=0) - 0.5), kind="stable")[:2]

    def by_attribute(model, images, tasks):
        assert isinstance(images, LazyArray) and images.shape[1:] == (48, 48, 3)
        split = "test" if len(images) == len(CELEBA["test"]) else "validation"
        of_part = truth["attributes"][np.array(CELEBA[split]) - 1]
        columns = {task: celeba.TASK_NAMES.index(task) for task in tasks}
        return {task: of_part[:, [column]].astype("float32") for task, column in columns.items()}

    # Embeddings that are the attribute itself: nothing else finds all the faces that are alike.
    monkeypatch.setattr(retrieval, "_embedded", by_attribute)
    results = command("modulation_celeba", "celeba", ["modulated"], size=48)
    scores = results["rows"]["modulated"]["seeds"]["0"]["retrieval"]
    assert list(scores["tasks"]) == [celeba.TASK_NAMES[column] for column in even]
    assert scores["triplet_accuracy"] == scores["recall@1"] == scores["mean_ap"] == 1


def test_shoes_and_their_triplets(published, command, untrained, tmp_path, monkeypatch):
    folder, truth = published["ut_zappos50k"]

    # Shoes are of one colour each.
    def color(model, images, tasks):
        return dict.fromkeys(tasks, np.asarray(images, "float32").mean(axis=(1, 2)))

    monkeypatch.setattr(retrieval, "_embedded", color)
    name = "modulation_zappos50k"
    results = command(name, "ut_zappos50k", ["one-task", "modulated"], size=48)
    for of_row in results["rows"].values():
        by_task = of_row["seeds"]["0"]["retrieval"]["tasks"]
        assert list(by_task) == ["class", "closure"]
        for task, scores in by_task.items():
            shoes = truth["row"][truth["triplets"][task, "test"]]
            # In the files the far one comes before the close one.
            anchor, negative, positive = np.moveaxis(truth["color"][shoes].astype(float), 1, 0)
            nearer = ((anchor - positive) ** 2).sum(1) < ((anchor - negative) ** 2).sum(1)
            assert scores["triplet_accuracy"] == pytest.approx(nearer.mean())
    assert (tmp_path / "run" / name / "neighbours.png").stat().st_size > 1000

    settings = ALL[name].presets["tiny"]
    data = ALL[name].problem.load("ut_zappos50k", settings, folder)
    assert isinstance(data["train"]["image"], LazyArray)
    tasks = list(data["train"]["labels"])
    batches = retrieval.Triplets(data["train"], settings).batches(dict.fromkeys(tasks), 0, 0)
    (images, task), _ = batches[0]
    seen = images.mean(axis=(1, 2))[:, None]
    shoes = np.abs(seen - truth["color"].astype(float)).sum(axis=-1).argmin(axis=1)
    for number, each in enumerate(tasks):
        given = truth["row"][truth["triplets"][each, "train"]][:, [0, 2, 1]].tolist()
        learned = shoes[task == number].reshape(-1, 3).tolist()
        assert len(learned) == settings.triplets_per_task
        assert all(triplet in given for triplet in learned)


def test_photographs_and_their_regions(tmp_path, monkeypatch, untrained):
    """From the published files to a row of the table; regions are searched once."""
    pytest.importorskip("cv2")
    write_voc2008_attributes(tmp_path)
    shrink_voc2008_attributes(monkeypatch)
    recipe = ALL["cross_stitch_table6"]
    counts = {"train_images": 2, "validation_images": 1, "test_images": 1, "batch_size": 1}
    settings = tiny_settings(recipe, **counts, shortest_side=30)
    data = recipe.problem.load("voc2008_attributes", settings, tmp_path, tmp_path / "cache")
    assert len(data.test["image"]) == 1 and data.test["names"] == ["2008_000015.jpg"]
    assert max(data.train["image"][0].shape[:2]) <= 32
    assert len(data.train["image"]) == len(data.train["boxes"]) == len(data.train["proposals"])
    assert list((tmp_path / "cache" / "proposals").iterdir())
    assert not set(data.train["names"]) & set(data.validation["names"])
    monkeypatch.setitem(recipe.presets, "tiny", settings)
    folders = {"data_dir": tmp_path, "cache_dir": tmp_path / "cache", "output": tmp_path / "run"}
    results = recipe.run(preset="tiny", data="voc2008_attributes", rows=["one-task"], **folders)
    assert len(results["rows"]["one-task"]["seeds"]["0"]["attributes"]["ap"]) == 64


def test_data_without_their_folder():
    asked = set()
    for recipe in ALL.values():
        for data in recipe.problem.data_sets[1:]:
            with pytest.raises(ValueError, match=f"`data_dir` must be the folder .*{data}"):
                recipe.run(data=data)
            asked.add(data)
    assert asked == {*SIZES, "celeba", "ut_zappos50k", "voc2008_attributes"}


@pytest.mark.parametrize(
    ("name", "data", "lacking"),
    [
        ("branched_cityscapes", "nyuv2", "instances"),
        ("adashare_nyuv2", "cityscapes_mtl", "normals"),
    ],
)
def test_tasks_that_the_data_lack(published, name, data, lacking):
    settings = tiny_settings(ALL[name], validation_images=3, **dense_settings(SIZES[data]))
    with pytest.raises(ValueError, match=f"Received: '{data}', which has no {lacking}"):
        ALL[name].problem.load(data, settings, published[data][0])


@pytest.mark.parametrize(
    "name, data",
    [
        ("branched_rooms", "nyuv2"),
        ("adashare_taskonomy", "taskonomy"),
        ("branched_cityscapes", "cityscapes_mtl"),
        ("branched_celeba", "celeba"),
        ("modulation_celeba", "celeba"),
        ("modulation_zappos50k", "ut_zappos50k"),
    ],
)
def test_a_folder_of_data_that_cannot_be_written(monkeypatch, name, data):
    """What is made of the files goes where `cache_dir` says."""

    class Called(Exception):
        pass

    def records(name, split, data_dir, cache_dir=None, *options, **others):
        raise Called(data_dir, cache_dir)

    monkeypatch.setitem(getattr(datasets, data).load.__globals__, "Records", records)
    with pytest.raises(Called) as raised:
        ALL[name].run(data=data, data_dir="files", cache_dir="cache")
    assert raised.value.args == ("files", "cache")


@pytest.mark.parametrize("name", ALL)
def test_rendered_rooms_go_there_too(monkeypatch, name):
    if name == "multi_fashion":
        return
    folders = []

    def note(*arguments, cache_dir=None):
        folders.append(cache_dir)
        raise OSError

    monkeypatch.setattr(datasets.rooms, "load", note)
    with pytest.raises(OSError):
        ALL[name].run(cache_dir="cache")
    assert folders == ["cache"]
