"""The loss of embeddings that are learned by comparison."""

import keras
from keras import ops

from keras_mtl._types import Config, Reduction, Tensor
from keras_mtl.losses._triplets import triplet_distances, triplet_weights


@keras.saving.register_keras_serializable("keras_mtl")
class TripletLoss(keras.losses.Loss):
    """max(0, ‖a − p‖² − ‖a − n‖² + margin), averaged over the triplets of a batch.

    It draws an anchor to its positive, and pushes its negative away until that is farther by the
    margin. The rows of a batch are triplets one after the other, as `TripletBatches` gives them.

    Args:
        margin: By how much the squared distance to the negative has to be the larger one.
        reduction: As in `keras.losses.Loss`; the default averages over the K triplets.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Anything with 3K rows; it does not count.
        y_pred: Float tensor (3K, D) of embeddings, in the order anchor, positive, negative, anchor,
            positive, negative, …; usually of length 1, which the loss leaves to the model.
        sample_weight: Optional, one value a row, as Keras gives them: the anchor's is that of its
            triplet, the other two do not count.

    Raises:
        ValueError: If `margin` is negative or a shape does not fit.

    Source: Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR
    2015, equation 2; several tasks as in Zhao et al., "A Modulation Module for Multi-task Learning
    with Applications in Image Retrieval", ECCV 2018.

    Example:

    >>> from keras_mtl.losses import TripletLoss
    >>> anchor, positive, negative = [1.0, 0.0], [0.6, 0.8], [0.0, 1.0]
    >>> y_pred = np.array([anchor, positive, negative, anchor, anchor, negative])
    >>> loss = TripletLoss(margin=1.7)
    >>> round(float(loss(np.zeros(6), y_pred)), 4)  # of 0.8 - 2 + 1.7 and 0
    0.25
    """

    knows_the_unknown = True  # Labels do not count.

    def __init__(
        self,
        margin: float = 0.2,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "triplet_loss",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not margin >= 0:
            raise ValueError(f"`margin` must be at least 0. Received: margin={margin}.")
        self.margin = margin

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        if sample_weight is not None:
            sample_weight = triplet_weights(sample_weight, ops.convert_to_tensor(y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        to_positive, to_negative = triplet_distances(y_pred)
        return ops.relu(to_positive - to_negative + self.margin)

    def get_config(self) -> Config:
        return {**super().get_config(), "margin": self.margin}
