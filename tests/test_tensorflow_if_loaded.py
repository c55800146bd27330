"""TensorFlow stays out of the programs of the other backends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cross_backend

ROOT = Path(__file__).parents[1]

START = """
import sys
import keras
import numpy as np

def network():
    x = image = keras.Input((16, 16, 3))
    for name in ("one", "two"):
        x = keras.layers.Conv2D(2, 3, activation="relu", name=name)(x)
        x = keras.layers.Dropout(0.1)(keras.layers.BatchNormalization()(x))
    return keras.Model(image, keras.layers.GlobalAveragePooling2D(name="pool")(x))
"""
OURS = """
import keras_mtl

def model(sharing=None):
    tasks = {"age": keras_mtl.Task.regression(), "species": keras_mtl.Task.classification(3)}
    tower = keras_mtl.towers.Tower(network(), ["one", "two"])
    return keras_mtl.MultiTaskModel(tower, sharing or sharings.CrossStitched(["one"]), tasks)

sharings = keras_mtl.sharing
x, y = np.zeros((4, 16, 16, 3)), {"age": np.zeros((4, 1)), "species": np.zeros(4)}
"""
CASES = {
    "import": "pass",
    "hard sharing": "model(sharings.Branched.hard_sharing()).summary(print_fn=str)",
    "stitched": "trained = model()",
    "latent": "model(sharings.LatentShared(2))",
    "skipping": "keras_mtl.applications.AdaShareDeepLab(None, (32, 32, 3), depth=18, width=0.1)",
    "two inputs": "keras_mtl.applications.CrossStitchFastRCNN(2, 4, width=0.1)",
    "gates": "keras_mtl.fold(keras_mtl.modulate(network(), 2, ['one']), 1)",
    "training": "trained.compile('sgd'); trained.fit(x, y, verbose=0)",
    "balancing": "trained.compile('sgd', balancing=keras_mtl.balancing.MGDA())\n"
    "trained.train_on_batch(x, y)",
    "one task": "trained.for_task('age').predict(x, verbose=0)",
    "taking over": "model().initialize_from(trained)",
    "cost": "keras_mtl.search.cost(trained)",
    "file": "trained.save(sys.argv[1]); keras.models.load_model(sys.argv[1])",
    "study": "parts = 3 * [(x, y)]; tasks = {task: trained.task(task) for task in y}\n"
    "keras_mtl.Study(network(), tasks, *parts, steps=2, folder=sys.argv[1] + 's').plan()",
}


def said(backend, *parts, argument=""):
    """What a program prints; the last part is a dict of cases, each followed by its name.

    The name is printed once TensorFlow has been imported.
    """
    asked = 'print({!r}) if "tensorflow" in sys.modules else None'
    cases = [f"{code}\n{asked.format(name)}" for name, code in parts[-1].items()]
    result = subprocess.run(
        [sys.executable, "-c", "\n".join([START, *parts[:-1], *cases]), argument],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert not result.returncode, result.stderr
    return result.stdout.splitlines()


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_models_are_built_trained_and_kept_without_it(backend, tmp_path):
    assert said(backend, OURS, CASES, argument=str(tmp_path / "model.keras")) == []


def test_keras_imports_it_by_itself():
    """Once this fails, `_tensorflow_if_loaded.py` can go."""
    assert said("torch", {"clone": "keras.models.clone_model(network())"}) == ["clone"]


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_its_objects_are_known_once_it_is_imported(backend):
    code = "print(*map(keras.saving.serialize_keras_object, (tf.TensorShape([2]), tf.float32)))"
    assert said(backend, OURS, {"": f"import tensorflow as tf; {code}"}) == ["[2] float32", ""]
