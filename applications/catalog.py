"""What the zoo holds: of each application where it comes from, what it costs, and what ships."""

import csv
import dataclasses
import importlib
import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

FOLDER = Path(__file__).parent
COUNTS = FOLDER / "catalog.csv"
"""What is counted on the networks; `python -m tools.publish` and `tools.ship` write it."""

MISRA = "Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016"
SUN = (
    "Sun et al., AdaShare: Learning What To Share for Efficient Deep Multi-Task Learning, "
    "NeurIPS 2020"
)
VANDENHENDE = (
    "Vandenhende et al., Branched Multi-Task Networks: Deciding What Layers To Share, BMVC 2020"
)
ZHAO = (
    "Zhao et al., A Modulation Module for Multi-task Learning with Applications in Image "
    "Retrieval, ECCV 2018"
)

REGIONS = ((600, 1000, 3), (2000, 4))
"""A picture of VOC and its proposals, as Fast R-CNN takes them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """An application in the catalog.

    Attributes:
        name: what it is called in `keras_mtl.applications`.
        module: name of its file there, of its card and of its picture.
        title: what it is, in a line.
        source: the paper.
        paper: function of `keras_mtl` that builds the network in the paper's size; its source is
            shown.
        input_shapes: shapes of the inputs for which the multiply-accumulates of that network are
            counted, where it leaves them open.
        recipe: the recipe whose table compares it with other ways of sharing.
        row: its row in that table.
    """

    name: str
    module: str
    title: str
    source: str
    paper: Callable[[Any], keras.Model]
    recipe: str
    row: str
    input_shapes: tuple | None = None

    @property
    def build(self):
        """The function that builds it."""
        return getattr(importlib.import_module(f"keras_mtl.applications.{self.module}"), self.name)

    def in_paper_size(self):
        """The network in the paper's size, without values in its weights."""
        with keras.StatelessScope(initialize_variables=False):
            model = self.paper(importlib.import_module("keras_mtl"))
        # Keras would make up for the values in the next scope that it opens.
        keras.utils.clear_session()
        return model

    @property
    def example(self):
        """Python that builds it."""
        _, _, text = inspect.getsource(self.paper).partition("return ")
        return textwrap.dedent("    " + text).rstrip()

    @property
    def card(self):
        """Path of its card."""
        return FOLDER / f"{self.module}.md"

    @property
    def trained(self):
        """Path of the network that `weights="rooms"` gives, if one ships."""
        return FOLDER / "rooms" / f"{self.module}.keras"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counts:
    """What is counted on an application's networks.

    Attributes:
        name: that of the application.
        tasks: names of the outputs' tasks of the network in the paper's size.
        parameters, macs: its weights, and the multiply-accumulates for one image.
        trained_tasks, trained_parameters, trained_macs: the same of the network that ships; no
            tasks, and 0, if none does.
        bytes, sha256: of its file; 0 and empty if there is none.
        scores: of the network that ships, on test pictures that it has not seen: a dict from task
            to a dict from heading to a number.
        headlines: those headings by which networks are compared.
    """

    name: str
    tasks: tuple
    parameters: int
    macs: int
    trained_tasks: tuple = ()
    trained_parameters: int = 0
    trained_macs: int = 0
    bytes: int = 0
    sha256: str = ""
    scores: dict = dataclasses.field(default_factory=dict)
    headlines: list = dataclasses.field(default_factory=list)

    @property
    def headline(self):
        """The scores by which it is compared, in a line."""
        words = [
            f"{heading} {value:.1f}"
            for of_task in self.scores.values()
            for heading, value in of_task.items()
            if heading in self.headlines
        ]
        return ", ".join(words)

    @property
    def ships(self):
        """Whether there are weights that ship."""
        return bool(self.sha256)


def _cross_stitch_fcn(keras_mtl):
    return keras_mtl.applications.CrossStitchFCN()


def _fcn(keras_mtl):
    return keras_mtl.applications.FCN(
        keras_mtl.sharing.Branched.hard_sharing(),
        {"segmentation": 40, "normals": keras_mtl.geometry.NormalsCodebook.default()},
    )


def _cross_stitch_fast_rcnn(keras_mtl):
    return keras_mtl.applications.CrossStitchFastRCNN()


def _fast_rcnn(keras_mtl):
    return keras_mtl.applications.FastRCNN(keras_mtl.sharing.Branched.hard_sharing())


def _ada_share_deeplab(keras_mtl):
    return keras_mtl.applications.AdaShareDeepLab()


def _deeplab(keras_mtl):
    return keras_mtl.applications.DeepLab(
        keras_mtl.sharing.Branched.hard_sharing(),
        {"segmentation": 40, "normals": "normals", "depth": "depth"},
    )


