"""The seeds of a network's layers, made of one."""

import itertools


def layer_seeds(seed, layers=100):
    """An iterator of the seeds of up to `layers` layers; of `None`s without a seed.

    With one seed for all layers, equal draws would stand in several of them.
    """
    if seed is None:
        return itertools.repeat(None)
    return iter(range(layers * seed, layers * (seed + 1)))
