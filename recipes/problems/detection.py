"""Objects and their attributes, on Fast R-CNNs: the detection tables of the cross-stitch paper."""

import dataclasses

import numpy as np

import keras_mtl
from keras_mtl import Ensemble, predict_regions
from keras_mtl.boxes import detections
from keras_mtl.datasets import LazyArray, RoIBatches, RoISampling, rooms, voc2008_attributes
from keras_mtl.heads import AttributesHead, DetectionHead
from keras_mtl.metrics import attribute_average_precision, detection_average_precision
from keras_mtl.optimizers import SGD
from keras_mtl.proposals import jittered_boxes, selective_search
from keras_mtl.recipes.problems._columns import held_out
from keras_mtl.recipes.problems.problem import Problem
from keras_mtl.recipes.settings import Settings
from keras_mtl.search import cost
from keras_mtl.study import Budget, Examples
from keras_mtl.towers import FastRCNNCaffeNet, Tower
from keras_mtl.towers.fast_rcnn_caffenet import STAGES

TASKS = ("detection", "attributes")
DROPOUT = 0.5
FIRST_OBJECT = 3
"""Walls, floors and ceilings are no objects."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DetectionSettings(Settings):
    """The settings of detection and attributes."""

    canvas: tuple
    """Height and width of what the networks see, in pixels."""
    shortest_side: int | None
    """What photographs are scaled to, in pixels, as long as they stay within the canvas."""
    proposals: int
    """Regions an image, of which training draws, and which are all scored in a test."""
    rois_per_image: int


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": DetectionSettings(
        canvas=(128, 128),
        shortest_side=None,
        train_images=1200,
        validation_images=200,
        test_images=300,
        batch_size=8,
        proposals=100,
        rois_per_image=32,
        network={
            "width": 1 / 4,
            "fc_width": 1 / 8,
            "stem_strides": 2,
            "rescale": 1 / 64,
        },
        steps=Budget(450, 300),
        rate=0.03,
        augmented=True,
        latent_size=24,
        # A unit has one matrix for a whole layer, whose gradient sums over all its channels: with a
        # factor of 10, as for the dense tasks, the alphas run off. Compared on the validation
        # split.
        alpha_rate=1.0,
    ),
    # Fast R-CNN's settings for CaffeNet, two images and 128 regions a batch; the cross-stitch paper
    # does not give its own, nor the size of the basis of MTL-shared. The published networks start
    # from ImageNet's weights, of which they freeze conv1; these, from random ones, train all.
    "paper": DetectionSettings(
        canvas=(1000, 1000),
        shortest_side=600,
        train_images=2113,
        validation_images=200,
        test_images=2227,
        batch_size=2,
        proposals=2000,
        rois_per_image=64,
        network={"rescale": 1 / 64},
        steps=Budget(40_000, 10_000, annealed=False, falls_every=30_000),
        rate=1e-3,
        augmented=True,
        latent_size=64,
    ),
}


class DetectionData:
    """Dicts `train`, `validation` and `test` of lists with an entry for each picture.

    Args:
        name: `"rooms"` or `"voc2008_attributes"`.
        settings: the `DetectionSettings`.
        data_dir: folder of the data set's files; `rooms` has none.
        cache_dir: folder for what is made of them.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        options = settings, data_dir, cache_dir
        if name == "rooms":
            self.class_names = rooms.CLASSES[FIRST_OBJECT:]
            self.attribute_names = rooms.ATTRIBUTES
            self.interpolation = "area"
            self.train = _rooms("train", settings.train_images, *options)
            self.validation = _rooms("validation", settings.validation_images, *options)
            self.test = _rooms("test", settings.test_images, *options)
        else:
            self.class_names = voc2008_attributes.CLASSES
            self.attribute_names = voc2008_attributes.ATTRIBUTES
            self.interpolation = "11-point"  # as VOC 2008 was scored
            train = _voc2008_attributes("train", settings.train_images, *options)
            self.validation, self.train = held_out(train, settings.validation_images)
            self.test = _voc2008_attributes("test", settings.test_images, *options)


def _rooms(split, num_images, settings, data_dir, cache_dir):
    """Proposals around the true boxes: `rooms` stands for data with a good proposal method."""
    (size, _) = settings.canvas
    loaded = rooms.load(split, size, num_images, cache_dir=cache_dir)
    boxes = [of_image[:, :4].astype("float32") for of_image in loaded["boxes"]]
    stream = np.random.SeedSequence(0, spawn_key=(("train", "validation", "test").index(split),))
    return {
        "image": loaded["image"],
        "boxes": boxes,
        # 0 is the background.
        "classes": [of_image[:, 4] - FIRST_OBJECT + 1 for of_image in loaded["boxes"]],
        "attributes": loaded["attributes"],
        "difficult": [np.zeros(len(of_image), bool) for of_image in boxes],
        "proposals": [
            jittered_boxes(of_image, (size, size), settings.proposals, np.random.default_rng(seed))
            for of_image, seed in zip(boxes, stream.spawn(num_images), strict=True)
        ],
    }


def _voc2008_attributes(split, num_images, settings, data_dir, cache_dir):
    loaded = voc2008_attributes.load(
        split,
        data_dir,
        shortest_side=settings.shortest_side,
        longest_side=max(settings.canvas),
        num_images=num_images,
        cache_dir=cache_dir,
    )
    proposals, kept = [], f"{cache_dir or data_dir}/proposals"
    for number, image in enumerate(loaded["image"], 1):
        proposals.append(selective_search(image, kept, max_boxes=settings.proposals))
        if number % 100 == 0 or number == len(loaded["image"]):
            print(f"selective search: {number} of {len(loaded['image'])} pictures", flush=True)
    return {**loaded, "proposals": proposals}


