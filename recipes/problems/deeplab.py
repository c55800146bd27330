"""Dense tasks on DeepLab-ResNets: those of AdaShare and of branched networks."""

import dataclasses
import functools

import numpy as np

import keras_mtl
from keras_mtl.applications.deeplab import deeplab_task
from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip
from keras_mtl.datasets import center_offsets, edge_map, keypoint_map
from keras_mtl.metrics import MapAbsoluteError, SegmentationScores, attribute_average_precision
from keras_mtl.optimizers import Adam
from keras_mtl.recipes.problems._columns import per_image
from keras_mtl.recipes.problems.dense import COLUMNS as DENSE_COLUMNS
from keras_mtl.recipes.problems.dense import (
    IMAGE_LABELS,
    DenseData,
    DenseSettings,
    OfMaps,
    image_labels_task,
)
from keras_mtl.recipes.problems.problem import Problem
from keras_mtl.towers import ResNet, Tower
from keras_mtl.towers.resnet import stages

MAPS = {"keypoints": keypoint_map, "edges": edge_map}
"""Tasks whose targets are computed from the picture where a data set has none."""
KINDS = {
    "normals": "normals",
    "depth": "depth",
    "instances": "offsets",
    **dict.fromkeys(MAPS, "map"),
}

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
            missing = [task for task in tasks if task not in (*part, IMAGE_LABELS)]
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
            batches = examples.batches({IMAGE_LABELS: IMAGE_LABELS}, self.batch_size)
            said, known = [], []
            for number in range(len(batches)):
                images, labels = batches[number]
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
    return DeepLabStudy(
        functools.partial(_tower, settings, data),
        {task: _task(settings, data, task) for task in tasks},
        *(data.examples(part, tasks) for part in ("train", "validation", "test")),
        steps=settings.steps,
        batch_size=settings.batch_size,
        optimizer=Adam(settings.rate, beta_1=0.5, beta_2=0.999, **settings.decay_and_heads),
        augment=OfMaps(augment) if settings.augmented else None,
        **options,
    )


def _tower(settings, data, seed):
    network = {"width": 1.0, "weights": None, **settings.network}
    depth, shape = network["depth"], data.train["image"].shape[1:]
    net = ResNet(depth, shape, network["weights"], width=network["width"], seed=seed)
    return Tower(net, stages(depth))


def _task(settings, data, task):
    of_task = {
        "weight": settings.task_weights[task],
        "headline": {_full(task, score): _direction(score) for score in HEADLINES[task]},
        "better": None,
    }
    if task == IMAGE_LABELS:
        return image_labels_task(data, **of_task)

    def head(seed):
        return deeplab_task(
            task,
            data.class_names if task == "segmentation" else KINDS[task],
            {
                "output_size": data.train["image"].shape[1:3],
                "features": settings.network.get("features", 1024),
                "dropout": settings.network.get("dropout", 0.5),
                "seed": seed,
            },
        ).head

    classes = None
    if task == "segmentation":
        classes = data.class_names
        of_task["metrics"] = [SegmentationScores(len(classes), per_class=True)]
    elif task in ("instances", *MAPS):
        of_task["metrics"] = [MapAbsoluteError(name="absolute_error")]
    return keras_mtl.Task.of(head(0), classes, **of_task).with_head(head)


def _full(task, score):
    """The name of a score as `evaluate` has it."""
    return f"{task}_{score}" if task in ("segmentation", "normals", "depth") else score


def _direction(score):
    return "lower" if score in LOWER_IS_BETTER else "higher"


def deeplab_problem(folder, tasks, paper_data, data_sets):
    """The problem of some tables.

    Args:
        folder: as of `Problem`.
        tasks: names of the tasks.
        paper_data: what the paper calls its data.
        data_sets: names of the data sets with these tasks, beside `rooms`.
    """
    return Problem(
        folder=folder,
        data_sets=("rooms", *data_sets),
        load=DeepLabData,
        study=deeplab_study,
        tasks=tasks,
        columns=COLUMNS,
        headlines=HEADLINES,
        lower_is_better=LOWER_IS_BETTER,
        paper_data=paper_data,
    )
