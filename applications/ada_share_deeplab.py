"""AdaShare's network: a DeepLab-ResNet of which each task skips blocks."""

from collections.abc import Mapping
from typing import Any, Literal

from keras_mtl._types import PathLike, Policy, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.applications.deeplab import DeepLab, Kind
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing import AdaShared


@ships
def AdaShareDeepLab(
    tasks: Mapping[str, Kind] | None = None,
    input_shape: Shape = (321, 321, 3),
    weights: PathLike | None = None,
    *,
    depth: Literal[18, 34, 50] = 34,
    policy: Policy | None = None,
    width: float = 1.0,
    features: int = 1024,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "ada_share_deeplab",
    **options: Any,
) -> MultiTaskModel:
    """Builds a DeepLab-ResNet that all tasks share, each without the blocks that it skips.

    Without a `policy` the model learns one: train it with `keras_mtl.optimizers.Alternating` on
    `keras_mtl.datasets.AlternatingBatches` and the callback `AdaShareSchedule`. Then
    `keras_mtl.search.prune(model)` makes the small model of the weights that it has learned, and
    `AdaShareDeepLab(..., policy=...)` one to be trained from random weights, as the paper does.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020.

    Args:
        tasks: as in `DeepLab`; the three tasks of the paper on NYUv2 if `None`: 40 classes of
            segmentation, normals and depth.
        input_shape: `(height, width, 3)` in pixels.
        weights: `None`; `"rooms"`, the network that ships, trained on the data set of that name,
            whose architecture the file has; or the path or URL (as of `keras_mtl.weights.fetch`) of
            a file of weights: of Keras, of this very model; or a `.pth`, `.pt` or `.safetensors` of
            torchvision's ResNet of this depth, with which every task's tower starts.
        depth: 18 (8 blocks), 34 or 50 (16 blocks each).
        policy: `None`, or which blocks a task executes, as in `AdaShared`: a dict from task to a
            string of ones and zeros, or an array (tasks, blocks).
        width, features, dropout: as in `DeepLab`.
        seed: integer seed of weights, dropout and draws, or `None`.
        name: name of the model.
        **options: `per_task_statistics`, `temperature`, `hard`, `sparsity_weight`,
            `agreement_weight`, `form` of `AdaShared`, for a policy that is learned.

    Returns:
        A `MultiTaskModel`; see `DeepLab`.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ImportError: a package is missing that reads the file.
        ValueError: see `DeepLab` and `AdaShared`.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.AdaShareDeepLab(
    ...     {"segmentation": 17, "depth": "depth"}, (64, 64, 3), depth=18, width=0.125, features=32,
    ...     policy={"segmentation": "10111111", "depth": "11111011"})
    >>> tuple(model.output["depth"].shape)
    (None, 64, 64, 1)
    """
    if tasks is None:
        tasks = {"segmentation": 40, "normals": "normals", "depth": "depth"}
    if policy is None:
        options = {"seed": seed, **options}
    return DeepLab(
        AdaShared(policy, **options),
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
