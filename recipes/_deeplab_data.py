"""The dense tasks of DeepLab's tables: pictures, targets, losses and scores."""

import keras
import numpy as np

from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip
from keras_mtl.datasets import center_offsets, edge_map, keypoint_map
from keras_mtl.losses import DepthL1, MapL1, NormalsCosine, SegmentationCrossentropy
from keras_mtl.metrics import MapAbsoluteError, attribute_average_precision
from keras_mtl.recipes._columns import per_image
from keras_mtl.recipes._dense_data import COLUMNS as DENSE_COLUMNS
from keras_mtl.recipes._dense_data import IMAGE_LABELS, DenseData

MAPS = {"keypoints": keypoint_map, "edges": edge_map}
"""Tasks whose targets are computed from the picture where a data set has none."""

COLUMNS = {
    "segmentation": {key: DENSE_COLUMNS["segmentation"][key] for key in ("mIU", "pixacc")},
    "normals": DENSE_COLUMNS["normals"],
    "depth": {
        # Of metres, or of 1/m on Cityscapes.
        "abs ×100": DENSE_COLUMNS["depth"]["abs cm"],
        **{key: DENSE_COLUMNS["depth"][key] for key in ("rel %", "δ<1.25")},
        "1.25²": ("within_1.5625", 100),
        "1.25³": ("within_1.953125", 100),
    },
    # In % of the picture's side.
    "instances": {"inst. %": ("absolute_error", 100)},
    "keypoints": {"keyp. ×100": ("absolute_error", 100)},
    "edges": {"edges ×100": ("absolute_error", 100)},
    IMAGE_LABELS: {"labels AP": ("mean_ap", 100)},
}
# AdaShare's Δ is over all scores of a task.
HEADLINES = {
    task: tuple(score for score, _ in columns.values()) for task, columns in COLUMNS.items()
}
LOWER_IS_BETTER = ("mean_angular_error", "median_angular_error", "absolute_error", "relative_error")


class DeepLabData(DenseData):
    """As `DenseData`, with normals as vectors, further tasks, and validation images.

    Args:
        name: one of `SOURCES`.
        settings: the `DeepLabSettings`.
        data_dir: folder of the data set's files; `rooms` has none.
        cache_dir: folder for what is made of them.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        super().__init__(name, settings, data_dir, cache_dir)
        if settings.augmented:
            self.augment = Compose([RandomHorizontalFlip(offsets="instances"), ColorJitter()])
        tasks = settings.task_weights
        for part in (self.train, self.test, self.validation):
            for task, make in MAPS.items():
                if task in tasks and task not in part:
                    part[task] = per_image(make, part["image"])
            if "instances" in tasks and "instances" in part:
                part["instances"] = per_image(center_offsets, part["instances"])
            if IMAGE_LABELS in tasks:
                part[IMAGE_LABELS] = self._image_labels(part)
            missing = [task for task in tasks if task not in part]
            if missing:
                raise SystemExit(f"--data {name} has no {' and no '.join(missing)}.")

    def _define(self, settings):
        self.kinds = {
            "segmentation": self.class_names,
            "normals": "normals",
            "depth": "depth",
            "instances": "offsets",
            **dict.fromkeys(MAPS, "map"),
        }
        self.losses = {
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCosine(),
            "depth": DepthL1(),
            **{task: MapL1() for task in ("instances", *MAPS)},
            IMAGE_LABELS: keras.losses.BinaryCrossentropy(from_logits=True),
        }

    def metric(self, task):
        if task == IMAGE_LABELS:
            return _LabelScores()
        if task in ("instances", *MAPS):
            return MapAbsoluteError(name="absolute_error")
        return super().metric(task)

    def decode(self, task, values):
        return values  # normals are vectors already

    def targets(self, task):
        return self.train[task]


class _LabelScores:
    """The mean average precision of the classes that pictures show; used as a metric."""

    def __init__(self):
        self.labels, self.scores = [], []

    def update_state(self, labels, scores):
        self.labels.append(np.asarray(labels))
        self.scores.append(np.asarray(scores))

    def result(self):
        precisions = attribute_average_precision(
            np.concatenate(self.scores), np.concatenate(self.labels)
        )
        return {"mean_ap": np.nanmean(precisions)}
