"""The policy of training as a table in a file."""

from typing import Any, Literal

import keras
from keras import ops

from keras_mtl._types import PathLike
from keras_mtl.callbacks._step_table import TableRecorder
from keras_mtl.sharing._skip_policy_of import skip_policy_of

COLUMNS = ("step", "epoch", "task", "block", "probability", "execute_logit", "skip_logit")


class PolicyLogger(TableRecorder):
    """Writes the policy of a model with a `SkipPolicy` to a CSV file while it trains.

    A row tells with what `probability` a `task` executes a `block`, and the two logits behind it,
    after `step` updates, the last of them in the epoch of number `epoch` (the first is 1; 0 before
    training). The probability of a block that is not under the policy is 1, whatever its logits.
    Rows are written at the start of training, as the model came and before an `AdaShareSchedule`
    changes it, by `every`, and at the end;
    `keras_mtl.callbacks.read_policies` reads them, `keras_mtl.plots.policy_history` draws them.

    The rows of a step are written at once, so that a run that is killed leaves a readable file. A
    run that goes on from a saved model, whose optimizer knows its step, goes on in the same file;
    rows from that step on are written anew. So a run from step 0 starts the file anew.

    Args:
        path: the file.
        every: `"epoch"`, or a number of steps (batches).

    Raises:
        ValueError: `every` is neither; when training starts: the model has no policy, or `path` is
            a file of other columns.

    Example:

    >>> import keras_mtl
    >>> policies = keras_mtl.callbacks.PolicyLogger("policies.csv", every=100)

    and then `model.fit(…, callbacks=[policies])`.
    """

    def __init__(self, path: PathLike, every: int | Literal["epoch"] = "epoch") -> None:
        super().__init__(path, COLUMNS, every)

    def read(self, model: keras.Model) -> list[tuple[Any, ...]]:
        policy = skip_policy_of(model)
        probabilities = ops.convert_to_numpy(policy.probabilities())
        logits = ops.convert_to_numpy(policy.logits)
        return [
            # Nine digits tell every float32 from every other.
            (task, block, *(f"{x:.9g}" for x in (probabilities[t, b], *logits[t, b])))
            for t, task in enumerate(policy.tasks)
            for b, block in enumerate(policy.blocks)
        ]
