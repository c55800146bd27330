"""The networks of all dense tables: how they are built and scored."""

import keras
import numpy as np

from keras_mtl import Ensemble
from keras_mtl.applications import FCN, CrossStitchFCN
from keras_mtl.datasets import ArrayBatches
from keras_mtl.geometry import rectify_normals
from keras_mtl.recipes._columns import reading
from keras_mtl.recipes._dense_data import IMAGE_LABELS
from keras_mtl.recipes._networks import DROPOUT, Networks
from keras_mtl.sharing import Branched

SCORED_PIXELS = 1_000_000
"""About as many pixels are predicted at once: each takes some hundred bytes for every task."""


class DenseNetworks(Networks):
    """Networks for dense tasks; arguments as of `Networks`, `data` is a `DenseData`."""

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

    def scores(self, models, rectified=False, data=None):
        """Scores on the test images; several models of one task vote by their mean.

        Args:
            models: as of `Networks.scores`.
            rectified: whether predicted normals are turned into each picture's Manhattan frame.
            data: other images and their targets, a dict as `DenseData.test`.

        Returns:
            A dict from task to a dict from score to number.
        """
        metrics = {task: self.data.metric(task) for task in self.tasks}
        data = self.data.test if data is None else data
        targets = {task: data[task] for task in self.tasks}
        height, width, _ = data["image"].shape[1:]
        batch_size = min(25, max(1, SCORED_PIXELS // (height * width)))
        batches = ArrayBatches(
            data["image"], targets, batch_size, shuffle=False, **reading(data["image"])
        )
        ensemble = Ensemble(models)
        for index in range(len(batches)):
            images, targets = batches[index]
            predictions = self.predict(ensemble, images)
            if rectified and "normals" in predictions:
                predictions["normals"] = rectify_normals(predictions["normals"])
            for task, metric in metrics.items():
                metric.update_state(targets[task], predictions[task])
        results = {}
        for task, metric in metrics.items():
            found = metric.result()
            found = found if isinstance(found, dict) else {metric.name: found}
            results[task] = {
                key.removeprefix(f"{task}_"): float(value) for key, value in found.items()
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
        kinds = {task: self.data.kinds[task] for task in self.tasks}
        return CrossStitchFCN(kinds, **units, **self._network(self.seed))

    def _batches(self, tasks, seed):
        data = self.data
        return ArrayBatches(
            data.train["image"],
            {task: data.targets(task) for task in tasks},
            self.settings.batch_size,
            seed=seed,
            drop_remainder=True,
            augment=data.augment and _of_maps(data.augment),
            **reading(data.train["image"]),
        )

    def _losses(self, tasks):
        return {"loss": {task: self.data.losses[task] for task in tasks}}

    def _initialized(self, model, start):
        if start == "image labels":
            # All towers from one network that learned which classes a picture shows.
            model.initialize_towers_from(self._trained_on_image_labels())
        return model

    def _network(self, seed):
        return {
            "input_shape": self.data.train["image"].shape[1:],
            "seed": seed,
            "dropout": DROPOUT,
            **self.settings.network,
        }

    def _image_labels_head(self, seed):
        num_classes = len(self.data.class_names)
        labels = keras.layers.Dense(
            num_classes, kernel_initializer=keras.initializers.GlorotUniform(seed)
        )
        return keras.Sequential([keras.layers.GlobalAveragePooling2D(), labels])

    def _trained_on_image_labels(self):
        """A network that learned which classes a picture shows, as ImageNet's networks did."""

        def untrained():
            head = {IMAGE_LABELS: self._image_labels_head(self.seed)}
            return FCN(Branched.independent(), head, **self._network(self.seed))

        return self._fit_first(untrained, [IMAGE_LABELS], "image_labels", self.seed)


def _of_maps(augment):
    """The augmentation for targets of which some, such as labels of the picture, are no maps."""

    def augmented(images, targets, rng):
        maps = {task: values for task, values in targets.items() if values.ndim > 2}
        images, maps = augment(images, maps, rng)
        return images, {**targets, **maps}

    return augmented
