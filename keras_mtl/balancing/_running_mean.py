"""The mean of what each task has shown so far."""

import numpy as np
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing.balancing import Balancing


class RunningMean:
    """A mean for each task over the steps in which it counts, as state of a balancing.

    Args:
        owner: the balancing, while it is built.
        name: name of the means.
        tasks: the number of tasks.
    """

    def __init__(self, owner: Balancing, name: str, tasks: int) -> None:
        self.values = owner.state(name, np.zeros(tasks))
        self.count = owner.state(f"{name}_count", np.zeros(tasks))

    def update(self, values: Tensor, counts: Tensor) -> None:
        """Takes values (T,) in, of the tasks where the boolean tensor (T,) is true."""
        mask = ops.cast(counts, "float32")
        self.count.assign_add(mask)
        # Not as a sum, which would overflow sooner.
        step = (values - self.values) / ops.maximum(self.count, 1.0)
        self.values.assign_add(mask * step)

    def reset(self) -> None:
        """Forgets all."""
        for variable in (self.values, self.count):
            variable.assign(ops.zeros(variable.shape))
