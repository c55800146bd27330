"""The networks of DeepLab's tables: how they are built and trained."""

import keras

from keras_mtl.applications import DeepLab
from keras_mtl.optimizers import Adam
from keras_mtl.recipes._dense_data import IMAGE_LABELS
from keras_mtl.recipes._dense_networks import DenseNetworks
from keras_mtl.sharing import CrossStitched
from keras_mtl.towers.resnet import locations

TIMED_IMAGES = 8


class DeepLabNetworks(DenseNetworks):
    """DeepLab-ResNets; arguments as of `Networks`, `data` is a `DeepLabData`."""

    def __init__(self, settings, data, tasks, folder, seed):
        unknown = set(tasks) - set(settings.task_weights)
        if unknown:
            raise SystemExit(
                f"--tasks: this preset has the tasks {list(settings.task_weights)}. "
                f"Received: {sorted(unknown)}."
            )
        super().__init__(settings, data, tasks, folder, seed)

    def test_images(self):
        """A batch of pictures, to measure the time of inference on."""
        return self.data.test["image"][:TIMED_IMAGES].astype("float32")

    def _build(self, sharing, tasks, seed, **options):
        known = {**self.data.kinds, IMAGE_LABELS: self._image_labels_head(seed)}
        kinds = {task: known[task] for task in tasks}
        return DeepLab(sharing, kinds, **self._network(seed), **options)

    def _stitched(self, units):
        after = ["stem", *locations(self.settings.network["depth"])]
        return self._build(CrossStitched(after, **units), self.tasks, self.seed)

    def _network(self, seed):
        shape = self.data.train["image"].shape[1:]
        return {"input_shape": shape, "seed": seed, **self.settings.network}

    def _losses(self, tasks):
        weights = self.settings.task_weights
        return {**super()._losses(tasks), "loss_weights": {task: weights[task] for task in tasks}}

    def _optimizer(self, learning_rate):
        return Adam(learning_rate, beta_1=0.5, beta_2=0.999, **self._decay_and_heads())

    def _decay_and_heads(self):
        settings = self.settings
        heads = {} if settings.head_rate == 1 else {"_head": settings.head_rate}
        return {"weight_decay": settings.weight_decay, "learning_rate_multipliers": heads}

    def _published_rate(self, rate, first):
        steps = self.settings.halved_every
        if steps is None:
            return rate
        # The further steps go on where the first ones ended.
        before = 0 if first else max(self.settings.one_task_iterations.values())
        boundaries = [number * steps - before for number in range(before // steps + 1, 100)]
        rates = [rate / 2 ** (before // steps + number) for number in range(len(boundaries) + 1)]
        return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, rates)
