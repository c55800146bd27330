"""Dense tasks on DeepLab-ResNets: those of AdaShare and of branched networks."""

import dataclasses

import numpy as np

import keras_mtl
from keras_mtl.applications.deeplab import deeplab_task
from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip
from keras_mtl.datasets import center_offsets, edge_map, keypoint_map
from keras_mtl.metrics import MapAbsoluteError, SegmentationScores, attribute_average_precision
from keras_mtl.optimizers import Adam
from keras_mtl.recipes.problems import dense
from keras_mtl.recipes.problems._columns import per_image
from keras_mtl.recipes.problems.dense import IMAGE_LABELS, DenseData, DenseSettings, OfMaps
from keras_mtl.recipes.problems.problem import Problem, TaskScores
from keras_mtl.recipes.settings import PARTS
from keras_mtl.towers import ResNet, Tower
from keras_mtl.towers.resnet import stage_names

MAPS = {"keypoints": keypoint_map, "edges": edge_map}
"""Tasks whose targets are computed from the picture where a data set has none."""
KINDS = {"normals": "normals", "depth": "depth", "instances": "offsets"}
"""What `DeepLab` calls a task; maps, if it is not among these."""

# AdaShare's Δ is over all scores of a task.
SCORES = {
    "segmentation": TaskScores({"mIU": ("mean_iu", 100), "pixacc": ("pixel_accuracy", 100)}),
    "normals": TaskScores(dense.SCORES["normals"].columns),
    "depth": TaskScores(
        {
            # Of metres, or of 1/m on Cityscapes.
            "abs ×100": ("absolute_error", 100),
            "rel %": ("relative_error", 100),
            "δ<1.25": ("within_1.25", 100),
            "1.25²": ("within_1.5625", 100),
            "1.25³": ("within_1.953125", 100),
        }
    ),
    # In % of the picture's side.
    "instances": TaskScores({"inst. %": ("absolute_error", 100)}),
    "keypoints": TaskScores({"keyp. ×100": ("absolute_error", 100)}),
    "edges": TaskScores({"edges ×100": ("absolute_error", 100)}),
    IMAGE_LABELS: TaskScores({"labels AP": ("mean_ap", 100)}),
}

SMALL = {"depth": 18, "width": 1 / 4, "features": 32, "dropout": 0.1}
"""Options of a network that learns from random weights, on two cores in minutes."""
MINI = {
    "train_images": 1200,
    "test_images": 300,
    "batch_size": 16,
    "rate": 2e-3,
    # So short a training never sees a picture often enough to need other versions of it.
    "augmented": False,
    "alpha_rate": 1.0,
}
"""The settings of such networks."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeepLabSettings(DenseSettings):
    """The settings of DeepLab's tables."""

    task_weights: dict
    """Weight of every task's loss (AdaShare's λ)."""
    head_rate: float = 1.0
    """Factor on the learning rate of the heads."""
    weight_decay: float = 1e-4

    @property
    def decay_and_heads(self):
        """Options of optimizers."""
        heads = {} if self.head_rate == 1 else {"_head": self.head_rate}
        return {"weight_decay": self.weight_decay, "learning_rate_multipliers": heads}


class DeepLabData(DenseData):
    """As `DenseData`, with further tasks: those of the settings' `task_weights`."""

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        super().__init__(name, settings, data_dir, cache_dir)
        tasks = settings.task_weights
        for part in (self.train, self.test, self.validation):
            for task, make in MAPS.items():
                if task in tasks and task not in part:
                    part[task] = per_image(make, part["image"])
            if "instances" in tasks and "instances" in part:
                part["instances"] = per_image(center_offsets, part["instances"])
            missing = [task for task in tasks if task not in part]
            if missing:
                raise ValueError(
                    f"`data` must have the tasks {list(tasks)}. Received: {name!r}, which has no "
                    f"{' and no '.join(missing)}."
                )


class DeepLabStudy(keras_mtl.Study):
    """Networks of which no two heads drop the same features."""

    def head(self, head, seed, place):
        return super().head(head, seed + 1000 * place, place)

    def scores(self, models, examples, run_eagerly=False):
        found = super().scores(models, examples, run_eagerly)
        if IMAGE_LABELS in self.tasks:
            vote = keras_mtl.Ensemble([each for each in models if IMAGE_LABELS in each.tasks])
            said, known = [], []
            for images, labels in examples.batches({IMAGE_LABELS: IMAGE_LABELS}, self.batch_size):
                said.append(vote.predict_on_batch(images)[IMAGE_LABELS])
                known.append(labels[IMAGE_LABELS])
            precisions = attribute_average_precision(np.concatenate(said), np.concatenate(known))
            # Of so few pictures that each class is in all or in none there is no mean.
            known = precisions[np.isfinite(precisions)]
            found[IMAGE_LABELS]["mean_ap"] = float(known.mean()) if len(known) else float("nan")
        return found


def deeplab_study(settings, data, tasks, **options):
    """The `Study` of dense tasks on DeepLab-ResNets; arguments as of `Problem.study`."""
    augment = Compose([RandomHorizontalFlip(offsets="instances"), ColorJitter()])
    network = {"width": 1.0, "weights": None, **settings.network}
    depth, shape = network["depth"], data.train["image"].shape[1:]

    def tower(seed):
        net = ResNet(depth, shape, network["weights"], width=network["width"], seed=seed)
        return Tower(net, stage_names(depth))

    return DeepLabStudy(
        tower,
        {task: _task(settings, data, task) for task in tasks},
        *(data.examples(part, tasks) for part in PARTS),
        optimizer=Adam(settings.rate, beta_1=0.5, beta_2=0.999, **settings.decay_and_heads),
        augment=OfMaps(augment) if settings.augmented else None,
        **options,
    )


def _task(settings, data, task):
    # Metrics of several scores put the task before them.
    start = f"{task}_" if task in dense.TASKS else ""
    directions = {f"{start}{score}": way for score, way in SCORES[task].directions.items()}
    options = {"weight": settings.task_weights[task], "headline": directions, "better": None}
    if task == IMAGE_LABELS:
        return dense.image_labels_task(data, **options)
    classes = data.class_names if task == "segmentation" else None
    if task == "segmentation":
        options["metrics"] = [SegmentationScores(len(classes), per_class=True)]
    elif task not in dense.TASKS:
        options["metrics"] = [MapAbsoluteError(name="absolute_error")]

    def head(seed):
        options = {
            "output_size": data.train["image"].shape[1:3],
            "features": settings.network.get("features", 1024),
            "dropout": settings.network.get("dropout", 0.5),
            "seed": seed,
        }
        return deeplab_task(task, classes or KINDS.get(task, "map"), options).head

    return keras_mtl.Task.of(head(0), classes, **options).with_head(head)


def deeplab_problem(tasks, *data_sets):
    """The problem of some tasks, with the data sets that have them beside `rooms`."""
    return Problem(
        data_sets=("rooms", *data_sets),
        load=DeepLabData,
        study=deeplab_study,
        scores=SCORES,
        tasks=tuple(tasks),
    )
