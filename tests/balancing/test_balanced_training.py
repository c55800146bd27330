"""Whatever balances whatever shares trains, is saved, and goes on where it was."""

import keras
import numpy as np
import pytest
from small_balanced import METHODS, SHARINGS, batch, model_of, values

import keras_mtl

ALL = [(method, sharing) for method in METHODS for sharing in SHARINGS]
if keras.backend.backend() == "torch":
    QUICK = [
        *zip(METHODS, [*SHARINGS] * len(METHODS), strict=False),
        *((method, sharing) for method in ("MGDA", "PCGrad") for sharing in SHARINGS),
    ]
else:  # Compiling takes seconds each: one of each kind, and each sharing.
    KINDS = ("Uncertainty", "FAMO", "PCGrad", "MGDA", "GradDrop", "Smoothed", "GradNorm")
    QUICK = [*zip(KINDS, SHARINGS, strict=True)]


def same(ours, theirs):
    """To the bit; also the state of the balancing and the draws."""
    variables = (x.trainable_variables + x.non_trainable_variables for x in (ours, theirs))
    for one, other in zip(*variables, strict=True):
        one, other = (keras.ops.convert_to_numpy(x) for x in (one, other))
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "method, sharing",
    [pytest.param(*each, marks=() if each in QUICK else pytest.mark.slow) for each in ALL],
)
def test_every_method_on_every_sharing(method, sharing, rng, tmp_path):
    """Two epochs in one go are two epochs with a stop, a file and a new model between them."""
    x, y = batch(rng)
    y["age"][: len(x) // 2] = np.nan  # The first batch of two has no label.
    models = [model_of(SHARINGS[sharing]) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    for model in models:
        optimizer = keras_mtl.optimizers.Adam(0.01)
        model.compile(optimizer, balancing=METHODS[method](), metrics={})

    def epoch(model):
        options = {"batch_size": len(x) // 2, "shuffle": False, "verbose": 0}
        return model.fit(x, y, **options).history

    whole, stopped = models
    before = values(whole)
    epoch(whole)
    last = epoch(whole)
    epoch(stopped)
    stopped.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.balancing) is type(whole.balancing)
    assert again.balancing.get_config() == stopped.balancing.get_config()
    np.testing.assert_equal(epoch(again), last)  # NaN where a task shares nothing.
    same(again, whole)
    assert all(np.isfinite(x).all() for key, x in last.items() if not key.endswith("cosine"))
    after = values(whole)
    assert all(np.isfinite(value).all() for value in after.values())
    assert any(np.abs(after[path] - before[path]).max() > 0 for path in before)


# Of those that promise to do so, whatever the scales of the losses.
KEEP = {
    "AlignedMTL": METHODS["AlignedMTL"],
    "ConFIG": METHODS["ConFIG"],
    "DBMTL": METHODS["DBMTL"],
    "FAMO": METHODS["FAMO"],
    "FairGrad": METHODS["FairGrad"],
    "GeometricMean": METHODS["GeometricMean"],
    "GradNorm": METHODS["GradNorm"],
    # At their usual rate their weights need more than these 320 steps for a factor of 1,000.
    "IMTLLoss": lambda: keras_mtl.balancing.IMTLLoss(learning_rate=0.1),
    "Uncertainty": lambda: keras_mtl.balancing.Uncertainty(learning_rate=0.1),
    "IMTLGrad": METHODS["IMTLGrad"],
    "MGDA": METHODS["MGDA"],
    "NashMTL": METHODS["NashMTL"],
    "SmoothTchebycheff": METHODS["SmoothTchebycheff"],
}


def conflict(rng, batches=8, rows=32):
    """Two tasks whose losses are as 1 to 1,000, and that are opposed in every other batch."""
    x = rng.normal(size=(batches, rows, 6))
    small = x[..., :1] + 0.3 * rng.normal(size=(batches, rows, 1))
    large = x[..., 1:2] - small * (np.arange(batches) % 2)[:, None, None]
    y = {"small": small, "large": np.sqrt(1000) * large}
    return x.reshape(-1, 6), {task: each.reshape(-1, 1) for task, each in y.items()}


def lost(method, rng):
    """What is left of the variance of each task."""
    image = keras.Input((6,))
    shared = keras.layers.Dense(3, use_bias=False)(image)
    heads = {task: keras.layers.Dense(1, use_bias=False)(shared) for task in TWO}
    model = keras_mtl.balanced(keras.Model(image, heads))
    # The same on all backends: features of length 1, which heads read with either sign.
    features = np.linalg.qr(rng.normal(size=(6, 3)))[0]
    model.set_weights([features, *(rng.normal(size=(3, 1)) for _ in TWO)])
    x, y = conflict(rng)
    # As is done against large gradients, which then are all that is left of a step.
    optimizer = keras.optimizers.SGD(0.05, clipnorm=1.0)
    model.compile(optimizer, dict.fromkeys(TWO, "mse"), balancing=method)
    model.fit(x, y, batch_size=32, epochs=40, shuffle=False, verbose=0)
    losses = model.evaluate(x, y, batch_size=len(x), verbose=0, return_dict=True)
    return [losses[f"{task}_loss"] / np.var(y[task]) for task in TWO]


TWO = ("small", "large")


def test_plain_training_loses_the_smaller_task(rng):
    small, large = lost(None, rng)
    assert small > 0.7 and large < 0.3


@pytest.mark.parametrize("method", KEEP)
def test_remedies_keep_it(method, rng):
    # Without noise, and without what is opposed, 0.09 and 0.2 would be left.
    small, large = lost(KEEP[method](), rng)
    assert small < 0.2 and large < 0.7
