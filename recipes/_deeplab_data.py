"""The dense tasks of DeepLab's tables: pictures, targets, losses and scores."""

import keras

from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip
from keras_mtl.datasets import center_offsets, edge_map, keypoint_map, rooms
from keras_mtl.losses import DepthL1, MapL1, NormalsCosine, SegmentationCrossentropy
from keras_mtl.metrics import MapAbsoluteError
from recipes._dense_data import COLUMNS, IMAGE_LABELS, DenseData

MAPS = {"keypoints": keypoint_map, "edges": edge_map}
"""Tasks whose targets are computed from the picture, as Taskonomy's are."""

DEEPLAB_COLUMNS = {
    "segmentation": {key: COLUMNS["segmentation"][key] for key in ("mIU", "pixacc")},
    "normals": COLUMNS["normals"],
    "depth": {
        **COLUMNS["depth"],
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
DEEPLAB_HEADLINES = {
    task: tuple(score for score, _ in columns.values()) for task, columns in DEEPLAB_COLUMNS.items()
}
ERRORS = ("mean_angular_error", "median_angular_error", "absolute_error", "relative_error")


class DeepLabData(DenseData):
    """As `DenseData`, with normals as vectors, further tasks, and validation images.

    Args:
        name: `"rooms"`.
        settings: the `DeepLabSettings`.
    """

    def __init__(self, name, settings):
        super().__init__(name, settings)
        if settings.augmented:
            self.augment = Compose([RandomHorizontalFlip(offsets="instances"), ColorJitter()])
        self.validation = rooms.load("validation", settings.size, settings.validation_images)
        for part in (self.train, self.test, self.validation):
            part.update({task: make(part["image"]) for task, make in MAPS.items()})
            part["instances"] = center_offsets(part["instances"])
            part[IMAGE_LABELS] = self._image_labels(part)

    def _define(self, settings):
        num_classes = len(self.class_names)
        labels = keras.layers.Dense(
            num_classes, kernel_initializer=keras.initializers.GlorotUniform(0)
        )
        self.kinds = {
            "segmentation": num_classes,
            "normals": "normals",
            "depth": "depth",
            "instances": "offsets",
            **dict.fromkeys(MAPS, "map"),
            IMAGE_LABELS: keras.Sequential([keras.layers.GlobalAveragePooling2D(), labels]),
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
            return keras.metrics.AUC(
                curve="PR",
                multi_label=True,
                num_labels=len(self.class_names),
                from_logits=True,
                name="mean_ap",
            )
        if task in ("instances", *MAPS):
            return MapAbsoluteError(name="absolute_error")
        return super().metric(task)

    def decode(self, task, values):
        return values  # normals are vectors already

    def targets(self, task):
        return self.train[task]
