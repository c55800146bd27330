"""A program of `import_time.py`, up to the end of its first training step."""

import sys

import keras
import numpy as np

from benchmarks._networks import NETWORKS

TASKS = ("a", "b", "c")


def main():
    image = keras.Input((96, 96, 3))
    features, cuts = NETWORKS["ResNet-18"](image)
    features = keras.layers.GlobalAveragePooling2D()(features)
    heads = {task: keras.layers.Dense(10) for task in TASKS}
    if sys.argv[1] == "ours":
        import keras_mtl

        model = keras_mtl.MultiTaskModel(
            keras_mtl.towers.Tower(keras.Model(image, features), cuts),
            keras_mtl.sharing.Branched.hard_sharing(),
            heads,
        )
    else:
        model = keras.Model(image, {task: head(features) for task, head in heads.items()})
    model.compile(keras.optimizers.SGD(1e-5), dict.fromkeys(TASKS, "mse"))
    images = np.ones((16, 96, 96, 3), "float32")
    model.train_on_batch(images, {task: np.ones((16, 10), "float32") for task in TASKS})


if __name__ == "__main__":
    main()
