"""The recipes at a miniature size."""

import dataclasses

import keras
import pytest

from keras_mtl.recipes import (
    _ada_share_networks,
    _networks,
    adashare_nyuv2,
    branched_rooms,
    modulation_zappos50k,
)
from keras_mtl.recipes._attributes import ATTRIBUTES
from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._detection import DETECTION
from keras_mtl.towers import resnet

ADA_SHARE = adashare_nyuv2.TABLE.problem
BRANCHED = branched_rooms.TABLE.problem
RETRIEVAL = modulation_zappos50k.TABLE.problem

# A ResNet of one block a stage; `shallow` makes it known.
SHALLOW = 10

TINY = dataclasses.replace(
    DENSE.presets["mini"],
    size=32,
    train_images=8,
    validation_images=5,
    test_images=5,
    batch_size=4,
    network={"width": 0.03, "stem_strides": 2, "padding": "same", "rescale": 1 / 64},
    one_task_iterations={task: 4 for task in DENSE.tasks},
    further_iterations=4,
    latent_size=5,
)
TINY_DETECTION = dataclasses.replace(
    DETECTION.presets["mini"],
    canvas=(32, 32),
    train_images=8,
    test_images=5,
    batch_size=4,
    proposals=8,
    rois_per_image=4,
    network={"width": 0.03, "stem_strides": 2, "rescale": 1 / 64},
    one_task_iterations={"detection": 4, "attributes": 4},
    further_iterations=4,
    latent_size=5,
)

TINY_ADA_SHARE = dataclasses.replace(
    ADA_SHARE.presets["mini"],
    size=32,
    train_images=20,
    test_images=5,
    validation_images=4,
    batch_size=4,
    network={"depth": SHALLOW, "width": 0.03, "features": 4},
    one_task_iterations={"segmentation": 4, "normals": 4, "depth": 4},
    further_iterations=4,
    warm_up_rounds=1,
    rounds=2,
    turns=(2, 1),
    candidates=2,
    retrained=2,
)

TINY_BRANCHED = dataclasses.replace(
    BRANCHED.presets["mini"],
    size=32,
    train_images=8,
    test_images=5,
    validation_images=6,
    batch_size=4,
    network={"depth": SHALLOW, "width": 0.06, "features": 4},
    one_task_iterations=dict.fromkeys(branched_rooms.WEIGHTS, 2),
    further_iterations=2,
)
TINY_ATTRIBUTES = dataclasses.replace(
    ATTRIBUTES.presets["mini"],
    picture_size=48,
    train_images=8,
    test_images=5,
    validation_images=4,
    batch_size=8,
    network={"width": 4},
    one_task_iterations={"attributes": 2},
    further_iterations=2,
)
TINY_RETRIEVAL = dataclasses.replace(
    RETRIEVAL.presets["mini"],
    picture_size=64,
    smallest=6,
    train_images=20,
    test_images=12,
    num_tasks=2,
    triplets_per_task=2,
    network={"width": 0.1, "size": 8},
    one_task_iterations={"retrieval": 4},
    steps_an_epoch=2,
    judged_triplets=50,
    compliance_batches=2,
)


def make_tiny(monkeypatch, problem, settings, data):
    """Makes `preset="tiny"` known to a problem, whatever its data set; returns the settings."""
    monkeypatch.setitem(problem.presets, "tiny", settings)
    # A dataclass that is frozen has no other way.
    monkeypatch.setitem(vars(problem), "load", lambda *arguments: data)
    return settings


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """Half of what the smallest ResNet is, for most of these tests' time is building networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(resnet.BLOCKS, SHALLOW, (1, 1, 1, 1))
        yield


@pytest.fixture(scope="session")
def tiny_settings():
    """All settings at that size, by the kind of problem."""
    return {
        "dense": TINY,
        "ada_share": TINY_ADA_SHARE,
        "branched": TINY_BRANCHED,
        "attributes": TINY_ATTRIBUTES,
        "retrieval": TINY_RETRIEVAL,
    }


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """The settings, and the data that goes with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield TINY, DENSE.load("rooms", TINY)


@pytest.fixture
def tiny(tiny_data, monkeypatch):
    """Makes `preset="tiny"` known to the recipes."""
    return make_tiny(monkeypatch, DENSE, *tiny_data)


@pytest.fixture(scope="session")
def tiny_detection_data(tmp_path_factory):
    """The settings of detection, and the data that goes with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield TINY_DETECTION, DETECTION.load("rooms", TINY_DETECTION)


@pytest.fixture
def tiny_detection(tiny_detection_data, monkeypatch):
    """Makes `preset="tiny"` known to the recipes of detection."""
    return make_tiny(monkeypatch, DETECTION, *tiny_detection_data)


@pytest.fixture(scope="session")
def tiny_ada_share_data(tmp_path_factory):
    """The settings of AdaShare, and the data that goes with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield TINY_ADA_SHARE, ADA_SHARE.load("rooms", TINY_ADA_SHARE)


@pytest.fixture
def tiny_ada_share(tiny_ada_share_data, monkeypatch):
    """Makes `preset="tiny"` known to AdaShare's recipe."""
    return make_tiny(monkeypatch, ADA_SHARE, *tiny_ada_share_data)


@pytest.fixture(scope="session")
def tiny_branched_data(tmp_path_factory):
    """The settings of branched networks, and the data that goes with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield TINY_BRANCHED, BRANCHED.load("rooms", TINY_BRANCHED)


@pytest.fixture
def tiny_branched(tiny_branched_data, monkeypatch):
    """Makes `preset="tiny"` known to the recipe of branched networks."""
    return make_tiny(monkeypatch, BRANCHED, *tiny_branched_data)


@pytest.fixture(scope="session")
def tiny_attributes_data(tmp_path_factory):
    """The settings of attributes as tasks, and the data that goes with them: five of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        data = ATTRIBUTES.load("rooms", TINY_ATTRIBUTES)
    data.attribute_names = data.attribute_names[:5]
    for part in (data.train, data.validation, data.test):
        part["attributes"] = part["attributes"][:, :5]
    return TINY_ATTRIBUTES, data


@pytest.fixture
def tiny_attributes(tiny_attributes_data, monkeypatch):
    """Makes `preset="tiny"` known to the recipe of attributes as tasks."""
    return make_tiny(monkeypatch, ATTRIBUTES, *tiny_attributes_data)


@pytest.fixture(scope="session")
def tiny_retrieval_data(tmp_path_factory):
    """The settings of embeddings, and the data that goes with them: two tasks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield TINY_RETRIEVAL, RETRIEVAL.load("rooms", TINY_RETRIEVAL)


@pytest.fixture
def tiny_retrieval(tiny_retrieval_data, monkeypatch):
    """Makes `preset="tiny"` known to the recipe of embeddings."""
    return make_tiny(monkeypatch, RETRIEVAL, *tiny_retrieval_data)


@pytest.fixture
def untrained(monkeypatch):
    """Networks are built and kept, not trained; returns the list of those that were."""
    built, kept = [], {}

    def fit(build, data, epochs, path, label, callbacks=()):
        if not path.exists():
            built.append(path.stem)
            model = build()
            model.save(path)
            kept[path, path.stat().st_mtime_ns] = model
        # Loading them again and again would be most of the time. A test may write a file itself.
        version = path, path.stat().st_mtime_ns
        if version not in kept:
            kept[version] = keras.models.load_model(path)
        return kept[version]

    monkeypatch.setattr(_networks, "resumable_fit", fit)
    monkeypatch.setattr(_ada_share_networks, "resumable_fit", fit)
    return built
