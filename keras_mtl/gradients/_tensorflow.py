"""Gradients that are pulled back as often as wanted, on TensorFlow."""

import functools

import numpy as np


def vjp(function, primals):
    """As of `keras_mtl.gradients._jax`."""
    import tensorflow as tf

    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        primals = [tf.identity(primal) for primal in primals]
        tape.watch(primals)
        outputs, others = function(primals)

    def pullback(cotangents):
        pairs = [pair for pair in zip(outputs, cotangents, strict=True) if pair[1] is not None]
        outer = [output for output, _ in pairs]
        gradients = tape.gradient(outer, primals, [cotangent for _, cotangent in pairs])
        return [None if each is None else tf.convert_to_tensor(each) for each in gradients]

    return outputs, others, pullback


def compiler(model):
    """As of `keras_mtl.gradients._jax`."""
    import tensorflow as tf

    return functools.partial(tf.function, autograph=False)


def to_numpy(x):
    """As of `keras_mtl.gradients._jax`."""
    return np.asarray(x)


def replicas():
    """Over how many replicas a loss is shared out."""
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def train_step(model, step, x, y, sample_weight):
    """As of `keras_mtl.gradients._jax`."""
    import tensorflow as tf

    variables, state = model.trainable_variables, step.state
    values = [v.value for v in variables]
    before = [v.value for v in state]
    found = step(values, before, x, y, sample_weight, model.optimizer.scale_loss(1.0))
    model.optimizer.apply_gradients(zip(found.gradients, model.trainable_weights, strict=True))
    for variable, old, new in zip(
        state, before, found.after([v.value for v in variables]), strict=True
    ):
        if new is not old:
            variable.assign(new)
    rows = tf.shape(next(each for each in tf.nest.flatten(x) if each is not None))[0]
    model._loss_tracker.update_state(found.loss * replicas(), sample_weight=rows)
    return model.compute_metrics(x, y, found.y_pred, sample_weight=sample_weight)
