"""FCN-32s on CaffeNet for several dense tasks, under any sharing."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import keras

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._fcn_parts import fcn_parts
from keras_mtl.applications._ships import ships
from keras_mtl.applications._split_weights import split_weights
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.task import Task
from keras_mtl.weights import load_weights

Kind: TypeAlias = (
    int
    | Sequence[str]
    | NormalsCodebook
    | Literal["depth", "map", "offsets"]
    | Task
    | keras.layers.Layer
)
"""What `tasks` says of a task: its classes, its codebook, its kind, all of it, or its head."""


@ships
def FCN(
    sharing: Sharing,
    tasks: Mapping[str, Kind],
    input_shape: Shape = (500, 500, 3),
    weights: PathLike | None = None,
    *,
    width: float = 1.0,
    fc_width: float | None = None,
    stem_strides: int = 4,
    padding: int | Literal["same"] = 100,
    rescale: float = 1.0,
    dropout: float = 0.5,
    head_dropout: float | None = None,
    seed: int | None = None,
    name: str = "fcn",
) -> MultiTaskModel:
    """Builds fully convolutional CaffeNets for dense tasks on one image, under any sharing.

    The paper's network is the default; its small form for tests and demonstrations is `width=0.25,
    stem_strides=2, padding="same", rescale=1 / 64`.

    Source: Misra et al., CVPR 2016, section 5; Long et al., CVPR 2015.

    Args:
        sharing: a `keras_mtl.sharing.Sharing`; its stages are `keras_mtl.towers.caffenet.STAGES`.
        tasks: dict from task name to the number of classes, or their names (segmentation), a
            `NormalsCodebook` (surface normals), `"depth"` (in metres), `"map"` (a number a pixel),
            `"offsets"` (two numbers a pixel), a `keras_mtl.Task` with a head of its own, or a Keras
            layer that makes the output of fc7's features.
        input_shape: `(height, width, 3)` in pixels.
        weights: `None`, or the path or URL (as of `keras_mtl.weights.fetch`) of a file of weights:
            of Keras, of this very model; or a `.caffemodel` of CaffeNet, with which every task's
            tower starts.
        width, fc_width, stem_strides, padding, rescale, dropout, seed: as in `CaffeNet`.
        head_dropout: rate before the heads' scores; `dropout` if `None`.
        name: name of the model.

    Returns:
        A `MultiTaskModel` that knows its tasks, but for those of a layer alone: RGB pixels from 0
        to 255 in, a dict of logits (batch, height, width, channels) out, or of metres where the
        task is depth.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: see `CaffeNet` and the sharing; a task of unknown kind; too little `padding` for
            the scores to cover the image; weights that do not fit.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.FCN(
    ...     keras_mtl.sharing.Branched.hard_sharing(), {"segmentation": 17, "parts": 5},
    ...     (96, 96, 3), width=0.05, stem_strides=2, padding="same")
    >>> tuple(model.output["parts"].shape)
    (None, 96, 96, 5)
    """
    of_tower, of_model = split_weights(weights)
    tower, parts = fcn_parts(
        tasks,
        input_shape,
        of_tower,
        width=width,
        fc_width=fc_width,
        stem_strides=stem_strides,
        padding=padding,
        rescale=rescale,
        dropout=dropout,
        head_dropout=head_dropout,
        seed=seed,
    )
    model = MultiTaskModel(tower, sharing, parts, name=name)
    if of_model is not None:
        load_weights(model, of_model)
    return model
