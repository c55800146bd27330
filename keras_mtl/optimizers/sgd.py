"""SGD with learning-rate multipliers."""

import keras

from keras_mtl.optimizers.with_learning_rate_multipliers import with_learning_rate_multipliers


@keras.saving.register_keras_serializable("keras_mtl")
class SGD(with_learning_rate_multipliers(keras.optimizers.SGD)):
    """`keras.optimizers.SGD` with `learning_rate_multipliers`.

    The optimizer of cross-stitch networks, whose stitches train at 10² to 10³ times the rate of
    the network (Misra et al., CVPR 2016, §5.2); Caffe calls the factor `lr_mult`.

    Args:
        *args: Positional arguments of `keras.optimizers.SGD`.
        learning_rate_multipliers: Dict from regular expressions, searched in the paths of the
            variables, to finite factors of at least 0. The first that matches decides, before
            the factor that a variable carries. Rules: `LearningRateMultipliers`.
        **kwargs: Keyword arguments of `keras.optimizers.SGD`.

    Raises:
        ValueError: On an invalid pattern or factor, and in `build` on a pattern that decides no
            trainable variable.

    Example:

    >>> from keras_mtl.optimizers import SGD
    >>> optimizer = SGD(1e-3, momentum=0.9, learning_rate_multipliers={"alpha": 100.0})
    """
