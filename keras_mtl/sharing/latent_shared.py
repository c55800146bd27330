"""Towers of their own, whose classifiers share a latent basis: the baseline "MTL-shared"."""

from collections.abc import Sequence

import keras

from keras_mtl._checks import check_integer
from keras_mtl._types import Config, Features
from keras_mtl.sharing.plan import Plan
from keras_mtl.sharing.sharing import Sharing, features_dtype
from keras_mtl.towers.tower import Tower

BASIS = "latent_basis"


@keras.saving.register_keras_serializable("keras_mtl")
class LatentShared(Sharing):
    """One tower a task; the weights of all classifiers lie in the span of one latent basis.

    Task t classifies its features x by `x L S_t` instead of `x W_t`. `L` (features × `latent_size`)
    is shared and stands behind the last stage; `S_t` is the task's head. All is trained jointly by
    gradient descent. Where `latent_size` is smaller than the number of outputs, tasks must agree on
    what to read from their features.

    Source: the baseline "MTL-shared" of Misra et al., CVPR 2016, section 6.1, after Abdulnabi et
    al., "Multi-task CNN Model for Attribute Prediction", IEEE Transactions on Multimedia 2015. The
    size of the basis was not published.

    Args:
        latent_size: number of latent features.
        dropout: rate on the features before `L`. A head's own dropout would fall on the few latent
            features: give it here instead.
        seed: integer seed of the basis and the dropout, or `None`.

    Raises:
        ValueError: `latent_size` is no positive integer; from `plan`: fewer than two tasks.

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((8,))
    >>> tower = keras_mtl.towers.Tower(keras.Sequential([image, keras.layers.Dense(6)]), cuts=[])
    >>> model = keras_mtl.MultiTaskModel(
    ...     tower, keras_mtl.sharing.LatentShared(latent_size=2),
    ...     tasks={"age": keras.layers.Dense(1), "species": keras.layers.Dense(5)})
    >>> model.get_layer("latent_basis").count_params()
    12
    """

    def __init__(self, latent_size: int, dropout: float = 0.0, seed: int | None = None) -> None:
        self.latent_size = check_integer("latent_size", latent_size, 1)
        self.dropout = dropout
        self.seed = seed

    def join(self, plan: Plan, stage: str, features: Features) -> Features:
        if stage != plan.stages[-1]:
            return features
        dtype = features_dtype(plan.tower.features(stage))
        basis = keras.layers.Dense(
            self.latent_size,
            use_bias=False,
            kernel_initializer=keras.initializers.GlorotUniform(self.seed),
            dtype=dtype,
            name=BASIS,
        )
        after = {}
        for index, (task, value) in enumerate(features.items()):
            if self.dropout:
                seed, name = self._dropout_seed(index), f"{task}_latent_dropout"
                drop = keras.layers.Dropout(self.dropout, seed=seed, dtype=dtype, name=name)
                value = plan.unit(drop, value, behind=stage)
            after[task] = plan.unit(basis, value, behind=stage)
        return after

    def check(self, tower: Tower, tasks: Sequence[str]) -> None:
        if len(tasks) < 2:
            raise ValueError(f"A shared basis needs at least two tasks. Received: {list(tasks)}.")

    def get_config(self) -> Config:
        return {"latent_size": self.latent_size, "dropout": self.dropout, "seed": self.seed}

    def _dropout_seed(self, index):
        # With one seed for all, every task's dropout would drop the same features.
        return None if self.seed is None else self.seed + index
