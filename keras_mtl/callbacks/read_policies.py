"""The table that `PolicyLogger` writes, read back."""

import numpy as np

from keras_mtl._files import file_of
from keras_mtl._types import Array, PathLike
from keras_mtl.callbacks._step_table import read_rows
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
    with file_of("PolicyLogger", path):
        return _read(path)


def _read(path):
    rows = read_rows(path, COLUMNS)
    tasks, blocks = (list(dict.fromkeys(row[name] for row in rows)) for name in ("task", "block"))
    steps = {}
    for row in rows:
        values = steps.setdefault(int(row["step"]), {})
        values[row["task"], row["block"]] = float(row["probability"])
    history = {
        step: np.array([[values[task, block] for block in blocks] for task in tasks])
        for step, values in steps.items()
        if len(values) == len(tasks) * len(blocks)  # a kill may have cut the last step short
    }
    return tasks, blocks, history
