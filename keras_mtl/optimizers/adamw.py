"""AdamW with learning-rate multipliers."""

import keras

from keras_mtl.optimizers.with_learning_rate_multipliers import with_learning_rate_multipliers


@keras.saving.register_keras_serializable("keras_mtl")
class AdamW(with_learning_rate_multipliers(keras.optimizers.AdamW)):
    """`keras.optimizers.AdamW` with `learning_rate_multipliers`.

    The decay of a variable is multiplied by its factor, for AdamW takes it times the learning rate;
    a variable that carries `weight_decay_exempt = True` does not decay.

    Args:
        *args: Positional arguments of `keras.optimizers.AdamW`.
        learning_rate_multipliers: Dict from regular expressions, searched in the paths of the
            variables, to finite factors of at least 0. The first that matches decides, before
            the factor that a variable carries. Rules: `LearningRateMultipliers`.
        **kwargs: Keyword arguments of `keras.optimizers.AdamW`.

    Raises:
        ValueError: On an invalid pattern or factor, and in `build` on a pattern that decides no
            trainable variable.

    Example:

    >>> from keras_mtl.optimizers import AdamW
    >>> optimizer = AdamW(1e-4, learning_rate_multipliers={"alpha": 100.0})
    """
