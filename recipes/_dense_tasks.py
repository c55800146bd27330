"""The paper's pair of dense tasks: data, networks, training and scores, for all its tables."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
from keras import ops
from keras_mtl.applications import FCN, CrossStitchFCN

from keras_mtl.datasets import ArrayBatches, rooms
from keras_mtl.heads import NormalsCodebook
from keras_mtl.losses import NormalsCodebookCrossentropy, SegmentationCrossentropy
from keras_mtl.metrics import NormalsScores, SegmentationScores
from keras_mtl.optimizers import SGD
from keras_mtl.sharing import Branched
from recipes._resumable_fit import resumable_fit

TASKS = ("segmentation", "normals")


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides what networks of the pair learn; sizes in pixels, lengths in iterations."""

    size: int
    train_images: int
    test_images: int
    batch_size: int
    network: dict
    one_task_iterations: dict
    further_iterations: int
    learning_rate: float
    annealed: bool
    """Whether the first steps warm up, and the further ones fall to a rate of zero by a cosine."""
    weight_decay: float = 5e-4
    momentum: float = 0.9
    num_words: int = 20
    alpha: tuple = (0.9, 0.1)
    alpha_rate: float = 100.0


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": Settings(
        size=96,
        train_images=1200,
        test_images=300,
        batch_size=16,
        network={
            "width": 1 / 4,
            "fc_width": 1 / 8,
            "stem_strides": 2,
            "padding": "same",
            "rescale": 1 / 64,
        },
        one_task_iterations={"segmentation": 375, "normals": 375},
        further_iterations=300,
        learning_rate=0.03,
        annealed=True,
        # The alphas' own rate is then 0.3. With a factor of 100 they are noisy to the end; both
        # factors were compared on the validation split.
        alpha_rate=10.0,
    ),
    # The paper's own numbers (section 5); FCN-AlexNet's learning rate.
    "paper": Settings(
        size=500,
        train_images=795,
        test_images=654,
        batch_size=20,
        network={},
        one_task_iterations={"segmentation": 25_000, "normals": 15_000},
        further_iterations=10_000,
        learning_rate=1e-3,
        annealed=False,
    ),
}


class Pair:
    """Networks for segmentation and normals on one data set, trained into one folder.

    Args:
        settings: the `Settings`.
        folder: where the networks are kept; those that are there already are not trained again.
        seed: integer seed of weights, order of the data and dropout.
    """

    def __init__(self, settings, folder, seed):
        self.settings, self.folder, self.seed = settings, Path(folder), seed
        self.train = rooms.load("train", settings.size, settings.train_images)
        self.test = rooms.load("test", settings.size, settings.test_images)
        self.class_names = rooms.CLASSES
        self.codebook = NormalsCodebook.fit(self.train["normals"], settings.num_words)
        self.kinds = {"segmentation": rooms.NUM_CLASSES, "normals": self.codebook}

    def one_task(self, task, member=0):
        """A trained one-task network; `member` numbers those that differ in their seed only."""
        seed = self.seed + 1000 * member
        model = FCN(Branched.independent(), {task: self.kinds[task]}, **self._network(seed))
        name = f"one_task_{task}_{member}"
        return self._fit(model, name, self.settings.one_task_iterations[task], seed, _warmed_up)

    def further(self, task, member=0):
        """A one-task network trained on, for as many steps as a stitched one from the same start.

        Without them the stitched network would be compared with networks that saw less data.
        """
        model = self.one_task(task, member)
        name = f"one_task_{task}_{member}_further"
        return self._fit_further(model, name, self.seed + 1000 * member + 1)

    def cross_stitched(self):
        """The cross-stitched network, started from the one-task networks."""
        settings = self.settings
        model = CrossStitchFCN(
            self.kinds,
            alpha=settings.alpha,
            learning_rate_multiplier=settings.alpha_rate,
            **self._network(self.seed),
        )
        model.initialize_from(*(self.one_task(task) for task in TASKS))
        return self._fit_further(model, "cross_stitch", self.seed + 1)

    def predict(self, models, images):
        """Probabilities of every task, averaged over the models that have it.

        Args:
            models: list of models; each task is in one of them at least.
            images: float array (N, size, size, 3).

        Returns:
            A dict from task to array (N, size, size, channels).
        """
        outputs = [model.predict_on_batch(images) for model in models]
        return {
            task: np.mean([_softmax(each[task]) for each in outputs if task in each], axis=0)
            for task in TASKS
        }

    def scores(self, models):
        """Scores on the test images; several models of one task vote with their probabilities."""
        metrics = {
            "segmentation": SegmentationScores(rooms.NUM_CLASSES),
            "normals": NormalsScores(),
        }
        data = ArrayBatches(
            self.test["image"], {task: self.test[task] for task in TASKS}, 25, shuffle=False
        )
        for index in range(len(data)):
            images, targets = data[index]
            predictions = self.predict(models, images)
            predictions["normals"] = self.codebook.decode(predictions["normals"])
            for task in TASKS:
                metrics[task].update_state(targets[task], predictions[task])
        results = {
            task: {
                key.removeprefix(f"{task}_"): float(value)
                for key, value in metrics[task].result().items()
            }
            for task in TASKS
        }
        results["segmentation"]["per_class_iu"] = [
            None if np.isnan(value) else float(value)
            for value in metrics["segmentation"].per_class_iu()
        ]
        return results

    def _network(self, seed):
        size = self.settings.size
        return {"input_shape": (size, size, 3), "seed": seed, **self.settings.network}

    def _fit_further(self, model, name, seed):
        iterations = self.settings.further_iterations
        return self._fit(model, name, iterations, seed, keras.optimizers.schedules.CosineDecay)

    def _fit(self, model, name, iterations, seed, schedule):
        tasks, settings = model.tasks, self.settings
        losses = {
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCodebookCrossentropy(self.codebook),
        }
        data = ArrayBatches(
            self.train["image"],
            {task: self.train[task] for task in tasks},
            settings.batch_size,
            seed=seed,
            drop_remainder=True,
        )
        epochs = -(-iterations // len(data))
        learning_rate = settings.learning_rate
        if settings.annealed:
            learning_rate = schedule(learning_rate, epochs * len(data))
        model.compile(
            SGD(learning_rate, settings.momentum, weight_decay=settings.weight_decay),
            loss={task: losses[task] for task in tasks},
        )
        return resumable_fit(model, data, epochs, self.folder / f"{name}.keras", name)


def _warmed_up(learning_rate, steps):
    """A rate that rises over the first tenth of the steps, and stays."""
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, 1, alpha=1.0, warmup_target=learning_rate, warmup_steps=steps // 10
    )


def _softmax(logits):
    return ops.convert_to_numpy(ops.softmax(logits))
