"""Objects and their attributes, on Fast R-CNNs: the detection tables of the cross-stitch paper."""

import dataclasses

import numpy as np

import keras_mtl
from keras_mtl import Ensemble, predict_regions
from keras_mtl.boxes import decode_detections
from keras_mtl.datasets import LazyArray, RoIBatches, RoISampling, rooms, voc2008_attributes
from keras_mtl.heads import AttributesHead, DetectionHead
from keras_mtl.metrics import attribute_average_precision, detection_average_precision
from keras_mtl.optimizers import SGD
from keras_mtl.proposals import jittered_boxes, selective_search
from keras_mtl.recipes.problems._columns import held_out
from keras_mtl.recipes.problems.problem import Problem, TaskScores
from keras_mtl.recipes.settings import Settings
from keras_mtl.search import cost
from keras_mtl.study import Budget, Examples
from keras_mtl.towers import FastRCNNCaffeNet, Tower
from keras_mtl.towers.fast_rcnn_caffenet import STAGES

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
        data_dir, cache_dir: folders, as of `Problem.load`.
    """

    def __init__(self, name, settings, data_dir=None, cache_dir=None):
        counts = settings.images
        if name == "rooms":
            self.class_names = rooms.CLASSES[FIRST_OBJECT:]
            self.attribute_names = rooms.ATTRIBUTES
            self.interpolation = "area"
            for place, (split, count) in enumerate(counts.items()):
                # One stream of draws a split.
                draws = np.random.SeedSequence(0, spawn_key=(place,)).spawn(count)
                setattr(self, split, _rooms(split, draws, settings, cache_dir))
        else:
            self.class_names = voc2008_attributes.CLASSES
            self.attribute_names = voc2008_attributes.ATTRIBUTES
            self.interpolation = "11-point"  # as VOC 2008 was scored
            folders = data_dir, cache_dir
            train = _voc2008_attributes("train", counts["train"], settings, *folders)
            self.validation, self.train = held_out(train, counts["validation"])
            self.test = _voc2008_attributes("test", counts["test"], settings, *folders)


def _rooms(split, draws, settings, cache_dir):
    """Proposals around the true boxes: `rooms` stands for data with a good proposal method."""
    (size, _) = settings.canvas
    loaded = rooms.load(split, size, len(draws), cache_dir=cache_dir)
    boxes = [of_image[:, :4].astype("float32") for of_image in loaded["boxes"]]
    return {
        "image": loaded["image"],
        "boxes": boxes,
        # 0 is the background.
        "classes": [of_image[:, 4] - FIRST_OBJECT + 1 for of_image in loaded["boxes"]],
        "attributes": loaded["attributes"],
        "difficult": [np.zeros(len(of_image), bool) for of_image in boxes],
        "proposals": [
            jittered_boxes(of_image, (size, size), settings.proposals, np.random.default_rng(seed))
            for of_image, seed in zip(boxes, draws, strict=True)
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
        return RoIBatches(
            self.part,
            batch_size,
            RoISampling(self.settings.rois_per_image),
            num_classes=self.num_classes,
            tasks=list(outputs),
            mirror=self.settings.augmented,
            pad_to=self.settings.canvas,
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
        count, shape = len(data.class_names), (*settings.canvas, 3)
        network = {"dropout": DROPOUT, **settings.network}
        super().__init__(
            lambda seed: Tower(FastRCNNCaffeNet(shape, seed=seed, **network), STAGES),
            {task: self._task(task) for task in tasks},
            *(Regions(part, settings, count) for part in (data.train, data.validation, data.test)),
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
            `(found, attributes)`: a list of what `keras_mtl.boxes.decode_detections` returns for
            each image, and a list of arrays of the probabilities of the attributes of the true
            boxes.
            A list is empty if its task is not among the networks'.
        """
        proposals, boxes = part["proposals"][:count], part["boxes"][:count]
        regions = predict_regions(
            Ensemble(models),
            part["image"] if count is None else [part["image"][n] for n in range(count)],
            # One pass for both: the proposals, and behind them the true boxes.
            [np.concatenate(pair) for pair in zip(proposals, boxes, strict=True)],
            batch_size=self.settings.batch_size,
            pad_to=self.settings.canvas,
            verbose=0,
        )
        found, attributes = [], []
        for (outputs, rois, size), proposed in zip(regions, proposals, strict=True):
            split = len(proposed)
            if "detection" in self.tasks:
                of_proposals = {name: x[:split] for name, x in outputs.items()}
                # AP ranks all that there is.
                options = {"from_logits": False, "score_threshold": 0.0}
                found.append(decode_detections(of_proposals, rois[:split], size, **options))
            if "attributes" in self.tasks:
                attributes.append(outputs["attributes"][split:])
        return found, attributes

    def scores(self, models, examples, run_eagerly=False):
        part, data = examples.part, self.data
        found, attributes = self.predict(models, part)
        results = {}
        if found:
            names = ("boxes", "classes", "difficult")
            truths = [{name: part[name][number] for name in names} for number in range(len(found))]
            results["detection"] = detection_average_precision(
                found, truths, len(data.class_names), interpolation=data.interpolation
            )
        if attributes:
            results["attributes"] = attribute_average_precision(
                np.concatenate(attributes), np.concatenate(part["attributes"])
            )
        return {task: _summary(precisions) for task, precisions in results.items()}

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
    scores={
        "detection": TaskScores({"det mAP": ("mean_ap", 100)}),
        "attributes": TaskScores({"attr mAP": ("mean_ap", 100)}),
    },
    paper_data="VOC 2008",
)
