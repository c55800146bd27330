"""The networks for attributes as tasks: how they are built and scored."""

import numpy as np

from keras_mtl import Ensemble
from keras_mtl.applications import AttributeVGG
from keras_mtl.datasets import ArrayBatches
from keras_mtl.losses import AttributesCrossentropy
from keras_mtl.metrics import attribute_average_precision
from keras_mtl.optimizers import Adam
from keras_mtl.recipes._columns import reading
from keras_mtl.recipes._networks import Networks
from keras_mtl.recipes._tree_rows import COMPARED_IMAGES, TreeRows
from keras_mtl.sharing import CrossStitched
from keras_mtl.towers.thin_vgg16 import STAGES


class AttributesNetworks(TreeRows, Networks):
    """Thin VGG-16s; arguments as of `Networks`, `data` is an `AttributesData`.

    The table has one task, "attributes", and the networks one for each attribute. A narrow network
    that has learned little may see nothing at all in an image: behind fc7 all is 0.
    """

    undefined = "zero"

    def __init__(self, settings, data, tasks, folder, seed):
        super().__init__(settings, data, data.attribute_names, folder, seed)

    def scores(self, models):
        """Accuracy and average precision on the test crops, means over the attributes."""
        test, ensemble = self.data.test, Ensemble(models)
        targets = {"attributes": test["attributes"]}
        batches = ArrayBatches(test["image"], targets, 256, shuffle=False, **reading(test["image"]))
        predicted = [ensemble.predict_on_batch(batches[n][0]) for n in range(len(batches))]
        probabilities = np.concatenate(
            [np.concatenate([each[task] for task in self.tasks], axis=1) for each in predicted]
        )
        right = (probabilities > 0.5) == (test["attributes"] > 0.5)
        accuracies = right.mean(axis=0)
        precisions = attribute_average_precision(probabilities, test["attributes"])
        return {
            "attributes": {
                "accuracy": float(accuracies.mean()),
                "mean_ap": float(np.nanmean(precisions)),
                "accuracies": dict(zip(self.tasks, accuracies.tolist(), strict=True)),
            }
        }

    def _build(self, sharing, tasks, seed, **options):
        size = self.settings.size
        network = {"input_shape": (size, size, 3), "seed": seed, **self.settings.network}
        return AttributeVGG(sharing, tasks, **network, **options)

    def _stitched(self, units):
        pools = [stage for stage in STAGES if stage.startswith("pool")]
        return self._build(CrossStitched(pools, **units), self.tasks, self.seed)

    def _batches(self, tasks, seed):
        train = self.data.train
        columns = {task: self.tasks.index(task) for task in tasks}
        return ArrayBatches(
            train["image"],
            {task: train["attributes"][:, [column]] for task, column in columns.items()},
            self.settings.batch_size,
            seed=seed,
            drop_remainder=True,
            **reading(train["image"]),
        )

    def _losses(self, tasks):
        return {"loss": {task: AttributesCrossentropy() for task in tasks}}

    def _optimizer(self, learning_rate):
        return Adam(learning_rate, weight_decay=self.settings.weight_decay)

    def _compared_images(self):
        return self.data.validation["image"][:COMPARED_IMAGES].astype("float32")
