"""The branched network for dense tasks: DeepLab-ResNets that grow apart as a tree."""

from collections.abc import Mapping, Sequence
from typing import Literal

from keras_mtl._types import Partition, PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications.deeplab import DeepLab, Kind
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing import Branched


@ships
def BranchedResNet(
    tree: Mapping[str, Partition] | Sequence[Partition],
    tasks: Mapping[str, Kind],
    input_shape: Shape = (256, 512, 3),
    weights: PathLike | None = None,
    *,
    depth: Literal[18, 34, 50] = 50,
    width: float = 1.0,
    features: int = 1024,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "branched_resnet",
) -> MultiTaskModel:
    """Builds a DeepLab-ResNet whose stages are shared as a tree, with an ASPP head a task.

    Start it from one-task networks, `DeepLab(Branched.independent(), {task: kind}, depth=50)`, by
    `model.initialize_from(...)`.

    Source: Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC
    2020, which branches ResNets at the ends of their four residual stages.

    Args:
        tree: as in `keras_mtl.sharing.Branched`, most simply a dict from the locations
            `keras_mtl.towers.resnet.locations(depth)`, or some of them, to partitions of the tasks.
        tasks: dict from task name to kind, as in `DeepLab`.
        input_shape: `(height, width, 3)` in pixels.
        weights: `None`; `"rooms"`, the network that ships, trained on the data set of that name,
            whose architecture the file has; or the path or URL (as of `keras_mtl.weights.fetch`) of
            a file of weights: of Keras, of this very model; or a `.pth`, `.pt` or `.safetensors` of
            torchvision's ResNet of this depth, with which every task's tower starts.
        depth, width: as in `ResNet`.
        features, dropout, seed: as in `DeepLab`.
        name: name of the model.

    Returns:
        A `MultiTaskModel`; see `DeepLab`.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ImportError: a package is missing that reads the file.
        ValueError: see `DeepLab` and `Branched`.

    Example:

    >>> import keras_mtl
    >>> from keras_mtl.towers.resnet import locations
    >>> locations(18)
    ('block1_2', 'block2_2', 'block3_2', 'block4_2')
    >>> tree = {
    ...     "block2_2": [["segmentation", "edges", "depth"]],
    ...     "block3_2": [["segmentation", "edges"], ["depth"]],
    ... }
    >>> tasks = {"segmentation": 19, "edges": "map", "depth": "depth"}
    >>> model = keras_mtl.applications.BranchedResNet(
    ...     tree, tasks, (32, 64, 3), depth=18, width=0.125, features=16)
    >>> model.stage("edges", "block3_1").name, model.stage("edges", "block4_1").name
    ('segmentation_edges_block3_1', 'edges_block4_1')
    """
    return DeepLab(
        Branched(tree),
        tasks,
        input_shape,
        weights,
        depth=depth,
        width=width,
        features=features,
        dropout=dropout,
        seed=seed,
        name=name,
    )
