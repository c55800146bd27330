"""FCN-32s on CaffeNet for several dense tasks, under any sharing."""

import numbers
from collections.abc import Mapping
from typing import Literal, TypeAlias

import keras

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications._split_weights import split_weights
from keras_mtl.heads import DepthHead, NormalsCodebook, NormalsHead, SegmentationHead
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.towers import CaffeNet, Tower
from keras_mtl.towers.caffenet import STAGES, score_geometry
from keras_mtl.weights import load_weights

Task: TypeAlias = int | NormalsCodebook | Literal["depth"] | keras.layers.Layer
"""What `tasks` says of a task: its number of classes, its codebook, its kind, or its head."""


@ships
def FCN(
    sharing: Sharing,
    tasks: Mapping[str, Task],
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
        tasks: dict from task name to the number of classes (segmentation), a `NormalsCodebook`
            (surface normals), `"depth"` (in metres), or a Keras layer that makes the output of
            fc7's features.
        input_shape: `(height, width, 3)` in pixels.
        weights: `None`, or the path or URL (as of `keras_mtl.weights.fetch`) of a file of weights:
            of Keras, of this very model; or a `.caffemodel` of CaffeNet, with which every task's
            tower starts.
        width, fc_width, stem_strides, padding, rescale, dropout, seed: as in `CaffeNet`.
        head_dropout: rate before the heads' scores; `dropout` if `None`.
        name: name of the model.

    Returns:
        A `MultiTaskModel`: RGB pixels from 0 to 255 in, a dict of logits (batch, height, width,
        channels) out, or of metres where the task is depth.

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
    if not isinstance(tasks, dict):
        raise ValueError(f"`tasks` must be a dict from task name to kind. Received: {tasks!r}.")
    of_tower, of_model = split_weights(weights)
    net = CaffeNet(
        include_top=False,
        weights=of_tower,
        input_shape=input_shape,
        width=width,
        fc_width=fc_width,
        stem_strides=stem_strides,
        padding=padding,
        fully_convolutional=True,
        rescale=rescale,
        dropout=dropout,
        seed=seed,
    )
    stride, centres = score_geometry(input_shape, padding, stem_strides)
    lacking = max(centres) - (stride - 1)
    if lacking > 0:
        raise ValueError(
            f"`padding` must be 'same' or at least {int(padding + lacking)}, or the image's first "
            f"pixels have no score. Received: {padding}."
        )
    geometry = {
        "output_size": tuple(input_shape[:2]),
        "strides": stride,
        # The bilinear kernel's peak stands `stride − 1` pixels behind its first cell.
        "crop": tuple(int(stride - 1 - centre) for centre in centres),
    }
    options = {
        **geometry,
        "dropout": dropout if head_dropout is None else head_dropout,
        "seed": seed,
    }
    heads = {task: _head(task, kind, options) for task, kind in tasks.items()}
    model = MultiTaskModel(Tower(net, STAGES), sharing, heads, name=name)
    if of_model is not None:
        load_weights(model, of_model)
    return model


def _head(task, kind, options):
    if isinstance(kind, keras.layers.Layer):
        return kind
    if isinstance(kind, NormalsCodebook):
        return NormalsHead(kind, **options)
    if isinstance(kind, numbers.Integral) and kind > 1:
        return SegmentationHead(int(kind), **options)
    if isinstance(kind, str) and kind == "depth":
        return DepthHead(**options)
    raise ValueError(
        f"`tasks[{task!r}]` must be a number of classes (2 or more), a NormalsCodebook, 'depth' or "
        f"a Keras layer. Received: {kind!r}."
    )
