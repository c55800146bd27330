"""What an `FCN` is made of."""

import functools

from keras_mtl.applications._dense_task import dense_task
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import DepthHead, MapHead, NormalsHead, SegmentationHead
from keras_mtl.task import Task
from keras_mtl.towers import CaffeNet, Tower
from keras_mtl.towers.caffenet import STAGES, score_geometry

HEADS = {
    "classes": SegmentationHead,
    "depth": DepthHead,
    "map": MapHead,
    "offsets": functools.partial(MapHead, channels=2),
}


def fcn_parts(
    tasks,
    input_shape,
    weights=None,
    *,
    padding=100,
    stem_strides=4,
    dropout=0.5,
    head_dropout=None,
    seed=None,
    **options,
):
    """The tower and the heads; arguments as of `FCN`, `weights` are those of the tower.

    Returns:
        `(tower, tasks)`: a `Tower`, and a dict from name to `Task` (or to a layer that was given).
    """
    if not isinstance(tasks, dict):
        raise ValueError(f"`tasks` must be a dict from task name to kind. Received: {tasks!r}.")
    net = CaffeNet(
        include_top=False,
        weights=weights,
        input_shape=input_shape,
        stem_strides=stem_strides,
        padding=padding,
        fully_convolutional=True,
        dropout=dropout,
        seed=seed,
        **options,
    )
    stride, centres = score_geometry(input_shape, padding, stem_strides)
    lacking = max(centres) - (stride - 1)
    if lacking > 0:
        raise ValueError(
            f"`padding` must be 'same' or at least {int(padding + lacking)}, or the image's first "
            f"pixels have no score. Received: {padding}."
        )
    of_heads = {
        "output_size": tuple(input_shape[:2]),
        "strides": stride,
        # The bilinear kernel's peak stands `stride − 1` pixels behind its first cell.
        "crop": tuple(int(stride - 1 - centre) for centre in centres),
        "dropout": dropout if head_dropout is None else head_dropout,
        "seed": seed,
    }
    return Tower(net, STAGES), {task: _task(task, kind, of_heads) for task, kind in tasks.items()}


def _task(task, kind, options):
    if isinstance(kind, NormalsCodebook):
        return Task.of(NormalsHead(kind, **options))
    return dense_task(task, kind, HEADS, options, others="a NormalsCodebook, ")
