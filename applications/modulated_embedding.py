"""One embedding network for several notions of likeness."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_mtl._types import PathLike, Shape
from keras_mtl.applications._ships import ships
from keras_mtl.modulation import modulate
from keras_mtl.speed import speed_up
from keras_mtl.towers import ResidualEmbedding
from keras_mtl.weights import load_weights

AFTER = ("block3", "block4", "embedding")
"""The layers behind which the paper's gates stand."""


@ships
def ModulatedEmbedding(
    num_tasks: int,
    input_shape: Shape = (150, 150, 3),
    weights: PathLike | None = None,
    *,
    after: str | Iterable[str] = AFTER,
    width: float = 1.0,
    size: int = 256,
    seed: int | None = None,
    name: str = "modulated_embedding",
    **options: Any,
) -> keras.Model:
    """Builds a network that embeds images for retrieval, with gates for each notion of likeness.

    A task says in what images are to be alike, such as in colour, or in an attribute. Under a task
    two images are the more alike the nearer their embeddings are. Train it with
    `keras_mtl.losses.TripletLoss` on `keras_mtl.datasets.TripletBatches`, search with
    `keras_mtl.retrieval.EmbeddingIndex`, and take one task out with `keras_mtl.fold`.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018: 2,953,664 trainable parameters and 512 gates a task. With gates behind
    `"embedding"` alone they are the masks of Veit et al., "Conditional Similarity Networks", CVPR
    2017.

    Args:
        num_tasks: number of tasks T.
        input_shape: `(height, width, 3)` in pixels, 48 or more a side.
        weights: `None`; `"rooms"`, the network that ships, trained on the data set of that name,
            whose architecture the file has; or the path or URL (as of `keras_mtl.weights.fetch`) of
            a file of weights of this very model.
        after: names of the layers with gates behind them, such as of
            `keras_mtl.towers.residual_embedding.STAGES`; none for one embedding whatever the task.
        width, size, seed: as in `ResidualEmbedding`.
        name: name of the model.
        **options: of the `ModulationGate`s: `per_channel`, `relu`, `initializer`, `regularizer`,
            `learning_rate_multiplier`.

    Returns:
        A `keras.Model` of `[images, tasks]`: RGB pixels from 0 to 255 (batch, height, width, 3) and
        integers (batch,) from 0 to T - 1 in, embeddings of length one (batch, `size`) out.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: see `ResidualEmbedding` and `keras_mtl.modulate`.

    Example:

    >>> import keras_mtl
    >>> model = keras_mtl.applications.ModulatedEmbedding(7, (48, 48, 3), width=0.125, size=16)
    >>> model.output_shape
    (None, 16)
    >>> tuple(model.get_layer("gate_block3").gate.shape)
    (7, 16)
    """
    net = ResidualEmbedding(input_shape, width=width, size=size, seed=seed)
    model = modulate(speed_up(net), num_tasks, after, name=name, **options)
    if weights is not None:
        load_weights(model, weights)
    return model
