"""Whatever balances whatever shares trains, is saved, and goes on where it was."""

import keras
import numpy as np
import pytest
from small_balanced import METHODS, SHARINGS, batch, model_of, values

import keras_mtl

QUICK = [
    *zip(METHODS, [*SHARINGS] * len(METHODS), strict=False),
    *(
        (method, sharing)
        for method in ("Uncertainty", "FAMO", "PCGrad", "MGDA")
        for sharing in SHARINGS
    ),
]
ALL = [(method, sharing) for method in METHODS for sharing in SHARINGS]


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
    assert epoch(again) == last
    same(again, whole)
    assert all(np.isfinite(value).all() for value in last.values())
    after = values(whole)
    assert all(np.isfinite(value).all() for value in after.values())
    assert any(np.abs(after[path] - before[path]).max() > 0 for path in before)
