"""What Keras draws, as a function of a seed."""

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np

from keras_mtl.graphs.layers_within import layers_within


@contextlib.contextmanager
def draws_of(seed: int) -> Iterator[None]:
    """Within it layers without a seed of their own take theirs from this one.

    `keras.utils.set_random_seed` would do the same, import TensorFlow under every backend, and
    change the draws of the caller's program.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def give_seeds(model: keras.layers.Layer, seed: int) -> None:
    """Gives layers that draw by chance, such as dropout, seeds that go into a file of the model.

    Without one PyTorch draws from the program's own stream, and a model that is loaded from
    another one than before.
    """
    for number, layer in enumerate(layers_within(model)):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None and getattr(layer, "seed", 0) is None:
            drawn = np.random.SeedSequence([seed, number]).generate_state(1)[0]
            layer.seed = generator._initial_seed = int(drawn >> 1)  # torch takes 31 bits
            generator.state.assign(np.array([layer.seed, 0], generator.state.dtype))


class RepeatableDraws(keras.callbacks.Callback):
    """Makes the order of the data and all random draws functions of the epoch.

    Keras does not keep the state of seed generators in a `.keras` file.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        for variable in self.model.variables:
            if variable.path.endswith("seed_generator_state"):
                seed = keras.ops.convert_to_numpy(variable)[0]
                variable.assign(np.array([seed, epoch * len(self.batches)], variable.dtype))
