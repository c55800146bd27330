"""The networks of all dense tables: how they are built, trained and scored."""

from pathlib import Path

import keras
import numpy as np
from keras_mtl.applications import FCN, CrossStitchFCN

from keras_mtl import Ensemble
from keras_mtl.datasets import ArrayBatches
from keras_mtl.geometry import rectify_normals
from keras_mtl.optimizers import SGD
from keras_mtl.sharing import Branched, LatentShared
from recipes._dense_data import IMAGE_LABELS
from recipes._resumable_fit import resumable_fit

DROPOUT = 0.5


class DenseNetworks:
    """Networks for dense tasks with one seed, trained into one folder.

    Args:
        settings: the `Settings`.
        data: a `DenseData`.
        tasks: names of the tasks.
        folder: where the networks are kept; those that are there already are not trained again.
        seed: integer seed of weights, order of the data and dropout.
    """

    def __init__(self, settings, data, tasks, folder, seed):
        self.settings, self.data, self.tasks = settings, data, tuple(tasks)
        self.folder, self.seed = Path(folder), seed
        self.folder.mkdir(parents=True, exist_ok=True)

    def one_task(self, task, member=0):
        """A trained one-task network; `member` numbers those that differ in their seed only."""
        seed = self.seed + 1000 * member
        return self._fit_first(
            lambda: self._build(Branched.independent(), [task], seed),
            [task],
            f"one_task_{task}_{member}",
            seed,
        )

    def further(self, task, member=0, learning_rate=None):
        """A one-task network trained on, for as many steps as a stitched one from the same start.

        Without them the stitched network would be compared with networks that saw less data.
        """
        rate = "" if learning_rate is None else f"_at_{learning_rate}"
        return self._fit_further(
            lambda: self.one_task(task, member),
            [task],
            f"one_task_{task}_{member}_further{rate}",
            self.seed + 1000 * member,
            learning_rate,
        )

    def joint(self, sharing, name, **options):
        """A network of all tasks under a sharing, from random weights.

        It has the steps of the one-task networks (of the longest, where they differ) and then as
        many as the stitched network.
        """

        def first():
            return self._fit_first(
                lambda: self._build(sharing, self.tasks, self.seed, **options),
                self.tasks,
                f"{name}_first",
                self.seed,
            )

        return self._fit_further(first, self.tasks, name, self.seed)

    def split(self, at):
        return self.joint(Branched.split(at=at), f"split_{at}")

    def latent_shared(self):
        sharing = LatentShared(self.settings.latent_size, DROPOUT, seed=self.seed)
        return self.joint(sharing, "latent_shared", head_dropout=0.0)

    def cross_stitched(self, name="cross_stitch", *, start="one-task", learning_rate=None, **units):
        """A cross-stitched network.

        Args:
            name: what its file is called; another one for other settings.
            start: `"one-task"`: the towers start from the one-task networks; `"random"`: from
                random weights; `"image labels"`: all from one network that learned which classes
                a picture shows. Those two have the steps of the one-task networks in addition.
            learning_rate: the rate of the further steps; that of the settings if `None`.
            **units: `stitch_after`, `per_channel`, `alpha`, `learning_rate_multiplier`.
        """

        def start_of_further():
            if start == "one-task":
                one_task = [self.one_task(task) for task in self.tasks]
                return self._stitched(units).initialize_from(*one_task)
            return self._fit_first(start_of_first, self.tasks, f"{name}_first", self.seed)

        def start_of_first():
            model = self._stitched(units)
            if start == "image labels":
                model.initialize_towers_from(self._trained_on_image_labels())
            return model

        return self._fit_further(start_of_further, self.tasks, name, self.seed, learning_rate)

    def predict(self, models, images):
        """Predictions of every task, averaged over the models that have it.

        Args:
            models: list of models, or an `Ensemble` of them; each task is in one of them at least.
            images: float array (N, size, size, 3).

        Returns:
            A dict from task to what `DenseData.decode` makes of the mean.
        """
        ensemble = models if isinstance(models, Ensemble) else Ensemble(models)
        means = ensemble.predict_on_batch(images)
        return {task: self.data.decode(task, means[task]) for task in self.tasks}

    def scores(self, models, rectified=False):
        """Scores on the test images; several models of one task vote by their mean.

        Args:
            models: list of models; each task is in one of them at least.
            rectified: whether predicted normals are turned into each picture's Manhattan frame.

        Returns:
            A dict from task to a dict from score to number.
        """
        metrics = {task: self.data.metric(task) for task in self.tasks}
        targets = {task: self.data.test[task] for task in self.tasks}
        batches = ArrayBatches(self.data.test["image"], targets, 25, shuffle=False)
        ensemble = Ensemble(models)
        for index in range(len(batches)):
            images, targets = batches[index]
            predictions = self.predict(ensemble, images)
            if rectified and "normals" in predictions:
                predictions["normals"] = rectify_normals(predictions["normals"])
            for task, metric in metrics.items():
                metric.update_state(targets[task], predictions[task])
        results = {
            task: {
                key.removeprefix(f"{task}_"): float(value) for key, value in metric.result().items()
            }
            for task, metric in metrics.items()
        }
        if "segmentation" in results:
            results["segmentation"]["per_class_iu"] = [
                None if np.isnan(value) else float(value)
                for value in metrics["segmentation"].per_class_iu()
            ]
        return results

    def _build(self, sharing, tasks, seed, **options):
        kinds = {task: self.data.kinds[task] for task in tasks}
        return FCN(sharing, kinds, **self._network(seed), **options)

    def _stitched(self, units):
        settings = self.settings
        defaults = {"alpha": settings.alpha, "learning_rate_multiplier": settings.alpha_rate}
        kinds = {task: self.data.kinds[task] for task in self.tasks}
        return CrossStitchFCN(kinds, **{**defaults, **units}, **self._network(self.seed))

    def _network(self, seed):
        size = self.settings.size
        return {
            "input_shape": (size, size, 3),
            "seed": seed,
            "dropout": DROPOUT,
            **self.settings.network,
        }

    def _trained_on_image_labels(self):
        """A network that learned which classes a picture shows, as ImageNet's networks did."""

        def untrained():
            layers = [
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(
                    len(self.data.class_names),
                    kernel_initializer=keras.initializers.GlorotUniform(self.seed),
                ),
            ]
            head = {IMAGE_LABELS: keras.Sequential(layers)}
            return FCN(Branched.independent(), head, **self._network(self.seed))

        return self._fit_first(untrained, [IMAGE_LABELS], "image_labels", self.seed)

    def _fit_first(self, build, tasks, name, seed):
        known = self.settings.one_task_iterations
        iterations = max(known.get(task, max(known.values())) for task in tasks)
        return self._fit(build, tasks, name, iterations, seed, _warmed_up)

    def _fit_further(self, build, tasks, name, seed, learning_rate=None):
        iterations = self.settings.further_iterations
        falling = keras.optimizers.schedules.CosineDecay
        # Another order of the pictures than in the first steps.
        return self._fit(build, tasks, name, iterations, seed + 1, falling, learning_rate)

    def _fit(self, build, tasks, name, iterations, seed, schedule, learning_rate=None):
        settings, data = self.settings, self.data
        batches = ArrayBatches(
            data.train["image"],
            {task: data.targets(task) for task in tasks},
            settings.batch_size,
            seed=seed,
            drop_remainder=True,
            # Only maps of pixels can be augmented along with the picture.
            augment=None if IMAGE_LABELS in tasks else data.augment,
        )
        epochs = -(-iterations // len(batches))
        learning_rate = learning_rate or settings.learning_rate
        if settings.annealed:
            learning_rate = schedule(learning_rate, epochs * len(batches))

        def compiled():
            model = build()
            model.compile(
                SGD(learning_rate, settings.momentum, weight_decay=settings.weight_decay),
                loss={task: data.losses[task] for task in tasks},
            )
            return model

        path = self.folder / f"{name}.keras"
        return resumable_fit(compiled, batches, epochs, path, f"seed {self.seed}, {name}")


def _warmed_up(learning_rate, steps):
    """A rate that rises over the first tenth of the steps, and stays."""
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, 1, alpha=1.0, warmup_target=learning_rate, warmup_steps=steps // 10
    )
