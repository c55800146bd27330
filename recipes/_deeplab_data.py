"""The dense tasks of AdaShare: pictures, targets, losses and scores."""

from keras_mtl.datasets import edge_map, keypoint_map, rooms
from keras_mtl.losses import DepthL1, MapL1, NormalsCosine, SegmentationCrossentropy
from keras_mtl.metrics import MapAbsoluteError
from recipes._dense_data import COLUMNS, DenseData

MAPS = {"keypoints": keypoint_map, "edges": edge_map}
"""Tasks whose targets are computed from the picture, as Taskonomy's are."""

ADA_SHARE_COLUMNS = {
    "segmentation": {key: COLUMNS["segmentation"][key] for key in ("mIU", "pixacc")},
    "normals": COLUMNS["normals"],
    "depth": {
        **COLUMNS["depth"],
        "1.25²": ("within_1.5625", 100),
        "1.25³": ("within_1.953125", 100),
    },
    "keypoints": {"keyp. ×100": ("absolute_error", 100)},
    "edges": {"edges ×100": ("absolute_error", 100)},
}
# The paper's Δ is over all scores of a task.
ADA_SHARE_HEADLINES = {
    task: tuple(score for score, _ in columns.values())
    for task, columns in ADA_SHARE_COLUMNS.items()
}
ERRORS = ("mean_angular_error", "median_angular_error", "absolute_error", "relative_error")


class AdaShareData(DenseData):
    """As `DenseData`, with normals as vectors, maps of edges and keypoints, and validation images.

    Args:
        name: `"rooms"`.
        settings: the `AdaShareSettings`.
    """

    def __init__(self, name, settings):
        super().__init__(name, settings)
        self.validation = rooms.load("validation", settings.size, settings.validation_images)
        for part in (self.train, self.test, self.validation):
            part.update({task: make(part["image"]) for task, make in MAPS.items()})

    def _define(self, settings):
        self.kinds = {
            "segmentation": len(self.class_names),
            "normals": "normals",
            "depth": "depth",
            **dict.fromkeys(MAPS, "map"),
        }
        self.losses = {
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCosine(),
            "depth": DepthL1(),
            **{task: MapL1() for task in MAPS},
        }

    def metric(self, task):
        return MapAbsoluteError(name="absolute_error") if task in MAPS else super().metric(task)

    def decode(self, task, values):
        return values  # normals are vectors already
