"""Worker of `gradients.py`: steps and task gradients of one model on the backend in force."""

import numpy as np

from benchmarks._balancing_keras_worker import METHODS, compiled
from benchmarks._workers import seconds_of, serve, settings_of_this_worker, train_on
from keras_mtl.gradients import task_gradients


def main():
    settings = settings_of_this_worker()
    tasks, size, batch = settings["tasks"], settings["size"], settings["batch"]
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (batch, size, size, 3)).astype("float32")
    model = compiled(METHODS["plain"], tasks, size)
    y = {task: rng.normal(size=(batch, 1)).astype("float32") for task in model.tasks}

    functions = {
        "step": lambda: train_on(model, x, y),
        "gradients": lambda: task_gradients(model, (x, y)),
    }
    serve({"step": lambda name, count: seconds_of(functions[name], count)})


if __name__ == "__main__":
    main()
