"""What the rows of Multi-Fashion train: settings, and the networks of one seed."""

import dataclasses

import keras

from keras_mtl import MultiTaskModel
from keras_mtl.datasets import ArrayBatches, multi_fashion
from keras_mtl.optimizers import SGD
from keras_mtl.recipes._resumable_fit import resumable_fit
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import LeNet, Tower, lenet

TASKS = ("top_left", "bottom_right")
ROWS = ("one-task", "hard sharing", "cross-stitch")


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides what the networks learn."""

    train_images: int
    test_images: int
    batch_size: int
    epochs: int
    further_epochs: int
    # Both rates were chosen on pictures 50,000 to 55,000 of the training split, never on the test
    # split. The paper's factor of 100 on the alphas goes with its rate of 0.001; here it diverges,
    # as 10 does at a rate of 0.1.
    learning_rate: float = 0.03
    momentum: float = 0.9
    alpha: tuple = (0.9, 0.1)
    alpha_rate: float = 10.0
    stitches: tuple = ("pool1", "pool2", "fc3")


PRESETS = {
    "mini": Settings(
        train_images=6000, test_images=10_000, batch_size=64, epochs=6, further_epochs=6
    ),
    # 100 epochs of batches of 256, as Lin et al.
    "full": Settings(
        train_images=60_000, test_images=10_000, batch_size=256, epochs=50, further_epochs=50
    ),
}


class Networks:
    """The networks of all rows for one seed, trained into one folder.

    Args:
        settings: the `Settings`.
        train: the training split, as `multi_fashion.load` returns it.
        folder: where the networks are kept; those that are there already are not trained again.
        seed: integer seed of the weights and of the order of the pictures.
    """

    def __init__(self, settings, train, folder, seed):
        self.settings, self.train, self.folder, self.seed = settings, train, folder, seed

    def row(self, row):
        """The trained networks of a row; each task has its output in one of them."""
        if row == "one-task":
            return [
                self._second_part(
                    lambda task=task: self._one_task(task), [task], f"one_task_{task}"
                )
                for task in TASKS
            ]
        if row == "hard sharing":
            return [self._second_part(self._hard_sharing, TASKS, "hard_sharing")]
        return [self._second_part(self._stitched, TASKS, "cross_stitch")]

    def _one_task(self, task):
        return self._first_part(Branched.independent(), [task], f"one_task_{task}")

    def _hard_sharing(self):
        return self._first_part(Branched.hard_sharing(), TASKS, "hard_sharing")

    def _stitched(self):
        sharing = CrossStitched(
            after=self.settings.stitches,
            alpha=self.settings.alpha,
            learning_rate_multiplier=self.settings.alpha_rate,
        )
        one_task = [self._one_task(task) for task in TASKS]
        return self._build(sharing, TASKS).initialize_from(*one_task)

    def _build(self, sharing, tasks):
        net = LeNet(include_top=False, input_shape=self.train["image"].shape[1:], seed=self.seed)
        heads = {
            task: keras.layers.Dense(
                len(multi_fashion.CLASSES),
                kernel_initializer=keras.initializers.GlorotUniform(10 * self.seed + index),
            )
            for index, task in enumerate(TASKS)
            if task in tasks
        }
        return MultiTaskModel(Tower(net, lenet.STAGES), sharing, heads)

    def _first_part(self, sharing, tasks, name):
        settings = self.settings
        return self._fit(
            lambda: self._build(sharing, tasks),
            tasks,
            f"{name}_first",
            settings.learning_rate,
            settings.epochs,
            part=0,
        )

    def _second_part(self, build, tasks, name):
        epochs = self.settings.further_epochs
        steps = epochs * len(self._batches(tasks, 1))
        rate = keras.optimizers.schedules.CosineDecay(self.settings.learning_rate, steps)
        return self._fit(build, tasks, name, rate, epochs, part=1)

    def _fit(self, build, tasks, name, learning_rate, epochs, part):
        def compiled():
            model = build()
            model.compile(
                SGD(learning_rate, self.settings.momentum),
                loss={
                    task: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                    for task in tasks
                },
            )
            return model

        path = self.folder / f"{name}_{self.seed}.keras"
        return resumable_fit(compiled, self._batches(tasks, part), epochs, path, path.stem)

    def _batches(self, tasks, part):
        return ArrayBatches(
            self.train["image"],
            {task: self.train[task] for task in tasks},
            self.settings.batch_size,
            seed=2 * self.seed + part,
            drop_remainder=True,
        )
