"""A target for every pixel, on CaffeNet: the dense tasks of the cross-stitch paper."""

import dataclasses
import functools

import keras
import numpy as np

import keras_mtl
from keras_mtl.applications._fcn_parts import fcn_parts
from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip
from keras_mtl.datasets import LazyArray, cityscapes_mtl, nyuv2, rooms, taskonomy
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.metrics import SegmentationScores
from keras_mtl.recipes.problems._columns import held_out, per_image
from keras_mtl.recipes.problems.problem import Problem, TaskScores
from keras_mtl.recipes.settings import Settings
from keras_mtl.study import Budget

TASKS = ("segmentation", "normals", "depth")
IMAGE_LABELS = "image_labels"
"""An auxiliary task: which classes does a picture show?"""
DROPOUT = 0.5

SCORES = {
    "normals": TaskScores(
        {
            "mean": ("mean_angular_error", 1),
            "med.": ("median_angular_error", 1),
            "11.25": ("within_11.25", 100),
            "22.5": ("within_22.5", 100),
            "30": ("within_30", 100),
        },
        ("mean_angular_error",),
    ),
    "segmentation": TaskScores(
        {
            "pixacc": ("pixel_accuracy", 100),
            "mIU": ("mean_iu", 100),
            "fwIU": ("frequency_weighted_iu", 100),
        },
        ("mean_iu",),
    ),
    "depth": TaskScores(
        {
            "abs cm": ("absolute_error", 100),
            "rel %": ("relative_error", 100),
            "δ<1.25": ("within_1.25", 100),
        },
        ("relative_error",),
    ),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class DenseSettings(Settings):
    """The settings of dense tasks."""

    size: int
    """The shorter side of the pictures, in pixels; those of rooms are square."""
    num_words: int = 20
    """Words of the normals' codebook."""
    mix: str = "proportional"
    """Shares in a batch of pictures with labels of other tasks, as of `JoinedBatches`."""


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": DenseSettings(
        size=96,
        train_images=1200,
        validation_images=200,
        test_images=300,
        batch_size=16,
        network={
            "width": 1 / 4,
            "fc_width": 1 / 8,
            "stem_strides": 2,
            "padding": "same",
            "rescale": 1 / 64,
        },
        steps=Budget(375, 300),
        rate=0.03,
        # So short a training never sees a picture often enough to need other versions of it.
        augmented=False,
        latent_size=20,
        # The alphas' own rate is then 0.3. With a factor of 100 they are noisy to the end; both
        # factors were compared on the validation split.
        alpha_rate=10.0,
    ),
    # The paper's own numbers (section 5); FCN-AlexNet's learning rate. It has no depth, and does
    # not say how large the basis of MTL-shared was.
    "paper": DenseSettings(
        size=480,
        train_images=795,
        validation_images=60,
        test_images=654,
        batch_size=20,
        network={},
        steps=Budget(
            {"segmentation": 25_000, "normals": 15_000, "depth": 25_000}, 10_000, annealed=False
        ),
        rate=1e-3,
        augmented=True,
        latent_size=40,
    ),
}


SOURCES = {
    # The data set, its classes, and the splits to test on and to choose by: with `None` those are
    # taken from the training's. Cityscapes' labels of the test split are not published.
    "rooms": (rooms, rooms.CLASSES, "test", "validation"),
    "nyuv2": (nyuv2, nyuv2.CLASSES_40, "test", None),
    "cityscapes_mtl": (cityscapes_mtl, cityscapes_mtl.CLASSES_19, "validation", None),
    "taskonomy": (taskonomy, taskonomy.CLASSES, "test", "validation"),
}


