"""A small AdaShare network whose policy has been learned for a few steps; the draws differ."""

import keras
import numpy as np

import keras_mtl
from keras_mtl.datasets import AlternatingBatches, ArrayBatches
from keras_mtl.losses import DepthL1, SegmentationCrossentropy

SIZE = (24, 32)
ROUNDS = 2


def pictures():
    rng = np.random.default_rng(3)
    images = rng.uniform(0, 255, (6, *SIZE, 3)).astype("float32")
    labels = rng.integers(0, 4, (6, *SIZE))
    return images, {"labels": labels, "depth": rng.uniform(1, 3, (6, *SIZE)).astype("float32")}


def build():
    return keras_mtl.applications.AdaShareDeepLab(
        {"labels": 4, "depth": "depth"},
        (*SIZE, 3),
        depth=18,
        width=1 / 32,
        features=4,
        sparsity_weight=0.1,
        agreement_weight=0.1,
        seed=0,
    )


def train(model):
    images, targets = pictures()
    part = ArrayBatches(images, targets, 3)
    data = AlternatingBatches(part, part)
    model.compile(
        keras_mtl.optimizers.Alternating(
            keras.optimizers.SGD(1e-3, momentum=0.9), keras.optimizers.Adam(0.1), steps=data.steps
        ),
        loss={"labels": SegmentationCrossentropy(), "depth": DepthL1()},
    )
    model.fit(data, epochs=ROUNDS, shuffle=False, verbose=0)


def predict(model):
    """Predictions of the model and of its pruned form, which must skip something."""
    images, _ = pictures()
    policy = np.ones((2, 8), bool)
    policy[0, 3] = policy[1, 2] = policy[:, 5] = False
    pruned = keras_mtl.search.prune(model, policy)
    return {
        **{f"output {task}": x for task, x in model.predict(images, verbose=0).items()},
        **{f"output pruned {task}": x for task, x in pruned.predict(images, verbose=0).items()},
    }
