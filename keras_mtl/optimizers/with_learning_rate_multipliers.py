"""The factory that gives a Keras optimizer learning-rate multipliers."""

import functools

import keras

from keras_mtl.optimizers.learning_rate_multipliers import LearningRateMultipliers


@functools.cache
def with_learning_rate_multipliers(
    optimizer_class: type[keras.optimizers.Optimizer],
) -> type[keras.optimizers.Optimizer]:
    """Returns a subclass of a Keras optimizer that takes `learning_rate_multipliers`.

    The subclass is `LearningRateMultipliers`, where the rules stand, before `optimizer_class`. The
    same class comes back for the same argument, registered with Keras as
    `<package>><name>WithMultipliers`; the package is that of `optimizer_class`, or `keras_mtl`. To
    load a model saved with it, a new process calls this function first, so that Keras knows it.

    Adafactor caps its rate by the step's number after the factor, so a factor may have no effect.

    Args:
        optimizer_class: A subclass of `keras.optimizers.Optimizer`. One that has multipliers is
            returned as it is.

    Returns:
        The optimizer class.

    Raises:
        ValueError: If `optimizer_class` is no optimizer class; is one that wraps optimizers (give
            the inner ones multipliers); or advances state of its own once a step, as Nadam does,
            for here a step makes one update for each factor.

    Example:

    >>> import keras
    >>> from keras_mtl.optimizers import with_learning_rate_multipliers
    >>> RMSprop = with_learning_rate_multipliers(keras.optimizers.RMSprop)
    >>> optimizer = RMSprop(1e-4, learning_rate_multipliers={"alpha": 100.0})
    """
    stock = keras.optimizers.Optimizer
    if not (isinstance(optimizer_class, type) and issubclass(optimizer_class, stock)):
        raise ValueError(
            "Argument `optimizer_class` must be a subclass of keras.optimizers.Optimizer. "
            f"Received: optimizer_class={optimizer_class}"
        )
    if issubclass(optimizer_class, LearningRateMultipliers):
        return optimizer_class
    name = optimizer_class.__name__
    wrappers = (keras.optimizers.LossScaleOptimizer, keras.optimizers.MultiOptimizer)
    if issubclass(optimizer_class, wrappers):
        raise ValueError(
            f"{name} wraps optimizers and updates nothing itself. Give the optimizers that it "
            f"wraps multipliers. Received: optimizer_class={optimizer_class}"
        )
    # The backends' own overrides of this hook stand in classes that are no `Optimizer`.
    bases = [cls for cls in optimizer_class.__mro__ if issubclass(cls, stock)]
    if any("_backend_update_step" in vars(cls) for cls in bases):
        raise ValueError(
            f"{name} advances state of its own once a step, which multipliers would advance once "
            f"for each factor. Received: optimizer_class={optimizer_class}"
        )
    # On torch, making an instance of a stock class gives one of a fused subclass, but not for
    # subclasses of it: so ask for the class that Keras would take, and derive from that.
    base = type(optimizer_class.__new__(optimizer_class))
    made = type(
        f"{name}WithMultipliers",
        (LearningRateMultipliers, base),
        {
            "__module__": __name__,
            "__doc__": f"`{name}` with `learning_rate_multipliers`: see `LearningRateMultipliers`.",
        },
    )
    package, _, _ = keras.saving.get_registered_name(optimizer_class).rpartition(">")
    return keras.saving.register_keras_serializable(package or "keras_mtl")(made)
