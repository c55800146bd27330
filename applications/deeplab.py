"""A DeepLab-ResNet for several dense tasks, under any sharing."""

import functools
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import keras

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._dense_task import dense_task
from keras_mtl.applications._ships import ships
from keras_mtl.applications._split_weights import split_weights
from keras_mtl.heads import (
    ASPPDepthHead,
    ASPPMapHead,
    ASPPNormalsHead,
    ASPPSegmentationHead,
)
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.task import Task
from keras_mtl.towers import ResNet, Tower
from keras_mtl.towers.resnet import stage_names
from keras_mtl.weights import load_weights

Kind: TypeAlias = (
    int | Sequence[str] | Literal["normals", "depth", "map", "offsets"] | Task | keras.layers.Layer
)
"""What `tasks` says of a task: its classes, its kind, all of it, or its head."""

HEADS = {
    "classes": ASPPSegmentationHead,
    "normals": ASPPNormalsHead,
    "depth": ASPPDepthHead,
    "map": ASPPMapHead,
    "offsets": functools.partial(ASPPMapHead, channels=2),
}


@ships
def DeepLab(
    sharing: Sharing,
    tasks: Mapping[str, Kind],
    input_shape: Shape = (321, 321, 3),
    weights: PathLike | None = None,
    *,
    depth: Literal[18, 34, 50] = 34,
    width: float = 1.0,
    features: int = 1024,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "deeplab",
) -> MultiTaskModel:
    """Builds ResNets of a total stride of 8 with an ASPP head a task, under any sharing.

    Source: the networks of Sun et al., "AdaShare", NeurIPS 2020, after Chen et al., "DeepLab",
    TPAMI 2018.

    Args:
        sharing: a `keras_mtl.sharing.Sharing`; its stages are
            `keras_mtl.towers.resnet.stage_names`: the stem and every residual block.
        tasks: dict from task name to the number of classes, or their names (segmentation),
            `"normals"` (a vector a pixel), `"depth"` (in metres), `"map"` (a number a pixel, such
            as edges or keypoints), `"offsets"` (two numbers a pixel, such as
            `keras_mtl.datasets.center_offsets`), a `keras_mtl.Task` with a head of its own, or a
            Keras layer that makes the output of the ResNet's features.
        input_shape: `(height, width, 3)` in pixels.
        weights: `None`, or the path or URL (as of `keras_mtl.weights.fetch`) of a file of weights:
            of Keras, of this very model; or a `.pth`, `.pt` or `.safetensors` of torchvision's
            ResNet of this depth, with which every task's tower starts.
        depth, width: as in `ResNet`.
        features: number of channels within the heads.
        dropout: rate of the heads' dropout.
        seed: integer seed of weights and dropout, or `None`.
        name: name of the model.

    Returns:
        A `MultiTaskModel` that knows its tasks, but for those of a layer alone: RGB pixels from 0
        to 255 in, a dict of maps (batch, height, width, channels) of the size of the image out.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ImportError: a package is missing that reads the file.
        ValueError: see `ResNet` and the sharing; an input of unknown size; a task of unknown kind.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.DeepLab(
    ...     keras_mtl.sharing.Branched.hard_sharing(), {"segmentation": 17, "edges": "map"},
    ...     (64, 64, 3), depth=18, width=0.125, features=32)
    >>> tuple(model.output["segmentation"].shape)
    (None, 64, 64, 17)
    """
    if not isinstance(tasks, dict):
        raise ValueError(f"`tasks` must be a dict from task name to kind. Received: {tasks!r}.")
    if None in input_shape:
        raise ValueError(
            "`input_shape` must be known, for the heads resize their maps to it. "
            f"Received: {input_shape}."
        )
    of_tower, of_model = split_weights(weights)
    net = ResNet(depth, input_shape, of_tower, width=width, seed=seed)
    options = {"output_size": tuple(input_shape[:2]), "features": features, "dropout": dropout}
    made = {
        # Heads of one seed would drop the same features for all tasks.
        task: deeplab_task(
            task, kind, {**options, "seed": None if seed is None else seed + 1000 * number}
        )
        for number, (task, kind) in enumerate(tasks.items())
    }
    model = MultiTaskModel(Tower(net, stage_names(depth)), sharing, made, name=name)
    if of_model is not None:
        load_weights(model, of_model)
    return model


def deeplab_task(task, kind, options):
    """The `Task` of a kind; options are those of its head."""
    return dense_task(task, kind, HEADS, options)
