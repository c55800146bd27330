"""`weights="rooms"`: what ships is what was trained, on every backend, or an error."""

import dataclasses
import inspect
import math

import keras
import numpy as np
import pytest

from keras_mtl import applications
from keras_mtl.applications import catalog

SHIPPED = [name for name, found in catalog.counts().items() if found.ships]
OTHERS = [name for name in catalog.ENTRIES if name not in SHIPPED]

# Of PyTorch: mean and deviation of outputs for the pictures below, and one of their values.
REFERENCES = {
    "CrossStitchFCN": {
        "normals": [0.013056, 1.33291, 0.593369],
        "segmentation": [0.0214846, 1.44659, 1.28621],
    },
    "CrossStitchFastRCNN": {
        "attributes": [-2.20585, 2.5981, -2.39299],
        "detection_boxes": [-0.00675645, 0.154784, -0.00111083],
        "detection_classes": [-0.00894335, 2.40834, 3.5517],
    },
    "AdaShareDeepLab": {
        "depth": [2.19084, 0.70387, 2.53358],
        "normals": [-6.62511, 6.49203, 5.58382],
        "segmentation": [-0.660675, 2.38258, 2.2383],
    },
    "BranchedResNet": {
        "depth": [2.07422, 0.713667, 2.70054],
        "edges": [0.116944, 0.0711475, 0.0260826],
        "keypoints": [0.128627, 0.0867053, 0.0155176],
        "normals": [-3.83565, 4.60604, 8.8893],
        "segmentation": [-0.235774, 1.56642, 4.18982],
    },
    "BranchedVGG": {
        "plain": [0.0289171, 0.0136674, 0.0425845],
        "red": [-2.60858, 0.276468, -2.33211],
        "truncated": [1.08553, 0.336582, 0.748953],
    },
    "ModulatedEmbedding": {
        "embedding": [0.0748447, 0.100116, 0.0749577],
    },
}


def load(application, **options):
    return catalog.ENTRIES[application].build(weights="rooms", **options)


def inputs_of(model):
    """Two pictures of noise, each with regions or under another task if the model takes them."""
    rng = np.random.default_rng(0)
    image, *others = model.inputs
    pictures = rng.uniform(0, 255, (2, *image.shape[1:])).astype("float32")
    if not others:
        return pictures
    if others[0].name == "rois":
        rois = np.float32([[0, 0, 127, 127], [10, 20, 90, 70], [64, 0, 100, 100]])
        return {"image": pictures, "rois": np.stack([rois, rois[::-1] / 2])}
    return [pictures, np.int32([0, 1])]


def summaries(model):
    """A dict from output to its mean, deviation and the value in the middle."""
    outputs = model.predict_on_batch(inputs_of(model))
    if not isinstance(outputs, dict):
        outputs = {"embedding": outputs}
    return {
        name: [float(x.mean()), float(x.std()), float(x.reshape(-1)[x.size // 2])]
        for name, x in outputs.items()
    }


def test_what_ships():
    assert set(REFERENCES) == set(SHIPPED)
    files = {path.name for path in (catalog.FOLDER / "rooms").iterdir()}
    assert files == {catalog.ENTRIES[name].trained.name for name in SHIPPED}


@pytest.mark.parametrize("name", REFERENCES)
def test_it_computes_what_it_computed_when_it_was_trained(name):
    model, found = load(name), catalog.counts()[name]
    default = inspect.signature(catalog.ENTRIES[name].build).parameters["name"].default
    assert model.name == default and not model.compiled
    assert model.count_params() == found.trained_parameters
    # An embedding does not name its tasks.
    assert tuple(getattr(model, "tasks", found.trained_tasks)) == found.trained_tasks
    values = summaries(model)
    for output, expected in REFERENCES[name].items():
        np.testing.assert_allclose(values[output], expected, rtol=1e-3, atol=1e-3 * expected[1])


def test_it_has_the_name_that_is_asked_for_and_can_be_saved(tmp_path):
    model = load("ModulatedEmbedding", name="mine")
    model.save(tmp_path / "mine.keras")
    again = keras.models.load_model(tmp_path / "mine.keras")
    assert model.name == again.name == "mine"
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


# What is refused


@pytest.mark.one_backend
def test_other_arguments():
    message = r"with the architecture .* only `name` .*Received: {}\."
    with pytest.raises(ValueError, match=message.format(r"\['width'\]")):
        applications.CrossStitchFCN(weights="rooms", width=0.25)
    with pytest.raises(ValueError, match=message.format(r"\['tree', 'tasks', 'seed'\]")):
        applications.BranchedResNet({}, {"a": 2}, weights="rooms", name="mine", seed=None)
    with pytest.raises(ValueError, match=message.format(r"\['num_tasks', 'input_shape'\]")):
        applications.ModulatedEmbedding(2, (48, 48, 3), "rooms")


@pytest.mark.one_backend
@pytest.mark.parametrize("name", OTHERS)
def test_applications_of_which_nothing_ships(name):
    with pytest.raises(ValueError, match=rf"ships trained: .*CrossStitchFCN.*Received: {name}\."):
        load(name)


@pytest.mark.one_backend
def test_a_damaged_or_missing_file(tmp_path, monkeypatch):
    entry = catalog.ENTRIES["ModulatedEmbedding"]
    content = bytearray(entry.trained.read_bytes())
    content[len(content) // 2] ^= 1
    monkeypatch.setattr(catalog, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match="modulated_embedding.keras.*ships"):
        load("ModulatedEmbedding")
    (tmp_path / "rooms").mkdir()
    entry.trained.write_bytes(content)
    with pytest.raises(ValueError, match=r"modulated_embedding.keras' .*damaged: its SHA-256"):
        load("ModulatedEmbedding")


@pytest.mark.one_backend
@pytest.mark.parametrize("name", catalog.ENTRIES)
def test_the_signature_is_that_of_the_function(name):
    build = catalog.ENTRIES[name].build
    assert "weights" in inspect.signature(build).parameters
    assert build.__module__ == f"keras_mtl.applications.{catalog.ENTRIES[name].module}"
    with pytest.raises(TypeError):
        build(nothing_of_this_name=1)


# Scores


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_it_has_the_scores_that_are_published(name):
    from keras_mtl import recipes

    recipe = recipes.load()[catalog.ENTRIES[name].recipe]
    published, found = catalog.counts()[name].scores, recipe.evaluate(load(name))
    assert set(found) == set(published)
    differing = {}
    for task, scores in published.items():
        for score, value in scores.items():
            if isinstance(value, float) and not _agree(found[task][score], value):
                differing[task, score] = found[task][score], value
    assert not differing


def _agree(value, published):
    """Whether two scores differ by less than half a unit of the third digit."""
    return abs(value - published) <= 0.5 * 10.0 ** (math.floor(math.log10(abs(published))) - 2)


@pytest.mark.one_backend
def test_the_catalog_is_complete():
    """Every field of what ships is known."""
    for name in SHIPPED:
        found = dataclasses.asdict(catalog.counts()[name])
        assert found["bytes"] == catalog.ENTRIES[name].trained.stat().st_size
        assert found["trained_macs"] > 0
