"""AdaShare's network: a DeepLab-ResNet of which each task skips blocks."""

from keras_mtl.applications.deeplab import DeepLab
from keras_mtl.sharing import AdaShared


def AdaShareDeepLab(
    tasks=None,
    input_shape=(321, 321, 3),
    weights=None,
    *,
    depth=34,
    policy=None,
    width=1.0,
    features=1024,
    dropout=0.5,
    seed=None,
    name="ada_share_deeplab",
    **options,
):
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
        weights: `None`, or the path of a file of weights: of Keras, of this very model; or a
            `.pth`, `.pt` or `.safetensors` of torchvision's ResNet of this depth, with which every
            task's tower starts.
        depth: 18 (8 blocks), 34 or 50 (16 blocks each).
        policy: `None`, or which blocks a task executes, as in `AdaShared`: a dict from task to a
            string of ones and zeros, or an array (tasks, blocks).
        width, features, dropout: as in `DeepLab`.
        seed: integer seed of weights, dropout and draws, or `None`.
        name: name of the model.
        **options: `per_task_statistics`, `temperature`, `hard`, `sparsity`, `sharing`, `form` of
            `AdaShared`, for a policy that is learned.

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
