"""The branched network for attributes: thin VGG-16s that grow apart as a tree."""

from collections.abc import Mapping, Sequence

from keras_mtl._types import Partition, PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications.attribute_vgg import AttributeVGG
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing import Branched


@ships
def BranchedVGG(
    tree: Mapping[str, Partition] | Sequence[Partition],
    tasks: Sequence[str],
    input_shape: Shape = (224, 224, 3),
    weights: PathLike | None = None,
    *,
    width: int = 64,
    fc_width: int | None = None,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "branched_vgg",
) -> MultiTaskModel:
    """Builds a thin VGG-16 whose stages are shared as a tree, for attributes that are tasks.

    Start it from one-task networks, `AttributeVGG(Branched.independent(), [task])`, by
    `model.initialize_from(...)`.

    Source: Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC
    2020, on CelebA (8,830,248 trainable parameters with the tree of its 40 attributes).

    Args:
        tree: as in `keras_mtl.sharing.Branched`: a partition of the tasks for each stage of
            `keras_mtl.towers.thin_vgg16.STAGES`, or a dict from some of them to partitions.
        tasks, input_shape, width, fc_width, dropout, seed: as in `AttributeVGG`.
        weights: `None`; `"rooms"`, the network that ships, trained on the data set of that name,
            whose architecture the file has; or the path or URL (as of `keras_mtl.weights.fetch`) of
            a file of weights of this very model.
        name: name of the model.

    Returns:
        A `MultiTaskModel`; see `AttributeVGG`.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: see `AttributeVGG` and `Branched`.

    Example:

    >>> import keras_mtl
    >>> tree = {
    ...     "pool4": [["smiling", "bald", "young"]],
    ...     "fc6": [["smiling"], ["bald", "young"]],
    ... }
    >>> model = keras_mtl.applications.BranchedVGG(
    ...     tree, ["smiling", "bald", "young"], (32, 32, 3), width=4)
    >>> model.stage("bald", "fc6").name, model.stage("bald", "fc7").name
    ('bald_young_fc6', 'bald_fc7')
    """
    return AttributeVGG(
        Branched(tree),
        tasks,
        input_shape,
        weights,
        width=width,
        fc_width=fc_width,
        dropout=dropout,
        seed=seed,
        name=name,
    )
