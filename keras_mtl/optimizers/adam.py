"""Adam with learning-rate multipliers."""

import keras

from keras_mtl.optimizers.with_learning_rate_multipliers import with_learning_rate_multipliers


@keras.saving.register_keras_serializable("keras_mtl")
class Adam(with_learning_rate_multipliers(keras.optimizers.Adam)):
    """`keras.optimizers.Adam` with `learning_rate_multipliers`.

    A factor scales the step. Scaling the gradient instead would do nothing: Adam divides by its
    running magnitude.

    Args:
        *args: Positional arguments of `keras.optimizers.Adam`.
        learning_rate_multipliers: Dict from regular expressions, searched in the paths of the
            variables, to finite factors of at least 0. The first that matches decides, before
            the factor that a variable carries. Rules: `LearningRateMultipliers`.
        **kwargs: Keyword arguments of `keras.optimizers.Adam`.

    Raises:
        ValueError: On an invalid pattern or factor, and in `build` on a pattern that decides no
            trainable variable.

    Example:

    >>> from keras_mtl.optimizers import Adam
    >>> optimizer = Adam(1e-4, learning_rate_multipliers={"alpha": 100.0})
    """
