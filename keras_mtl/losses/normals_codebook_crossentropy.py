"""Cross-entropy of surface normals that are classified into codewords."""

from typing import Self

import keras

from keras_mtl._checks import check_normals_dtype
from keras_mtl._types import Config, Reduction, Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.losses._masked_crossentropy import MaskedCrossentropy


@keras.saving.register_keras_serializable("keras_mtl")
class NormalsCodebookCrossentropy(MaskedCrossentropy):
    """Softmax cross-entropy against the codeword nearest to the true normal.

    Args:
        codebook: A `NormalsCodebook` with K words.
        reduction: As in `keras.losses.Loss`; the default averages over the valid pixels of the
            batch, as `SegmentationCrossentropy` does.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Float tensor (batch, height, width, 3) of unit normals; zeros (or what is not
            finite) mark a pixel without one, which is ignored.
        y_pred: Float tensor (batch, height, width, K) of logits.
        sample_weight: Optional, one value a sample or a pixel.

    Raises:
        ValueError: If `codebook` is none, a tensor's last axis does not fit, or `y_true` holds
            integers.

    Source: Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016, section 5.

    Example:

    >>> codebook = NormalsCodebook.default()
    >>> loss = NormalsCodebookCrossentropy(codebook)
    >>> y_true = np.broadcast_to(codebook.codewords[3], (1, 2, 2, 3))
    >>> y_pred = np.zeros((1, 2, 2, 20), "float32")
    >>> round(float(loss(y_true, y_pred)), 4)  # log(20)
    2.9957
    """

    kind = "normals"

    def __init__(
        self,
        codebook: NormalsCodebook,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "normals_codebook_crossentropy",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not isinstance(codebook, NormalsCodebook):
            raise ValueError(
                f"`codebook` must be a NormalsCodebook. Received: codebook={codebook!r}."
            )
        self.codebook = codebook

    def _valid(self, y_true):
        if y_true.shape[-1] != 3:
            raise ValueError(
                "`y_true` must be of shape (batch, height, width, 3). "
                f"Received: y_true of shape {tuple(y_true.shape)}."
            )
        check_normals_dtype(y_true)
        return self.codebook.is_valid(y_true)

    def _labels(self, y_true):
        return self.codebook.encode(y_true), self._valid(y_true)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if y_pred.shape[-1] != self.codebook.num_words:
            raise ValueError(
                f"`y_pred` must have num_words={self.codebook.num_words} logits a pixel. "
                f"Received: y_pred of shape {tuple(y_pred.shape)}."
            )
        return super().call(y_true, y_pred)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "codebook": keras.saving.serialize_keras_object(self.codebook),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        codebook = keras.saving.deserialize_keras_object(config["codebook"])
        return cls(**{**config, "codebook": codebook})
