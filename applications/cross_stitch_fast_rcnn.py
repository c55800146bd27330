"""The paper's network for detection and attributes: two Fast R-CNNs, stitched."""

from collections.abc import Iterable, Sequence
from typing import Any

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications.fast_rcnn import FastRCNN
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing import CrossStitched

AFTER = ("pool1", "pool2", "roi_pool5")
"""Where the paper puts the units of this pair: behind every pooling layer (section 6)."""


@ships
def CrossStitchFastRCNN(
    classes: int | Sequence[str] = 20,
    attributes: int | Sequence[str] = 64,
    input_shape: Shape = (None, None, 3),
    weights: PathLike | None = None,
    *,
    after: str | Iterable[str] = AFTER,
    per_channel: bool = False,
    alpha: Sequence[float] = (0.9, 0.1),
    learning_rate_multiplier: float | None = None,
    name: str = "cross_stitch_fast_rcnn",
    **options: Any,
) -> MultiTaskModel:
    """Builds two cross-stitched Fast R-CNNs on CaffeNet, for detection and for attributes.

    Train it with an optimizer of `keras_mtl.optimizers`, which gives the units their higher rate,
    and start it from one-task networks: `model.initialize_from(detection, attributes)`. Its tasks
    weight the loss of the attributes by one over their number, as the paper does.

    Source: Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016, section 6.

    Args:
        classes: number of classes of objects, or their names, without the background.
        attributes: number of attributes, or their names.
        input_shape: `(height, width, 3)` in pixels; height and width may be unknown.
        weights: `None`; `"rooms"`, the network that ships, trained on the data set of that name,
            whose architecture the file has; or the path or URL (as of `keras_mtl.weights.fetch`) of
            a file of weights: of Keras, of this very model; or a `.caffemodel` of CaffeNet, with
            which every task's tower starts.
        after: names of the stages that are followed by a unit.
        per_channel, alpha, learning_rate_multiplier: as in `CrossStitch`. The paper has one unit
            for a whole layer here; with one for each channel its training was unstable.
        name: name of the model.
        **options: `width`, `fc_width`, `stem_strides`, `rescale`, `dropout`, `head_dropout`,
            `seed` of `FastRCNN`.

    Returns:
        A `MultiTaskModel`; inputs and outputs as of `FastRCNN`.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: a task is missing, an unknown stage, or an input too small for CaffeNet.

    Example:

    >>> import keras, keras_mtl
    >>> model = keras_mtl.applications.CrossStitchFastRCNN(20, 64, width=0.1)
    >>> model.compile(keras_mtl.optimizers.SGD(1e-3, momentum=0.9))
    >>> list(model.units)
    ['pool1', 'pool2', 'roi_pool5']
    """
    sharing = CrossStitched(after, per_channel, alpha, learning_rate_multiplier)
    return FastRCNN(sharing, classes, attributes, input_shape, weights, name=name, **options)
