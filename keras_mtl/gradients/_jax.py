"""Gradients that are pulled back as often as wanted, on JAX."""


def vjp(function, primals):
    """The outputs of `function(primals)`, and what pulls cotangents of them back to `primals`."""
    import jax

    outputs, pullback = jax.vjp(function, list(primals))
    return outputs, lambda cotangents: pullback(cotangents)[0]
