"""Thin VGG-16s for yes-or-no attributes, each a task, under any sharing."""

from collections.abc import Sequence

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.heads import AttributesHead
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.task import Task
from keras_mtl.towers import ThinVGG16, Tower
from keras_mtl.towers.thin_vgg16 import STAGES
from keras_mtl.weights import load_weights


@ships
def AttributeVGG(
    sharing: Sharing,
    tasks: Sequence[str],
    input_shape: Shape = (224, 224, 3),
    weights: PathLike | None = None,
    *,
    width: int = 64,
    fc_width: int | None = None,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "attribute_vgg",
) -> MultiTaskModel:
    """Builds thin VGG-16s that say of an image which attributes it has, each attribute a task.

    It learns every task by `keras_mtl.losses.AttributesCrossentropy`.

    Source: the networks of Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, on
    CelebA, after Lu et al., "Fully-Adaptive Feature Sharing in Multi-Task Networks", CVPR 2017.

    Args:
        sharing: a `keras_mtl.sharing.Sharing`; its stages are
            `keras_mtl.towers.thin_vgg16.STAGES`.
        tasks: names of the attributes.
        input_shape: `(height, width, 3)` in pixels, 32 or more a side.
        weights: `None`, or the path or URL (as of `keras_mtl.weights.fetch`) of a file of weights
            of this very model.
        width, fc_width: as in `ThinVGG16`.
        dropout: rate after fc6 and after fc7.
        seed: integer seed of weights and dropout, or `None`.
        name: name of the model.

    Returns:
        A `MultiTaskModel`: RGB pixels from 0 to 255 in, a dict of logits (batch, 1) out; targets
        are 1, 0, or -1 where it is not known, of the same shape.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: `tasks` is no sequence of different names; see also `ThinVGG16` and the sharing.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.AttributeVGG(
    ...     keras_mtl.sharing.Branched.split(at="conv5_1"), ["smiling", "bald"], (64, 64, 3),
    ...     width=4)
    >>> tuple(model.output["smiling"].shape)
    (None, 1)
    """
    if isinstance(tasks, (str, dict)) or len(set(tasks)) < len(tasks):
        raise ValueError(f"`tasks` must be a list of different names. Received: {tasks!r}.")
    net = ThinVGG16(input_shape, width=width, fc_width=fc_width, dropout=dropout, seed=seed)
    of_names = {
        # Heads of one seed would draw the same weights for all tasks.
        task: Task.of(
            AttributesHead(1, dropout, seed=None if seed is None else seed + 1000 * number), [task]
        )
        for number, task in enumerate(tasks)
    }
    model = MultiTaskModel(Tower(net, STAGES), sharing, of_names, name=name)
    if weights is not None:
        load_weights(model, weights)
    return model
