"""The networks of Multi-Fashion: how they are built and scored."""

import keras
import numpy as np

from keras_mtl import Ensemble, MultiTaskModel
from keras_mtl.datasets import ArrayBatches
from keras_mtl.recipes._networks import Networks
from keras_mtl.sharing import CrossStitched
from keras_mtl.towers import LeNet, Tower, lenet

STITCHES = ("pool1", "pool2", "fc3")


class FashionNetworks(Networks):
    """LeNets; arguments as of `Networks`, `data` is a `FashionData`."""

    def predict(self, models, images):
        """The labels that networks give.

        Args:
            models: as of `Networks.scores`.
            images: array (N, 36, 36, 1).

        Returns:
            A dict from task to integers (N,).
        """
        found = Ensemble(models).predict(images.astype("float32"), batch_size=500, verbose=0)
        return {task: found[task].argmax(-1) for task in self.tasks}

    def scores(self, models):
        test = self.data.test
        labels = self.predict(models, test["image"])
        return {
            task: {"accuracy": float(np.mean(labels[task] == test[task]))} for task in self.tasks
        }

    def _build(self, sharing, tasks, seed):
        shape = self.data.train["image"].shape[1:]
        net = LeNet(include_top=False, input_shape=shape, seed=seed, **self.settings.network)
        heads = {
            task: keras.layers.Dense(
                len(self.data.class_names),
                kernel_initializer=keras.initializers.GlorotUniform(10 * seed + index),
            )
            for index, task in enumerate(self.tasks)
            if task in tasks
        }
        return MultiTaskModel(Tower(net, lenet.STAGES), sharing, heads)

    def _stitched(self, units):
        return self._build(CrossStitched(STITCHES, **units), self.tasks, self.seed)

    def _batches(self, tasks, seed):
        train = self.data.train
        return ArrayBatches(
            train["image"],
            {task: train[task] for task in tasks},
            self.settings.batch_size,
            seed=seed,
            drop_remainder=True,
        )

    def _losses(self, tasks):
        crossentropy = keras.losses.SparseCategoricalCrossentropy
        return {"loss": {task: crossentropy(from_logits=True) for task in tasks}}

    def _published_rate(self, rate, first):
        """Constant in the first steps, and along a cosine to zero in the further ones."""
        if first:
            return rate
        return keras.optimizers.schedules.CosineDecay(rate, self.settings.further_iterations)
