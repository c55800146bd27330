"""Worker of `balancing.py`: the steps of `MultiTaskModel`s on the backend in force."""

import keras
import numpy as np

import keras_mtl
from benchmarks._workers import (
    LEARNING_RATE,
    MOMENTUM,
    seconds_of,
    serve,
    settings_of_this_worker,
    train_on,
)

METHODS = {
    "plain": lambda: None,
    "features": lambda: keras_mtl.balancing.MGDA(at="features"),
    "weights": lambda: keras_mtl.balancing.PCGrad(at="weights", seed=0),
}


def compiled(method, tasks, size):
    net = keras_mtl.towers.ResNet(18, (size, size, 3), dilated=False, seed=0)
    tower = keras_mtl.towers.Tower(net, cuts=["block1_2"])
    heads = {
        f"task{number}": keras.Sequential(
            [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]
        )
        for number in range(tasks)
    }
    sharing = keras_mtl.sharing.Branched.hard_sharing()
    model = keras_mtl.MultiTaskModel(tower, sharing, heads)
    optimizer = keras_mtl.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM)
    model.compile(optimizer, dict.fromkeys(heads, "mse"), balancing=method())
    return model


def main():
    settings = settings_of_this_worker()
    tasks, size, batch = settings["tasks"], settings["size"], settings["batch"]
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (batch, size, size, 3)).astype("float32")
    models = {name: compiled(method, tasks, size) for name, method in METHODS.items()}
    y = {task: rng.normal(size=(batch, 1)).astype("float32") for task in models["plain"].tasks}

    def step(name):
        train_on(models[name], x, y)

    serve({"step": lambda name, count: seconds_of(lambda: step(name), count)})


if __name__ == "__main__":
    main()
