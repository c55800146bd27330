"""Fast R-CNN on CaffeNet for detection and attributes, under any sharing."""

from collections.abc import Sequence

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications._split_weights import split_weights
from keras_mtl.heads import AttributesHead, DetectionHead
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.task import Task
from keras_mtl.task.counted import counted_or_refused
from keras_mtl.towers import FastRCNNCaffeNet, Tower
from keras_mtl.towers.fast_rcnn_caffenet import STAGES
from keras_mtl.weights import load_weights


@ships
def FastRCNN(
    sharing: Sharing,
    classes: int | Sequence[str] | None = 20,
    attributes: int | Sequence[str] | None = 64,
    input_shape: Shape = (None, None, 3),
    weights: PathLike | None = None,
    *,
    width: float = 1.0,
    fc_width: float | None = None,
    stem_strides: int = 4,
    rescale: float = 1.0,
    dropout: float = 0.5,
    head_dropout: float | None = None,
    seed: int | None = None,
    name: str = "fast_rcnn",
) -> MultiTaskModel:
    """Builds Fast R-CNN on CaffeNet: what is in each region of an image, and what is it like?

    The regions come with the image, from a proposal method such as
    `keras_mtl.proposals.selective_search`. `keras_mtl.datasets.RoIBatches` makes the batches to
    train it with, `keras_mtl.boxes.decode_detections` boxes in pixels of its outputs.

    Source: Girshick, "Fast R-CNN", ICCV 2015; Misra et al., CVPR 2016, section 6.

    Args:
        sharing: a `keras_mtl.sharing.Sharing` of the tasks `"detection"` and `"attributes"`; its
            stages are `keras_mtl.towers.fast_rcnn_caffenet.STAGES`.
        classes: number of classes of objects, or their names, without the background; `None` for a
            network without the task.
        attributes: number of attributes, or their names; `None` for a network without the task.
        input_shape: `(height, width, 3)` in pixels; height and width may be unknown.
        weights: `None`, or the path or URL (as of `keras_mtl.weights.fetch`) of a file of weights:
            of Keras, of this very model; or a `.caffemodel` of CaffeNet, with which every task's
            tower starts.
        width, fc_width, stem_strides, rescale, dropout, seed: as in `FastRCNNCaffeNet`.
        head_dropout: rate before the heads' scores; `dropout` if `None`.
        name: name of the model.

    Returns:
        A `MultiTaskModel` that takes a dict of `"image"`, RGB pixels (batch, height, width, 3) from
        0 to 255, and `"rois"` (batch, regions, 4), `[x1, y1, x2, y2]` in pixels. It returns a dict
        of `"detection_classes"`, logits (batch, regions, 1 + classes), the background first;
        `"detection_boxes"`, offsets (batch, regions, 4 (1 + classes)); and `"attributes"`,
        logits (batch, regions, attributes).

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: neither task is wanted; see also `CaffeNet` and the sharing.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.FastRCNN(
    ...     keras_mtl.sharing.Branched.split(at="fc6"), classes=14, attributes=24,
    ...     width=0.1, stem_strides=2)
    >>> {name: tuple(x.shape) for name, x in model.output.items() if name != "detection_boxes"}
    {'detection_classes': (None, None, 15), 'attributes': (None, None, 24)}
    """
    head_dropout = dropout if head_dropout is None else head_dropout
    tasks = {}
    if classes is not None:
        count, names = counted_or_refused("classes", classes)
        tasks["detection"] = Task.of(DetectionHead(count, head_dropout, seed), names)
    if attributes is not None:
        count, names = counted_or_refused("attributes", attributes)
        # With one seed for both, they would drop the same features.
        other_seed = None if seed is None else seed + 2
        tasks["attributes"] = Task.of(AttributesHead(count, head_dropout, other_seed), names)
    if not tasks:
        raise ValueError("`classes` or `attributes` must be given. Received: None, None.")
    of_tower, of_model = split_weights(weights)
    net = FastRCNNCaffeNet(
        input_shape,
        of_tower,
        width=width,
        fc_width=fc_width,
        stem_strides=stem_strides,
        rescale=rescale,
        dropout=dropout,
        seed=seed,
    )
    model = MultiTaskModel(Tower(net, STAGES), sharing, tasks, name=name)
    if of_model is not None:
        load_weights(model, of_model)
    return model
