"""The dense tasks of the cross-stitch paper: pictures, targets, losses and scores."""

import keras
import numpy as np
from keras import ops

from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip
from keras_mtl.datasets import LazyArray
from keras_mtl.heads import NormalsCodebook
from keras_mtl.losses import DepthL1, NormalsCodebookCrossentropy, SegmentationCrossentropy
from keras_mtl.metrics import DepthScores, NormalsScores, SegmentationScores
from keras_mtl.recipes._columns import per_image
from keras_mtl.recipes._dense_sources import SOURCES, load_parts

TASKS = ("segmentation", "normals", "depth")
PAIR = TASKS[:2]
DATA_SETS = ("rooms", "nyuv2")
IMAGE_LABELS = "image_labels"
"""An auxiliary task: which classes does a picture show?"""

COLUMNS = {
    # task: {heading: (score, factor on the score)}
    "normals": {
        "mean": ("mean_angular_error", 1),
        "med.": ("median_angular_error", 1),
        "11.25": ("within_11.25", 100),
        "22.5": ("within_22.5", 100),
        "30": ("within_30", 100),
    },
    "segmentation": {
        "pixacc": ("pixel_accuracy", 100),
        "mIU": ("mean_iu", 100),
        "fwIU": ("frequency_weighted_iu", 100),
    },
    "depth": {
        "abs cm": ("absolute_error", 100),
        "rel %": ("relative_error", 100),
        "δ<1.25": ("within_1.25", 100),
    },
}
# The one score a task by which networks are compared.
HEADLINES = {
    "segmentation": "mean_iu",
    "normals": "mean_angular_error",
    "depth": "relative_error",
}
LOWER_IS_BETTER = ("normals", "depth")


class DenseData:
    """The pictures, what is known of every pixel, and how a task is trained and scored on it.

    Args:
        name: one of `SOURCES`.
        settings: the `DenseSettings`.
        data_dir: folder of the data set's files; `rooms` has none.
        cache_dir: folder for what is made of them.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        number = settings.validation_images
        parts = load_parts(name, settings, number, data_dir=data_dir, cache_dir=cache_dir)
        self.train, self.test = parts["train"], parts["test"]
        self.validation = parts.get("validation")
        self.class_names = SOURCES[name].class_names
        self._define(settings)
        self.augment = None
        if settings.augmented:
            self.augment = Compose([RandomHorizontalFlip(), ColorJitter()])

    def _define(self, settings):
        """Sets what the tasks are and by which losses they are learned."""
        normals = self.train["normals"]
        if isinstance(normals, LazyArray):
            # Far more than are clustered.
            normals = np.asarray(normals.map(lambda each: each[::8, ::8]))
        self.codebook = NormalsCodebook.fit(normals, settings.num_words)
        self.kinds = {
            "segmentation": self.class_names,
            "normals": self.codebook,
            "depth": "depth",
        }
        self.losses = {
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCodebookCrossentropy(self.codebook),
            "depth": DepthL1(),
            IMAGE_LABELS: keras.losses.BinaryCrossentropy(from_logits=True),
        }

    def metric(self, task):
        """A new metric of all of a task's scores; it takes what `decode` returns."""
        if task == "segmentation":
            return SegmentationScores(len(self.class_names))
        return NormalsScores() if task == "normals" else DepthScores()

    def decode(self, task, values):
        """What the metric takes: probabilities of the classes, normals, or metres."""
        if task != "normals":
            return values
        return ops.convert_to_numpy(self.codebook.decode(values))

    def targets(self, task):
        """What a task learns from, for every training picture."""
        return self._image_labels(self.train) if task == IMAGE_LABELS else self.train[task]

    def _image_labels(self, part):
        """Which classes each picture shows."""
        return per_image(self._shown, part["segmentation"])

    def _shown(self, segmentations):
        counts = [np.bincount(labels.ravel(), minlength=256) for labels in segmentations]
        return (np.stack(counts)[:, : len(self.class_names)] > 0).astype("float32")
