"""The policy learns, in one `fit`, what can be worked out beforehand."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from skip_towers import BLOCKS

from keras_mtl import MultiTaskModel
from keras_mtl.callbacks import AdaShareSchedule
from keras_mtl.datasets import AlternatingBatches, ArrayBatches
from keras_mtl.optimizers import Alternating
from keras_mtl.sharing import AdaShared
from keras_mtl.towers import Tower

# Of every backend the gradients are tested, in layers/test_skip_policy.
pytestmark = pytest.mark.one_backend

SGD, Adam = keras.optimizers.SGD, keras.optimizers.Adam


@keras.saving.register_keras_serializable("tests")
def absolute(x):
    return ops.abs(x)


def tower(activation):
    """Layers without biases that start as the identity, but for their activation."""
    options = dict(use_bias=False, kernel_initializer="identity")
    image = keras.Input((4,))
    x = layers.Dense(6, name="stem", **options)(image)
    for name in BLOCKS:
        x = layers.Dense(6, activation=activation, name=name, **options)(x)
    return Tower(keras.Model(image, x), ["stem", *BLOCKS])


def trained(model, x, y, steps, rounds, warm_up, policy, schedule):
    """Fits in rounds; half of the data is the weights', the other half the policy's."""
    half = len(x) // 2
    parts = (
        ArrayBatches(x[rows], {task: target[rows] for task, target in y.items()}, 32)
        for rows in (slice(half), slice(half, None))
    )
    optimizer = Alternating(Adam(0.02), policy, steps=steps, warm_up_steps=warm_up * sum(steps))
    model.compile(optimizer, loss="mse")
    model.fit(
        AlternatingBatches(*parts, steps=steps),
        epochs=warm_up + rounds,
        shuffle=False,
        verbose=0,
        callbacks=[AdaShareSchedule(warm_up, **schedule)],
    )
    return model.get_layer("skip_policy")


@pytest.mark.parametrize("hard", [False, True])
def test_a_task_skips_the_blocks_that_harm_it_and_executes_one_that_it_needs(rng, hard):
    """An even function of the image is no help for an odd target, nor an odd one for an even."""
    x = rng.normal(size=(640, 4)).astype("float32")
    y = {"odd": x @ rng.normal(size=(4, 1)), "even": np.abs(x) @ rng.normal(size=(4, 1))}
    y = {task: ((z - z.mean()) / z.std()).astype("float32") for task, z in y.items()}
    heads = {task: layers.Dense(1) for task in y}
    model = MultiTaskModel(
        tower(absolute), AdaShared(sparsity_weight=0.1, hard=hard, seed=1), heads
    )
    schedule = dict(temperature=2.0, decay=0.9, blocks_every=2)
    policy = trained(model, x, y, (12, 8), 12, 2, Adam(0.1), schedule)
    odd, even = policy.decisions()
    assert not odd.any() and even.any()
    assert ops.convert_to_numpy(policy.probabilities())[0].max() < 0.2
    losses = model.evaluate(x, y, return_dict=True, verbose=0)
    assert losses["odd_loss"] < 0.2 and losses["even_loss"] < 0.6  # of 1


START = np.array([[[2.5, 0.5]] * 3, [[-0.5, 0.5]] * 3])
"""The first task executes all blocks, the second one none; halfway both would execute them."""


def learned_by_two_of_a_kind(rng, **sharing):
    """Probabilities of two tasks with one target, to which the linear blocks make no difference."""
    x = rng.normal(size=(320, 4)).astype("float32")
    target = (x @ rng.normal(size=(4, 1))).astype("float32")
    heads = {task: layers.Dense(1) for task in "ab"}
    model = MultiTaskModel(tower(None), AdaShared(seed=1, **sharing), heads)
    model.get_layer("skip_policy").logits.assign(START)
    y = dict.fromkeys("ab", target)
    policy = trained(model, x, y, (5, 5), 16, 0, SGD(0.1), dict(blocks_every=None))
    return ops.convert_to_numpy(policy.probabilities())


def test_sharing_brings_equal_tasks_together(rng):
    """By themselves they would stay apart."""
    alone = learned_by_two_of_a_kind(rng)
    assert (alone[0] > 0.5).all() and (alone[1] < 0.5).all()
    for sharing in (dict(agreement_weight=0.5), dict(agreement_weight=4.0, form="paper")):
        found = learned_by_two_of_a_kind(rng, **sharing)
        assert (found > 0.5).all()
        assert (np.abs(found[0] - found[1]) < 0.3 * np.abs(alone[0] - alone[1])).all()
