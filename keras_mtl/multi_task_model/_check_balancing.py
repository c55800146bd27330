"""Whether a balancing goes with the tasks of a model."""

import warnings

from keras_mtl.balancing.balancing import check_balancing


def can_balance(balancing, tasks):
    """Whether there is something to balance.

    Args:
        balancing: what `compile` is given.
        tasks: names of the tasks with a loss.

    Raises:
        TypeError: it is no `Balancing`.
    """
    if balancing is None:
        return False
    check_balancing(balancing)
    if len(tasks) < 2:
        warnings.warn(
            f"`balancing` has nothing to balance: {tasks or 'no task'} has a loss. Training is as "
            "without it.",
            stacklevel=4,
        )
        return False
    return True
