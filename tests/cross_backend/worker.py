"""One backend's part in the cross-backend test; started by it, driven by lines on stdin.

Usage: KERAS_BACKEND=<backend> python worker.py <folder>

Every line is a task, answered by a line "done": `start` builds, predicts, takes the tasks'
gradients and a step, saves; `load <other>` loads what another backend has saved, predicts and takes
a further step; `detect` trains, saves and runs a detector, `detect <other>` runs another backend's;
`skip` does the same with a network that learns what to skip. Results go to
`<folder>/<backend>-<what>.npz`.
"""

import sys
from pathlib import Path

import detector
import keras
import numpy as np
import skipper

import keras_mtl
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import NormalsHead, SegmentationHead
from keras_mtl.losses import NormalsCodebookCrossentropy, SegmentationCrossentropy

FOLDER = Path(sys.argv[1])
BACKEND = keras.backend.backend()
SIZE = 30


def build():
    """A small stitched model with the library's layers and heads; all weights are NumPy's."""
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(4, 5, strides=2, padding="same", activation="relu", name="conv1")(image)
    x = keras_mtl.layers.CeilMaxPooling2D(name="pool1")(x)
    x = keras_mtl.layers.LocalResponseNormalization(alpha=0.1)(x)
    x = keras.layers.Conv2D(8, 6, groups=2, padding="same", activation="relu", name="conv2")(x)
    x = keras.layers.BatchNormalization(name="norm2")(x)
    codebook = NormalsCodebook.default()
    geometry = dict(output_size=(SIZE, SIZE), strides=4, crop=1)
    model = keras_mtl.MultiTaskModel(
        keras_mtl.towers.Tower(keras.Model(image, x), ["pool1"]),
        keras_mtl.sharing.CrossStitched(),  # the units carry a multiplier of 100
        {
            "segmentation": SegmentationHead(5, **geometry),
            "normals": NormalsHead(codebook, **geometry),
        },
    )
    rng = np.random.default_rng(7)
    model.set_weights(
        [
            rng.normal(0, (2 / np.prod(w.shape[:-1])) ** 0.5, w.shape)
            if w.ndim == 4
            else rng.uniform(0, 0.5, w.shape)
            for w in model.get_weights()
        ]
    )
    model.compile(
        keras_mtl.optimizers.SGD(1e-3, momentum=0.9),
        loss={
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCodebookCrossentropy(codebook),
        },
    )
    return model


def batch():
    rng = np.random.default_rng(11)
    images = rng.normal(size=(2, SIZE, SIZE, 3)).astype("float32")
    labels = rng.integers(0, 5, size=(2, SIZE, SIZE)).astype("uint8")
    labels[:, :3] = 255  # void
    normals = rng.normal(size=(2, SIZE, SIZE, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[:, -3:] = 0  # unknown
    return images, {"segmentation": labels, "normals": normals.astype("float32")}


def report(what, model, **others):
    arrays = {f"weight {w.path}": keras.ops.convert_to_numpy(w) for w in model.weights}
    np.savez(FOLDER / f"{BACKEND}-{what}.npz", **arrays, **others)


def predictions(model):
    return {f"output {k}": v for k, v in model.predict(batch()[0], verbose=0).items()}


def step(model):
    images, targets = batch()
    history = model.fit(images, targets, batch_size=2, shuffle=False, verbose=0).history
    return {f"logs {key}": np.float64(values[0]) for key, values in history.items()}


def gradients(model):
    found = keras_mtl.gradients.task_gradients(model, batch())
    return {f"gradient {task} {path}": x for task in found for path, x in found[task].items()}


def start():
    model = build()
    report("start", model, **predictions(model), **gradients(model))
    logs = step(model)
    report("step", model, **logs, **predictions(model))
    model.save(FOLDER / f"{BACKEND}.keras")
    # The file holds the state before this step.
    report("further", model, **step(model))


def load(other):
    model = keras.models.load_model(FOLDER / f"{other}.keras")
    report(f"loaded-{other}", model, **predictions(model))
    report(f"further-{other}", model, **step(model))


def detect(other=None):
    model = kept(detector, f"{other or BACKEND}-detector", other)
    report(f"detected-{other or BACKEND}", model, **detector.find(model))


def skip(other=None):
    model = kept(skipper, f"{other or BACKEND}-skipper", other)
    report(f"skipped-{other or BACKEND}", model, **skipper.predict(model))


def kept(module, name, other):
    """A model that this backend trains and saves, or that another one has saved."""
    path = FOLDER / f"{name}.keras"
    if other is not None:
        return keras.models.load_model(path)
    model = module.build()
    module.train(model)
    model.save(path)
    return model


def main():
    for line in sys.stdin:
        task, *arguments = line.split()
        {"start": start, "load": load, "detect": detect, "skip": skip}[task](*arguments)
        print("done", flush=True)


if __name__ == "__main__":
    main()