class Regions(Examples):
    """Pictures with boxes, and regions that may hold an object; `part` is of a `DetectionData`."""

    def __init__(self, part, settings, num_classes):
        self.part, self.settings, self.num_classes = part, settings, num_classes

    def __len__(self):
        return len(self.part["image"])

    def batches(self, outputs, batch_size, seed=None):
        settings = self.settings
        return RoIBatches(
            self.part,
            batch_size,
            RoISampling(settings.rois_per_image),
            num_classes=self.num_classes,
            tasks=list(outputs),
            mirror=settings.augmented,
            pad_to=settings.canvas,
            seed=seed or 0,
            drop_remainder=True,
            workers=2 if isinstance(self.part["image"], LazyArray) else 1,
        )

    def arrays(self):
        images = self.part["image"]
        lists = ("boxes", "classes", "attributes", "difficult", "proposals")
        rows = [np.asarray(each) for name in lists for each in self.part[name]]
        drawn = np.array([self.settings.rois_per_image, self.settings.augmented])
        return [images if hasattr(images, "shape") else images[0], drawn, *rows]


class DetectionStudy(keras_mtl.Study):
    """Networks that are scored by mean AP: of detections, and of the attributes of true boxes."""

    def __init__(self, settings, data, tasks, **options):
        self.settings, self.data = settings, data
        count = len(data.class_names)
        super().__init__(
            self._tower,
            {task: self._task(task) for task in tasks},
            *(Regions(part, settings, count) for part in (data.train, data.validation, data.test)),
            steps=settings.steps,
            batch_size=settings.batch_size,
            optimizer=SGD(settings.rate, settings.momentum, weight_decay=settings.weight_decay),
            **options,
        )

    def check(self):
        """`RoIBatches` checks the annotations; the heads are made for them."""

    def cost_of(self, model):
        sizes = {"image": (*self.settings.canvas, 3), "rois": (self.settings.proposals, 4)}
        return cost(model, [sizes[x.name] for x in model.inputs])

    def predict(self, models, part, count=None):
        """What networks find in images.

        Args:
            models: list of models; each task is in one of them at least.
            part: such as `data.test`.
            count: number of images, the first ones; all if `None`.

        Returns:
            `(found, attributes)`: a list of what `keras_mtl.boxes.detections` returns for each
            image, and a list of arrays of the probabilities of the attributes of the true boxes.
            A list is empty if its task is not among the networks'.
        """
        count = len(part["image"]) if count is None else count
        # One pass for both: the proposals, and behind them the true boxes.
        rois = [
            np.concatenate([proposals, boxes])
            for proposals, boxes in zip(part["proposals"], part["boxes"], strict=True)
        ]
        regions = predict_regions(
            Ensemble(models),
            part["image"] if count == len(rois) else [part["image"][n] for n in range(count)],
            rois[:count],
            batch_size=self.settings.batch_size,
            pad_to=self.settings.canvas,
            verbose=0,
        )
        found, attributes = [], []
        for (outputs, boxes, size), proposals in zip(regions, part["proposals"], strict=False):
            split = len(proposals)
            if "detection" in self.tasks:
                proposed = {name: x[:split] for name, x in outputs.items()}
                # AP ranks all that there is.
                options = {"from_logits": False, "score_threshold": 0.0}
                found.append(detections(proposed, boxes[:split], size, **options))
            if "attributes" in self.tasks:
                attributes.append(outputs["attributes"][split:])
        return found, attributes

    def scores(self, models, examples, run_eagerly=False):
        part, data = examples.part, self.data
        found, attributes = self.predict(models, part)
        results = {}
        if found:
            names = ("boxes", "classes", "difficult")
            truths = [
                dict(zip(names, each, strict=True))
                for each in zip(*(part[name] for name in names), strict=True)
            ]
            results["detection"] = detection_average_precision(
                found, truths, len(data.class_names), interpolation=data.interpolation
            )
        if attributes:
            results["attributes"] = attribute_average_precision(
                np.concatenate(attributes), np.concatenate(part["attributes"])
            )
        return {task: _summary(precisions) for task, precisions in results.items()}

    def _tower(self, seed):
        network = {"dropout": DROPOUT, **self.settings.network}
        shape = (*self.settings.canvas, 3)
        return Tower(FastRCNNCaffeNet(shape, seed=seed, **network), STAGES)

    def _task(self, task):
        head = head_of(self.settings, self.data, task)
        names = self.data.class_names if task == "detection" else self.data.attribute_names
        return keras_mtl.Task.of(head(0), names, headline={"mean_ap": "higher"}).with_head(head)


def head_of(settings, data, task, dropout=DROPOUT):
    """A function of a seed that makes the head of a task."""
    if task == "detection":
        return lambda seed: DetectionHead(len(data.class_names), dropout, seed)
    # With one seed for both, they would drop the same features.
    return lambda seed: AttributesHead(len(data.attribute_names), dropout, seed + 2)


def _summary(precisions):
    """The mean, and each class's own; None where there is none of it."""
    return {
        "mean_ap": float(np.nanmean(precisions)),
        "ap": [None if np.isnan(each) else float(each) for each in precisions],
    }


DETECTION = Problem(
    folder="cross_stitch_detection",
    data_sets=("rooms", "voc2008_attributes"),
    load=DetectionData,
    study=DetectionStudy,
    tasks=TASKS,
    columns={
        "detection": {"det mAP": ("mean_ap", 100)},
        "attributes": {"attr mAP": ("mean_ap", 100)},
    },
    headlines=dict.fromkeys(TASKS, "mean_ap"),
    paper_data="VOC 2008",
)
