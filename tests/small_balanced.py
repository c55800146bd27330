"""Small models of three tasks, with all that makes a step of training difficult."""

import keras
import numpy as np

import keras_mtl
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated

TASKS = ("young", "kind", "age")  # In no order of the alphabet.
ROWS = 12
SHARINGS = {
    "hard": Branched.hard_sharing(),
    "split": Branched.split("two"),
    "tree": Branched({"one": [["young", "age"], ["kind"]], "two": [["young"], ["kind"], ["age"]]}),
    "stitches": CrossStitched(after=["one", "two"], learning_rate_multiplier=1),
    "basis": LatentShared(3),
    "gates": Modulated(),
    "policy": AdaShared({"young": "1", "kind": "0", "age": "1"}),
}


class Given(keras_mtl.balancing.GradientBalancing):
    """Weights that are given; what it saw is in `seen_gramian`."""

    def __init__(self, weights, **options):
        super().__init__(**options)
        self.given = list(weights)

    def build(self, losses_shape, gramian_shape=None):
        super().build(losses_shape)
        self.seen_gramian = self.state("seen_gramian", np.zeros(losses_shape * 2))

    def weigh(self, seen):
        self.seen_gramian.assign(seen.gramian)
        return keras.ops.convert_to_tensor(self.given, "float32")


def tower(noise=0.0):
    x = image = keras.Input((5,))
    x = keras.layers.Dense(4, "tanh", name="one", kernel_regularizer="l2")(image)
    x = keras.layers.Dropout(noise, seed=3, name="drop")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dense(4, "tanh", name="two", activity_regularizer="l2")(x)
    return keras_mtl.towers.Tower(keras.Model(image, x), cuts=["norm"] if noise else ["one"])


def model_of(sharing, noise=0.0, **options):
    def head(units, seed):
        noisy = keras.layers.Dropout(noise, seed=seed)
        return keras.Sequential(
            [noisy, keras.layers.Dense(units, activity_regularizer="l2", name="fc")]
        )

    tasks = {
        "young": keras_mtl.Task.regression(head=head(1, 1)),
        "kind": keras_mtl.Task.classification(3, head=head(3, 2)),
        "age": keras_mtl.Task.regression(head=head(2, 4)),
    }
    return keras_mtl.MultiTaskModel(tower(noise), sharing, tasks, **options)


def batch(rng, rows=ROWS):
    x = rng.normal(size=(rows, 5)).astype("float32")
    return x, {
        "young": rng.normal(size=(rows, 1)).astype("float32"),
        "kind": rng.integers(0, 3, (rows, 1)),
        "age": rng.normal(size=(rows, 2)).astype("float32"),
    }


def trained(model, x, y, balancing=None, optimizer=None, steps=1, **options):
    """The model behind so many steps on one batch, and the logs of the last."""
    optimizer = keras_mtl.optimizers.SGD(0.5) if optimizer is None else optimizer
    model.compile(optimizer, balancing=balancing, **options)
    for _ in range(steps):
        logs = model.train_on_batch(x, y, return_dict=True)
    return logs


def values(model):
    """The learned weights and the statistics, without the state of the balancing."""
    return {
        v.path: keras.ops.convert_to_numpy(v)
        for layer in model.layers
        for v in layer.weights
        if "seed" not in v.path
    }


b = keras_mtl.balancing
METHODS = {
    "AlignedMTL": b.AlignedMTL,
    "CAGrad": b.CAGrad,
    "ConFIG": b.ConFIG,
    "DBMTL": b.DBMTL,
    "DualProjection": b.DualProjection,
    "DynamicWeightAverage": b.DynamicWeightAverage,
    "EqualWeights": lambda: b.EqualWeights(conflicts=True),
    "FAMO": b.FAMO,
    "FairGrad": b.FairGrad,
    "FixedWeights": lambda: b.FixedWeights({"age": 2.0}),
    "GeometricMean": b.GeometricMean,
    "GradDrop": lambda: b.GradDrop(seed=1),
    "GradNorm": b.GradNorm,
    "GradVac": lambda: b.GradVac(seed=1),
    "IMTLGrad": b.IMTLGrad,
    "IMTLLoss": b.IMTLLoss,
    "MGDA": b.MGDA,
    "NashMTL": b.NashMTL,
    "PCGrad": lambda: b.PCGrad(seed=1),
    "RandomLossWeighting": lambda: b.RandomLossWeighting(seed=1),
    "SmoothTchebycheff": lambda: b.SmoothTchebycheff(warm_up=0),
    "Smoothed": lambda: b.Smoothed(b.MGDA(every=2)),
    "UPGrad": b.UPGrad,
    "Uncertainty": b.Uncertainty,
}
"""Of each method one."""
