"""Multi-Fashion, the benchmark of Sener & Koltun, NeurIPS 2018, and Lin et al., NeurIPS 2019."""

import keras

import keras_mtl
from keras_mtl.datasets import multi_fashion
from keras_mtl.optimizers import SGD
from keras_mtl.recipes.figures import draw_fashion
from keras_mtl.recipes.problems.problem import Problem
from keras_mtl.recipes.recipe import Recipe, stitched
from keras_mtl.recipes.settings import Settings
from keras_mtl.study import Budget, hard_sharing, one_task
from keras_mtl.towers import LeNet, Tower, lenet

HELD_OUT = 50_000
"""The first training picture that is for validation; those before it are for training."""


def _settings(train_images, batch_size, epochs):
    """Settings with which networks see the pictures `epochs` times, and then as many times more.

    Both rates were chosen on pictures 50,000 to 55,000 of the training split, never on the test
    split. The factor of 100 on the alphas goes with the cross-stitch paper's rate of 0.001; here it
    diverges, as 10 does at a rate of 0.1.
    """
    steps = epochs * (train_images // batch_size)
    return Settings(
        train_images=train_images,
        validation_images=5000,
        test_images=10_000,
        batch_size=batch_size,
        network={},
        steps=Budget(steps, steps, warm_up=False),
        rate=0.03,
        weight_decay=0.0,
        alpha_rate=10.0,
    )


PRESETS = {
    # On two cores in minutes.
    "mini": _settings(train_images=6000, batch_size=64, epochs=6),
    # 100 epochs of batches of 256, as Lin et al., but for the pictures that are held out.
    "paper": _settings(train_images=HELD_OUT, batch_size=256, epochs=50),
}


def load(name, settings, data_dir=None, cache_dir=None):
    """The pictures and their labels: a dict of parts, each a dict of arrays."""
    if settings.train_images > HELD_OUT:
        raise ValueError(
            f"`train_images` must be at most {HELD_OUT}, for the others are held out. "
            f"Received: {settings.train_images}."
        )
    train = multi_fashion.load("train", HELD_OUT + settings.validation_images, data_dir=data_dir)
    return {
        "train": {key: column[: settings.train_images] for key, column in train.items()},
        "validation": {key: column[HELD_OUT:] for key, column in train.items()},
        "test": multi_fashion.load("test", settings.test_images, data_dir=data_dir),
    }


def study(settings, data, tasks, **options):
    """The `Study`; arguments as of `Problem.study`."""
    shape = data["train"]["image"].shape[1:]

    def tower(seed):
        net = LeNet(include_top=False, input_shape=shape, seed=seed, **settings.network)
        return Tower(net, lenet.STAGES)

    return keras_mtl.Study(
        tower,
        {task: TASKS[task] for task in tasks},
        *((part["image"], {task: part[task] for task in tasks}) for part in data.values()),
        optimizer=SGD(settings.rate, settings.momentum, weight_decay=settings.weight_decay),
        **options,
    )


def _task(name, place):
    def head(seed):
        drawn = keras.initializers.GlorotUniform(10 * seed + place)
        return keras.layers.Dense(len(multi_fashion.CLASSES), kernel_initializer=drawn)

    columns = {name.replace("_", " "): ("accuracy", 100)}
    return keras_mtl.Task.classification(multi_fashion.CLASSES, head=head, columns=columns)


TASKS = {name: _task(name, place) for place, name in enumerate(("top_left", "bottom_right"))}
RECIPES = [
    Recipe(
        name="multi_fashion",
        title="Multi-Fashion: what should two tasks share that look at two articles of clothing?",
        source="Sener & Koltun, NeurIPS 2018 (digits); Lin et al., NeurIPS 2019 (clothing)",
        text="""\
LeNets on real photographs: one-task networks, a network in which all but the classifiers is shared,
and the network stitched from the one-task networks behind both pools and fc3. The comparison is
fair in that every row gives every task the same pictures, as many steps, the same learning rates,
and its loss the weight 1. Training has two parts, at a constant rate and along a cosine to zero.
Seeds vary the weights and the order of the training pictures, not the pictures. `--data-dir` is the
folder of Fashion-MNIST's files; without it they are looked for where Debian or Keras keeps them.

Lin et al. paired other articles: their numbers are not to be expected. `mini` takes 4 minutes a
seed on 2 cores; `paper`, about as long as the training of Lin et al., one to two hours.
""",
        problem=Problem(
            data_sets=("multi_fashion",),
            load=load,
            study=study,
            scores=TASKS,
            without_folder=("multi_fashion",),
            decimals=2,
            checkpoints=False,
        ),
        presets=PRESETS,
        rows={
            "one-task": one_task(),
            "hard sharing": hard_sharing(),
            "cross-stitch": stitched(("pool1", "pool2", "fc3")),
        },
        draw=draw_fashion,
    ),
]
