"""Whether what a multi-task model is compiled with names its outputs."""

import warnings

import keras

from keras_mtl.optimizers import Alternating, LearningRateMultipliers


def checked_by_output(model, **arguments):
    """Losses, metrics and weights as they are, if they are dicts by the names of the outputs.

    Keras would deal out a list, and weights of other keys than the losses', in alphabetical order.

    Args:
        model: the `MultiTaskModel`.
        **arguments: `loss`, `loss_weights`, `metrics` and `weighted_metrics` of `compile`.

    Returns:
        The arguments as a dict, in which `loss_weights` has a weight for every loss.

    Raises:
        ValueError: a list, if there are several outputs; unknown outputs; a weight without a loss.
    """
    outputs = model.output_names_in_order
    for name, value in arguments.items():
        if isinstance(value, (list, tuple)) and len(outputs) > 1:
            raise ValueError(
                f"`{name}` must be a dict by the names of the outputs {outputs}. "
                f"Received: a {type(value).__name__} of {len(value)}."
            )
        unknown = sorted(set(value) - set(outputs), key=str) if isinstance(value, dict) else []
        if unknown:
            raise ValueError(f"`{name}` has unknown tasks {unknown}. Known tasks: {outputs}.")
    loss, weights = arguments.get("loss"), arguments.get("loss_weights")
    if isinstance(weights, dict) and loss is not None and not isinstance(loss, dict):
        loss = arguments["loss"] = dict.fromkeys(outputs, loss)
    if isinstance(loss, dict):
        missing = [name for name in outputs if name not in loss]
        if missing:
            warnings.warn(
                f"`loss` has none for {missing}, which training leaves as they are. "
                "A loss of None says that it is meant.",
                stacklevel=3,
            )
        if isinstance(weights, dict):
            idle = [name for name in weights if loss.get(name) is None]
            if idle:
                raise ValueError(
                    f"`loss_weights` must be of outputs with a loss: {list(loss)}. "
                    f"Received: {idle}."
                )
            arguments["loss_weights"] = {name: weights.get(name, 1.0) for name in loss}
    return arguments


def warn_of_lost_rates(optimizer, variables):
    """Warns if variables carry a factor on their learning rate that the optimizer does not read."""
    factors = [getattr(variable, "learning_rate_multiplier", 1.0) for variable in variables]
    paths = [v.path for v, factor in zip(variables, factors, strict=True) if factor != 1.0]
    if paths and optimizer is not None and not _reads_rates(optimizer):
        name = type(optimizer).__name__
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        warnings.warn(
            f"{name} trains {paths[0]}{more} at the rate of all other weights, not at "
            f"up to {max(factors):g} times of it. An optimizer of `keras_mtl.optimizers`, such as "
            "`keras_mtl.optimizers.Adam`, takes the factor of each.",
            stacklevel=3,
        )


def _reads_rates(optimizer):
    inner = getattr(optimizer, "inner_optimizer", None)  # of `LossScaleOptimizer`
    if inner is not None:
        return _reads_rates(inner)
    several = (Alternating, keras.optimizers.MultiOptimizer)
    return isinstance(optimizer, (LearningRateMultipliers, *several))
