"""Surface normals: a word of a codebook for every pixel."""

from typing import Any

import keras

from keras_mtl._types import Config, Size, Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.heads._meanings import FixedChannels, Normals
from keras_mtl.heads.fcn_head import FCNHead


@keras.saving.register_keras_serializable("keras_mtl")
class NormalsHead(FixedChannels, FCNHead):
    """An `FCNHead` whose channels are logits of the words of a `NormalsCodebook`.

    Its targets are unit normals (batch, height, width, 3), zero where none is known. Train it with
    `NormalsCodebookCrossentropy(codebook)`; `decode(prediction(logits))` gives normals.

    Source: Misra et al., CVPR 2016, section 5 (20 words), after Ladický et al., ECCV 2014.

    Args:
        codebook: a `NormalsCodebook`.
        output_size, strides, **kwargs: as in `FCNHead`.

    Raises:
        ValueError: `codebook` is none.

    Example:

    >>> import keras_mtl
    >>> codebook = keras_mtl.geometry.NormalsCodebook.default()
    >>> head = keras_mtl.heads.NormalsHead(codebook, (96, 96), strides=16, crop=9)
    """

    kind = "normals"
    check_targets = Normals.check_targets

    def __init__(
        self, codebook: NormalsCodebook, output_size: Size, strides: int, **kwargs: Any
    ) -> None:
        if isinstance(codebook, dict):
            codebook = keras.saving.deserialize_keras_object(codebook)
        if not isinstance(codebook, NormalsCodebook):
            raise ValueError(
                f"`codebook` must be a NormalsCodebook. Received: codebook={codebook!r}."
            )
        super().__init__(len(codebook.codewords), output_size, strides, **kwargs)
        self.codebook = codebook

    def decode(self, predictions: Tensor) -> Tensor:
        """Unit normals (batch, height, width, 3) of the words' probabilities."""
        return self.codebook.decode(predictions)

    def get_config(self) -> Config:
        codebook = keras.saving.serialize_keras_object(self.codebook)
        return {**super().get_config(), "codebook": codebook}
