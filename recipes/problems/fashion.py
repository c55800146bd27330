"""Two articles of clothing in a picture, on LeNets: Multi-Fashion."""

import keras

import keras_mtl
from keras_mtl.datasets import multi_fashion
from keras_mtl.optimizers import SGD
from keras_mtl.recipes.problems.problem import Problem
from keras_mtl.recipes.settings import Settings
from keras_mtl.study import Budget
from keras_mtl.towers import LeNet, Tower, lenet

TASKS = ("top_left", "bottom_right")
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
        {task: _task(task) for task in tasks},
        *((part["image"], {task: part[task] for task in tasks}) for part in data.values()),
        steps=settings.steps,
        batch_size=settings.batch_size,
        optimizer=SGD(settings.rate, settings.momentum, weight_decay=settings.weight_decay),
        **options,
    )


def _task(task):
    def head(seed):
        drawn = keras.initializers.GlorotUniform(10 * seed + TASKS.index(task))
        return keras.layers.Dense(len(multi_fashion.CLASSES), kernel_initializer=drawn)

    return keras_mtl.Task.classification(multi_fashion.CLASSES, head=head)


FASHION = Problem(
    folder="multi_fashion",
    data_sets=("multi_fashion",),
    load=load,
    study=study,
    tasks=TASKS,
    columns={
        "top_left": {"top left": ("accuracy", 100)},
        "bottom_right": {"bottom right": ("accuracy", 100)},
    },
    headlines=dict.fromkeys(TASKS, "accuracy"),
    paper_data="Multi-Fashion",
    without_folder=("multi_fashion",),
    decimals=2,
    checkpoints=False,
)
