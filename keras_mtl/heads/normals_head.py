"""Surface normals: a word of a codebook for every pixel."""

import keras
import numpy as np

from keras_mtl.heads.fcn_head import FCNHead


@keras.saving.register_keras_serializable("keras_mtl")
class NormalsHead(FCNHead):
    """An `FCNHead` whose channels are logits of the words of a `NormalsCodebook`.

    Its targets are unit normals (batch, height, width, 3), zero where none is known. Train it with
    `NormalsCodebookCrossentropy(codebook)`; `codebook.decode(softmax(logits))` gives normals.

    Source: Misra et al., CVPR 2016, section 5 (20 words), after Ladický et al., ECCV 2014.

    Args:
        codebook: a `NormalsCodebook`.
        output_size, strides, **kwargs: as in `FCNHead`.

    Example:

    >>> import keras_mtl
    >>> codebook = keras_mtl.heads.NormalsCodebook.default()
    >>> head = keras_mtl.heads.NormalsHead(codebook, (96, 96), strides=16, crop=9)
    """

    def __init__(self, codebook, output_size, strides, **kwargs):
        if isinstance(codebook, dict):
            codebook = keras.saving.deserialize_keras_object(codebook)
        super().__init__(len(codebook.codewords), output_size, strides, **kwargs)
        self.codebook = codebook

    def check_targets(self, normals, name="normals"):
        """Raises a `ValueError` unless normals are (…, 3) unit vectors, or zero."""
        if normals.shape[-1] != 3:
            raise ValueError(f"`{name}` must have shape (…, 3). Received: shape={normals.shape}.")
        lengths = np.sqrt(np.square(normals, dtype="float32").sum(-1))
        if not np.isfinite(lengths).all():
            raise ValueError(
                f"`{name}` must be finite; set unknown normals to zero. Received: "
                f"{int((~np.isfinite(lengths)).sum())} pixels with NaN or infinity."
            )
        bad = (lengths > 1e-6) & (np.abs(lengths - 1) > 1e-2)
        if bad.any():
            raise ValueError(
                f"`{name}` must be unit vectors, or zero where unknown. Received: "
                f"{int(bad.sum())} pixels of other length, such as {lengths[bad][0]:.3f}."
            )

    def get_config(self):
        config = super().get_config()
        del config["channels"]
        return {**config, "codebook": keras.saving.serialize_keras_object(self.codebook)}
