"""Whether a balancing goes with the tasks of a model."""

import warnings

from keras_mtl.balancing import Balancing


def check_balancing(balancing, tasks):
    """Whether there is something to balance.

    Args:
        balancing: what `compile` is given.
        tasks: names of the tasks with a loss.

    Raises:
        TypeError: it is no `Balancing`.
    """
    if balancing is None:
        return False
    if not isinstance(balancing, Balancing):
        raise TypeError(
            "`balancing` must be one of `keras_mtl.balancing`, such as `balancing.PCGrad()`. "
            f"Received: balancing={balancing!r}."
        )
    if len(tasks) < 2:
        warnings.warn(
            f"`balancing` has nothing to balance: {tasks or 'no task'} has a loss. Training is as "
            "without it.",
            stacklevel=4,
        )
        return False
    return True
