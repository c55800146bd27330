"""The table that `BalanceLogger` writes, read back."""

import numpy as np

from keras_mtl._types import Array, PathLike
from keras_mtl.callbacks._step_table import read_table
from keras_mtl.callbacks.balance_logger import COLUMNS


def read_balance(path: PathLike) -> tuple[list[str], dict[int, Array], dict[int, Array]]:
    """Reads the file of a `BalanceLogger`.

    Args:
        path: the file; that of a run that still goes on is as good.

    Returns:
        `(tasks, weights, cosines)`: the names of the T tasks, a dict from step to their weights, an
        array (T,), and one to the cosines of their gradients, an array (T, T); NaN where there is
        none.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file of a `BalanceLogger`, or has no whole row.

    Example:

    >>> import pathlib, tempfile, keras_mtl
    >>> path = pathlib.Path(tempfile.mkdtemp(), "balance.csv")
    >>> lines = path.write_text(
    ...     "step,epoch,task,other,weight,cosine\\n"
    ...     "9,1,age,age,0.5,1\\n"
    ...     "9,1,age,height,0.5,-0.1\\n"
    ...     "9,1,height,age,1.5,-0.1\\n"
    ...     "9,1,height,height,1.5,1\\n")
    >>> tasks, weights, cosines = keras_mtl.callbacks.read_balance(path)
    >>> tasks, weights[9].tolist(), cosines[9].tolist()
    (['age', 'height'], [0.5, 1.5], [[1.0, -0.1], [-0.1, 1.0]])
    """
    tasks, _, history = read_table(
        "BalanceLogger",
        path,
        COLUMNS,
        ("task", "other"),
        lambda row: (float(row["weight"]), float(row["cosine"])),
    )
    pairs = {step: of_step[None] for step, of_step in history.items()}
    weights = {step: np.diag(values[..., 0]).copy() for step, values in pairs.items()}
    return tasks, weights, {step: values[..., 1] for step, values in pairs.items()}
