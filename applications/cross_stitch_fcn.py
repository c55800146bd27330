"""The paper's network for dense tasks: two CaffeNet-FCNs, stitched."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications.fcn import FCN, Kind
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing import CrossStitched

AFTER = ("pool1", "pool2", "pool5", "fc6", "fc7")
"""Where the paper puts its units: behind pooling and fully connected layers (section 5)."""


@ships
def CrossStitchFCN(
    tasks: Mapping[str, Kind] | None = None,
    input_shape: Shape = (500, 500, 3),
    weights: PathLike | None = None,
    *,
    after: str | Iterable[str] = AFTER,
    per_channel: bool = True,
    alpha: Sequence[float] = (0.9, 0.1),
    learning_rate_multiplier: float | None = None,
    name: str = "cross_stitch_fcn",
    **options: Any,
) -> MultiTaskModel:
    """Builds a cross-stitched FCN-32s on CaffeNet, one tower a task.

    Train it with an optimizer of `keras_mtl.optimizers`, which gives the units their higher rate,
    and start it from one-task networks: `model.initialize_from(one_task_a, one_task_b)`.

    Source: Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016, section 5.

    Args:
        tasks: as in `FCN`, two or more; the paper's pair on NYUv2 if `None`: 40 classes of
            segmentation and the default `NormalsCodebook`.
        input_shape: `(height, width, 3)` in pixels.
        weights: `None`; `"rooms"`, the network that ships, trained on the data set of that name,
            whose architecture the file has; or the path or URL (as of `keras_mtl.weights.fetch`) of
            a file of weights: of Keras, of this very model; or a `.caffemodel` of CaffeNet, with
            which every task's tower starts.
        after: names of the stages that are followed by a unit.
        per_channel, alpha, learning_rate_multiplier: as in `CrossStitch`.
        name: name of the model.
        **options: `width`, `fc_width`, `stem_strides`, `padding`, `rescale`, `dropout`,
            `head_dropout`, `seed` of `FCN`.

    Returns:
        A `MultiTaskModel` with one named output a task; see `FCN`.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: fewer than two tasks, an unknown stage, or an input too small for CaffeNet.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.CrossStitchFCN(
    ...     {"segmentation": 17, "parts": 5}, (96, 96, 3),
    ...     width=0.05, stem_strides=2, padding="same")
    >>> tuple(model.output["segmentation"].shape)
    (None, 96, 96, 17)
    """
    if tasks is None:
        tasks = {"segmentation": 40, "normals": NormalsCodebook.default()}
    sharing = CrossStitched(after, per_channel, alpha, learning_rate_multiplier)
    return FCN(sharing, tasks, input_shape, weights, name=name, **options)