class DenseData:
    """Pictures, and what is known of every pixel: dicts `train`, `validation` and `test`.

    Args:
        name: one of `SOURCES`.
        settings: the `DenseSettings`; pictures of published data keep their shape.
        data_dir, cache_dir: folders, as of `Problem.load`.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        source, self.class_names, test, validation = SOURCES[name]
        self.num_words = settings.num_words

        def load(split, count):
            if source is rooms:
                return rooms.load(split, settings.size, count, cache_dir=cache_dir)
            options = {"shortest_side": settings.size, "num_images": count}
            loaded = source.load(split, data_dir, cache_dir=cache_dir, **options)
            if source is cityscapes_mtl:
                # What the papers call depth here; that of the sky is infinite.
                loaded["depth"] = loaded["inverse_depth"]
            return loaded

        self.train = load("train", settings.train_images)
        self.test = load(test, settings.test_images)
        if validation is None:
            self.validation, self.train = held_out(self.train, settings.validation_images)
        else:
            self.validation = load(validation, settings.validation_images)
        for part in (self.train, self.validation, self.test):
            part[IMAGE_LABELS] = per_image(self._shown, part["segmentation"])

    @functools.cached_property
    def codebook(self):
        """The words that the normals of the training pictures are clustered to."""
        normals = self.train["normals"]
        if isinstance(normals, LazyArray):
            # Far more than are clustered.
            normals = np.asarray(normals.map(lambda each: each[::8, ::8]))
        return NormalsCodebook.fit(normals, self.num_words)

    def examples(self, part, tasks):
        """The pictures of a part and the targets of some tasks, as a `Study` takes them."""
        part = getattr(self, part)
        return part["image"], {task: part[task] for task in tasks}

    def _shown(self, segmentations):
        """Which classes each picture shows."""
        counts = [np.bincount(labels.ravel(), minlength=256) for labels in segmentations]
        return (np.stack(counts)[:, : len(self.class_names)] > 0).astype("float32")


def dense_study(settings, data, tasks, **options):
    """The `Study` of dense tasks on CaffeNet; arguments as of `Problem.study`.

    Networks may also start from one that has learned which classes a picture shows.
    """
    augment = Compose([RandomHorizontalFlip(), ColorJitter()]) if settings.augmented else None
    return keras_mtl.Study(
        functools.partial(_tower, settings, data),
        {task: _task(settings, data, task) for task in tasks},
        data.examples("train", [*tasks, IMAGE_LABELS]),
        data.examples("validation", tasks),
        data.examples("test", tasks),
        optimizer=keras_mtl.optimizers.SGD(
            settings.rate, settings.momentum, weight_decay=settings.weight_decay
        ),
        # Also of tables that do not need it: they share their networks.
        auxiliary={IMAGE_LABELS: image_labels_task(data)},
        augment=augment and OfMaps(augment),
        mix=settings.mix,
        **options,
    )


def head_of(settings, data, task, dropout=None):
    """A function of a seed that makes the head of a task; its dropout is the tower's if `None`."""
    return functools.partial(_head, settings, data, task, dropout)


def image_labels_task(data, **options):
    """Which classes does a picture show?"""
    head = functools.partial(_image_labels_head, len(data.class_names))
    return keras_mtl.Task(head, keras.losses.BinaryCrossentropy(from_logits=True), **options)


def _image_labels_head(classes, seed):
    drawn = keras.initializers.GlorotUniform(seed)
    labels = keras.layers.Dense(classes, kernel_initializer=drawn)
    return keras.Sequential([keras.layers.GlobalAveragePooling2D(), labels])


class OfMaps:
    """The augmentation for targets of which some, such as labels of the picture, are no maps."""

    def __init__(self, augment):
        self.augment = augment

    def __call__(self, images, targets, rng):
        maps = {task: values for task, values in targets.items() if values.ndim > 2}
        images, maps = self.augment(images, maps, rng)
        return images, {**targets, **maps}


def _task(settings, data, task):
    made = _parts(settings, data, [task], 0)[1][task].with_head(head_of(settings, data, task))
    if task == "segmentation":
        made.metrics = [SegmentationScores(len(data.class_names), per_class=True)]
    return made


# Not within what hands them on: a study can then go to other processes.


def _tower(settings, data, seed):
    return _parts(settings, data, [], seed)[0]


def _head(settings, data, task, dropout, seed):
    return _parts(settings, data, [task], seed, dropout)[1][task].head


def _parts(settings, data, tasks, seed, head_dropout=None):
    kinds = {"segmentation": data.class_names, "depth": "depth"}
    if "normals" in tasks:
        kinds["normals"] = data.codebook
    return fcn_parts(
        {task: kinds[task] for task in tasks},
        data.train["image"].shape[1:],
        seed=seed,
        head_dropout=head_dropout,
        **{"dropout": DROPOUT, **settings.network},
    )


DENSE = Problem(
    folder="cross_stitch",
    data_sets=("rooms", "nyuv2"),
    load=DenseData,
    study=dense_study,
    scores=SCORES,
    tasks=TASKS,
    pair=TASKS[:2],
    paper_data="NYUv2",
)
