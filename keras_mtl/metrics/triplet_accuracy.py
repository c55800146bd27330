"""Share of the triplets that an embedding orders rightly, batch by batch."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.losses._triplets import triplet_distances, triplet_weights
from keras_mtl.metrics._weighted_mean import WeightedMean


@keras.saving.register_keras_serializable("keras_mtl")
class TripletAccuracy(keras.metrics.Metric):
    """Share of the triplets whose anchor is nearer to the positive than to the negative.

    Equal distances count as wrong, as do embeddings that are not finite. The margin of
    `TripletLoss` has no part in it. For embeddings that are there already,
    `keras_mtl.metrics.triplet_scores` gives the same number.

    Args:
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`; distances and sums are float32 whatever it is.

    Update arguments:
        y_true: Anything; it does not count.
        y_pred: Tensor (3K, D) of embeddings, in the order anchor, positive, negative, anchor,
            positive, negative, ….
        sample_weight: Optional, one value a row: the anchor's is that of its triplet.

    Returns:
        `result()`: scalar, 0 to 1; NaN before the first triplet.

    Raises:
        ValueError: If the shapes of an update do not fit.

    Source: Veit et al., Conditional Similarity Networks, CVPR 2017; Zhao et al., A Modulation
    Module for Multi-task Learning with Applications in Image Retrieval, ECCV 2018.

    Example:

    >>> from keras_mtl.metrics import TripletAccuracy
    >>> near, far = [0.6, 0.8], [0.0, 1.0]
    >>> y_pred = np.array([[1, 0], near, far, [1, 0], far, near])
    >>> float(TripletAccuracy()(np.zeros(6), y_pred))
    0.5
    """

    knows_the_unknown = True

    def __init__(
        self, name: str = "triplet_accuracy", dtype: str | keras.DTypePolicy | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._mean = WeightedMean(self)

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        # Without it, torch would keep the graph of every batch.
        y_pred = ops.stop_gradient(ops.cast(y_pred, "float32"))
        to_positive, to_negative = triplet_distances(y_pred)
        right = ops.cast(to_positive < to_negative, "float32")
        weights = ops.ones_like(right)
        if sample_weight is not None:
            weights = triplet_weights(sample_weight, y_pred)
        self._mean.add(right, weights)

    def result(self) -> Tensor:
        return self._mean.result()
