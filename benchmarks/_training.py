"""A layer alone, forward and backward, on the backend in force."""

import keras


def training_function(layer, inputs):
    """A function without arguments that runs a built layer forward and backward.

    It returns the outputs and the gradients of their sum of squares with respect to the inputs and
    the trainable weights, and returns only when they are there.

    Args:
        layer: a Keras layer of one tensor, or of a list of several.
        inputs: list of float arrays.
    """
    backend, weights = keras.backend.backend(), layer.trainable_variables

    def called(inputs):
        return inputs if len(inputs) > 1 else inputs[0]

    def squared(outputs):
        return sum((each**2).sum() for each in keras.tree.flatten(outputs))

    if backend == "jax":
        import jax

        @jax.jit
        def step(inputs, weights):
            def loss(inputs, weights):
                outputs, _ = layer.stateless_call(weights, [], called(inputs))
                return squared(outputs), keras.tree.flatten(outputs)

            gradients, outputs = jax.grad(loss, argnums=(0, 1), has_aux=True)(inputs, weights)
            return *outputs, *gradients[0], *gradients[1]

        values = [*map(jax.numpy.asarray, inputs)], [each.value for each in weights]
        return lambda: jax.block_until_ready(step(*values))
    if backend == "tensorflow":
        import tensorflow as tf

        inputs = [*map(tf.constant, inputs)]

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                outputs = keras.tree.flatten(layer(called(inputs)))
                loss = sum(tf.reduce_sum(each**2) for each in outputs)
            return *outputs, *tape.gradient(loss, [*inputs, *(each.value for each in weights)])

        return step
    import torch

    inputs = [torch.from_numpy(each).requires_grad_() for each in inputs]

    def step():
        leaves = [*inputs, *(each.value for each in weights)]
        for each in leaves:
            each.grad = None
        outputs = keras.tree.flatten(layer(called(inputs)))
        squared(outputs).backward()
        return *(each.detach() for each in outputs), *(each.grad for each in leaves)

    return step
