"""Worker of `gradients.py`: steps and task gradients of one model on the backend in force."""

import keras
import numpy as np

from benchmarks._balancing_keras_worker import METHODS, compiled
from benchmarks._workers import seconds_of, serve, settings_of_this_worker
from keras_mtl.gradients import task_gradients


def main():
    settings = settings_of_this_worker()
    tasks, size, batch = settings["tasks"], settings["size"], settings["batch"]
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (batch, size, size, 3)).astype("float32")
    model = compiled(METHODS["plain"], tasks, size)
    y = {task: rng.normal(size=(batch, 1)).astype("float32") for task in model.tasks}

    def step():
        loss = model.train_on_batch(x, y)
        if keras.backend.backend() == "jax":
            # The loss may be there before the weights are.
            for variable in model.trainable_variables:
                variable.value.block_until_ready()
        assert np.all(np.isfinite(loss)), loss

    functions = {"step": step, "gradients": lambda: task_gradients(model, (x, y))}
    serve({"step": lambda name, count: seconds_of(functions[name], count)})


if __name__ == "__main__":
    main()
