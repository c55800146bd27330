"""The table that `PolicyLogger` writes, read back."""

from keras_mtl._types import Array, PathLike
from keras_mtl.callbacks._step_table import read_table
from keras_mtl.callbacks.policy_logger import COLUMNS


def read_policies(path: PathLike) -> tuple[list[str], list[str], dict[int, Array]]:
    """Reads the file of a `PolicyLogger`.

    Args:
        path: the file; that of a run that still goes on is as good.

    Returns:
        `(tasks, blocks, history)`: the names of the T tasks and of the L blocks, and a dict from
        step to an array (T, L) of the probabilities to execute each block.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file of a `PolicyLogger`, or has no whole row.

    Example:

    >>> import pathlib, tempfile, keras_mtl
    >>> path = pathlib.Path(tempfile.mkdtemp(), "policies.csv")
    >>> lines = path.write_text(
    ...     "step,epoch,task,block,probability,execute_logit,skip_logit\\n"
    ...     "0,0,age,one,1,0.5,0.5\\n"
    ...     "0,0,age,two,0.5,0.5,0.5\\n")
    >>> tasks, blocks, history = keras_mtl.callbacks.read_policies(path)
    >>> tasks, blocks, history[0].tolist()
    (['age'], ['one', 'two'], [[1.0, 0.5]])
    """
    tasks, blocks, history = read_table(
        "PolicyLogger", path, COLUMNS, ("task", "block"), lambda row: float(row["probability"])
    )
    return tasks, blocks, {step: probabilities[None] for step, probabilities in history.items()}
