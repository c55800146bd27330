"""What the processes of a benchmark share: how they talk, and the batch they train on."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

CLASSES = 40
VOID = 255
# So small that the weights hardly move: no timing depends on what the noise would teach.
LEARNING_RATE = 1e-6
ALPHA_MULTIPLIER = 100
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
# For `towers.py`, whose workers compare the losses along some steps, which fall by
# some percent. At ten times the rate two memory formats of PyTorch part, too: what a random
# MobileNetV2 makes of the last digit.
TOWERS_CLASSES, TOWERS_RATE = 10, 1e-5
# No tensor is as large: glibc never maps one for itself, nor gives its pages back.
TUNED = {"MALLOC_MMAP_THRESHOLD_": "2000000000", "MALLOC_TRIM_THRESHOLD_": "2000000000"}


class Worker:
    """A Python process that waits for one command at a time on its standard input.

    All of them stay alive, so that turns can alternate; those that wait cost no time.

    Args:
        module: name of a module of `benchmarks` that ends in `serve`.
        settings: dict that the module receives as JSON.
        environment: variables to set; those of glibc's allocator are otherwise unset.
    """

    def __init__(self, module, settings, environment=()):
        inherited = {key: os.environ[key] for key in os.environ if not key.startswith("MALLOC_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}", json.dumps(settings)],
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **inherited, **dict(environment)},
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, command, *args):
        """Runs one command of the worker and returns its answer."""
        print(json.dumps([command, *args]), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"A worker died at {command!r}; its own message stands above.")
        return json.loads(answer)

    def turn(self, name):
        """A function from a number of steps to the mean seconds of one of a contestant there."""
        return lambda steps: self("step", name, steps)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def settings_of_this_worker():
    return json.loads(sys.argv[1])


def serve(commands):
    """Answers the commands on standard input, each by the function of its name, until the end."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to standard output, too
    for line in sys.stdin:
        name, *args = json.loads(line)
        print(json.dumps(commands[name](*args)), file=answers, flush=True)


def seconds_of(step, count):
    """Mean seconds of `count` calls."""
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def synthetic_batch(size, batch):
    """Pixels, labels and normals of noise; a tenth of the labels and normals is unknown."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (batch, size, size, 3)).astype("float32")
    labels = rng.integers(0, CLASSES, (batch, size, size)).astype("uint8")
    labels[rng.random(labels.shape) < 0.1] = VOID
    normals = rng.normal(size=(batch, size, size, 3)).astype("float32")
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[rng.random(labels.shape) < 0.1] = 0
    return images, labels, normals


def labelled_images(settings):
    """Pixels of noise, and a class of each image for every task."""
    rng = np.random.default_rng(0)
    size, batch, tasks = settings["size"], settings["batch"], settings["tasks"]
    images = rng.normal(size=(batch, size, size, 3)).astype("float32")
    return images, rng.integers(0, TOWERS_CLASSES, (tasks, batch)).astype("int32")


def train_on(model, images, targets):
    """One training step of a Keras model, to its very end; returns the loss.

    `train_on_batch` is what `fit` runs for every batch, with the copy of the batch from NumPy and
    the wait for the loss; one-step fits would add the start of an epoch to each step.
    """
    import keras

    loss = model.train_on_batch(images, targets)
    if keras.backend.backend() == "jax":
        # The loss may be there before the weights are.
        for variable in model.trainable_variables:
            variable.value.block_until_ready()
    loss = float(np.ravel(loss)[0])
    assert np.isfinite(loss), loss
    return loss
