"""Gradients that are pulled back as often as wanted, on JAX."""

import numpy as np


def vjp(function, primals):
    """What `function(primals)` gives, and what pulls cotangents of its outputs back to `primals`.

    Args:
        function: returns a list of outputs, and anything else, which is no number of `primals`.
        primals: list of tensors.

    Returns:
        `(outputs, others, pullback)`. `pullback` takes a list with a cotangent of each output, or
        `None` where it is zero, and returns a list of gradients, `None` or zeros where no output
        with a cotangent depends on a primal.
    """
    import jax

    outputs, whole, others = jax.vjp(function, list(primals), has_aux=True)

    def pullback(cotangents):
        places = [i for i, each in enumerate(cotangents) if each is not None]
        pull = whole
        if len(places) < len(outputs):
            # Zeros would be carried through all that does not matter. XLA sees that what is
            # computed forwards is the same, and computes it once.
            _, pull = jax.vjp(
                lambda values: [function(values)[0][i] for i in places], list(primals)
            )
        return pull([cotangents[i] for i in places])[0]

    return outputs, others, pullback


def compiler(model):
    """What compiles a function of tensors as Keras does for a model, or `None` for nothing."""
    import jax

    return jax.jit if model.jit_compile else None


def to_numpy(x):
    """An array, without a copy where that is possible."""
    return np.asarray(x)


def replicas():
    """Over how many replicas a loss is shared out."""
    return 1


def train_step(model, step, state, x, y, sample_weight):
    """What a model's `train_step` returns, of gradients that a `BalancedStep` makes."""
    import keras

    trainable, non_trainable, of_optimizer, of_metrics = state
    with keras.StatelessScope([*zip(model.optimizer.variables, of_optimizer, strict=True)]):
        scale = model.optimizer.scale_loss(1.0)
    found = step(trainable, [*non_trainable, *of_metrics], x, y, sample_weight, scale)
    trainable, of_optimizer = model.optimizer.stateless_apply(
        of_optimizer, found.gradients, trainable
    )
    values = found.after(trainable)
    non_trainable, of_metrics = values[: len(non_trainable)], values[len(non_trainable) :]
    logs, of_metrics = model._update_metrics_variables(
        of_metrics, found.loss, x, y, found.y_pred, sample_weight
    )
    return logs, (trainable, non_trainable, of_optimizer, of_metrics)
