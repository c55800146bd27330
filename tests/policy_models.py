"""A model whose policy learns from its own losses alone, so that nothing depends on the draws."""

import keras
from keras import layers, ops

from keras_mtl.layers import SkipPolicy

TASKS = ["age", "kind"]
BLOCKS = ["one", "two", "three"]
STEPS = 4  # of an epoch


def make_model(rng, tasks=TASKS, nested=False):
    image = keras.Input((3,))
    policy = SkipPolicy(tasks, BLOCKS, sparsity_weight=0.5, name="skip_policy")
    gates = policy(image)
    if nested:
        inner = keras.Model(image, gates, name="inner")
        image = keras.Input((3,))
        gates = inner(image)
    x = layers.Dense(len(BLOCKS))(image)
    gates = ops.stop_gradient(gates)
    outputs = {task: layers.Dense(1, name=task)(x * gates[t]) for t, task in enumerate(tasks)}
    model = keras.Model(image, outputs, name="model")
    policy.logits.assign(rng.normal(size=(len(tasks), len(BLOCKS), 2)))
    model.compile(keras.optimizers.SGD(0.1), dict.fromkeys(tasks, "mse"))
    return model


def policy_of(model):
    return model.get_layer("skip_policy")


def fit(model, callbacks, epochs, **options):
    x = ops.convert_to_numpy(ops.ones((2 * STEPS, 3)))
    y = {task: x[:, :1] for task in model.output}
    options = {"batch_size": 2, "verbose": 0, "shuffle": False, **options}
    return model.fit(x, y, epochs=epochs, callbacks=callbacks, **options)
