"""Fast R-CNN on CaffeNet for detection and attributes, under any sharing."""

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications._split_weights import split_weights
from keras_mtl.heads import AttributesHead, DetectionHead
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.towers import FastRCNNCaffeNet, Tower
from keras_mtl.towers.fast_rcnn_caffenet import STAGES
from keras_mtl.weights import load_weights


@ships
def FastRCNN(
    sharing: Sharing,
    num_classes: int | None = 20,
    num_attributes: int | None = 64,
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
    train it with, `keras_mtl.boxes.detections` boxes in pixels of its outputs.

    Source: Girshick, "Fast R-CNN", ICCV 2015; Misra et al., CVPR 2016, section 6.

    Args:
        sharing: a `keras_mtl.sharing.Sharing` of the tasks `"detection"` and `"attributes"`; its
            stages are `keras_mtl.towers.fast_rcnn_caffenet.STAGES`.
        num_classes: number of classes of objects, without the background; `None` for a network
            without the task.
        num_attributes: number of attributes; `None` for a network without the task.
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
        of `"detection_classes"`, logits (batch, regions, 1 + `num_classes`), the background first;
        `"detection_boxes"`, offsets (batch, regions, 4 (1 + `num_classes`)); and `"attributes"`,
        logits (batch, regions, `num_attributes`).

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: neither task is wanted; see also `CaffeNet` and the sharing.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.FastRCNN(
    ...     keras_mtl.sharing.Branched.split(at="fc6"), num_classes=14, num_attributes=24,
    ...     width=0.1, stem_strides=2)
    >>> {name: tuple(x.shape) for name, x in model.output.items() if name != "detection_boxes"}
    {'detection_classes': (None, None, 15), 'attributes': (None, None, 24)}
    """
    head_dropout = dropout if head_dropout is None else head_dropout
    heads = {}
    if num_classes is not None:
        heads["detection"] = DetectionHead(num_classes, head_dropout, seed)
    if num_attributes is not None:
        # With one seed for both, they would drop the same features.
        other_seed = None if seed is None else seed + 2
        heads["attributes"] = AttributesHead(num_attributes, head_dropout, other_seed)
    if not heads:
        raise ValueError("`num_classes` or `num_attributes` must be given. Received: None, None.")
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
    model = MultiTaskModel(Tower(net, STAGES), sharing, heads, name=name)
    if of_model is not None:
        load_weights(model, of_model)
    return model