def _branched_resnet(keras_mtl):
    return keras_mtl.applications.BranchedResNet(
        {
            "block2_4": [["segmentation", "depth", "edges"]],
            "block3_6": [["segmentation", "depth"], ["edges"]],
        },
        {"segmentation": 19, "depth": "depth", "edges": "map"},
    )


def _branched_vgg(keras_mtl):
    return keras_mtl.applications.BranchedVGG(
        {
            "pool4": [["smiling", "young", "bald", "hat"]],
            "pool5": [["smiling", "young"], ["bald", "hat"]],
        },
        ["smiling", "young", "bald", "hat"],
    )


def _attribute_vgg(keras_mtl):
    return keras_mtl.applications.AttributeVGG(
        keras_mtl.sharing.Branched.hard_sharing(), ["smiling", "young", "bald", "hat"]
    )


def _modulated_embedding(keras_mtl):
    return keras_mtl.applications.ModulatedEmbedding(7)


def _entries():
    return [
        Entry(
            name="CrossStitchFCN",
            module="cross_stitch_fcn",
            title="a pair of FCN-32s on CaffeNet, stitched behind pool1, pool2, pool5, fc6, fc7",
            source=MISRA,
            paper=_cross_stitch_fcn,
            recipe="cross_stitch_table5",
            row="cross-stitch",
        ),
        Entry(
            name="FCN",
            module="fcn",
            title="FCN-32s on CaffeNet for dense tasks, under any sharing",
            source=MISRA,
            paper=_fcn,
            recipe="cross_stitch_table5",
            row="split heads",
        ),
        Entry(
            name="CrossStitchFastRCNN",
            module="cross_stitch_fast_rcnn",
            title="a pair of Fast R-CNNs on CaffeNet, stitched behind every pooling layer",
            source=MISRA,
            paper=_cross_stitch_fast_rcnn,
            input_shapes=REGIONS,
            recipe="cross_stitch_table6",
            row="cross-stitch",
        ),
        Entry(
            name="FastRCNN",
            module="fast_rcnn",
            title="Fast R-CNN on CaffeNet for detection and attributes, under any sharing",
            source=MISRA,
            paper=_fast_rcnn,
            input_shapes=REGIONS,
            recipe="cross_stitch_table6",
            row="split fc7",
        ),
        Entry(
            name="AdaShareDeepLab",
            module="ada_share_deeplab",
            title="a DeepLab-ResNet of which each task skips the blocks that it does not need",
            source=SUN,
            paper=_ada_share_deeplab,
            recipe="adashare_nyuv2",
            row="AdaShare",
        ),
        Entry(
            name="DeepLab",
            module="deeplab",
            title="DeepLab on ResNet-34 (18, 50) for dense tasks, under any sharing",
            source=SUN,
            paper=_deeplab,
            recipe="adashare_nyuv2",
            row="hard sharing",
        ),
        Entry(
            name="BranchedResNet",
            module="branched_resnet",
            title="a DeepLab-ResNet that grows apart as a tree of tasks",
            source=VANDENHENDE,
            paper=_branched_resnet,
            recipe="branched_rooms",
            row="branched 2×",
        ),
        Entry(
            name="BranchedVGG",
            module="branched_vgg",
            title="a thin VGG-16 for attributes as tasks that grows apart as a tree",
            source=VANDENHENDE,
            paper=_branched_vgg,
            recipe="branched_celeba",
            row="branched 8×",
        ),
        Entry(
            name="AttributeVGG",
            module="attribute_vgg",
            title="a thin VGG-16 for attributes as tasks, under any sharing",
            source=VANDENHENDE,
            paper=_attribute_vgg,
            recipe="branched_celeba",
            row="hard sharing",
        ),
        Entry(
            name="ModulatedEmbedding",
            module="modulated_embedding",
            title="a residual network that embeds images, with gates for each notion of likeness",
            source=ZHAO,
            paper=_modulated_embedding,
            recipe="modulation_zappos50k",
            row="modulated",
        ),
    ]


ENTRIES = {entry.name: entry for entry in _entries()}


def counts():
    """What is counted on the networks of every application.

    Returns:
        A dict from name to `Counts`.
    """
    with COUNTS.open(encoding="utf-8", newline="") as file:
        return {row["name"]: _parsed(row) for row in csv.DictReader(file)}


def write_counts(of_all):
    """Writes the counts of all applications, a dict from name to `Counts`, to `COUNTS`."""
    fields = [field.name for field in dataclasses.fields(Counts)]
    with COUNTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(fields)
        for name in ENTRIES:
            writer.writerow(map(_text, vars(of_all[name]).values()))


def _text(value):
    if isinstance(value, tuple):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _parsed(row):
    values = {}
    for field in dataclasses.fields(Counts):
        text = row[field.name]
        if field.type in (dict, list):
            values[field.name] = json.loads(text)
        else:
            values[field.name] = tuple(text.split()) if field.type is tuple else field.type(text)
    return Counts(**values)
