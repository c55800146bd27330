"""The table that `ComplianceLogger` writes, read back."""

from typing import Literal

import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._files import file_of
from keras_mtl._types import Array, PathLike
from keras_mtl.callbacks._step_table import read_rows
from keras_mtl.callbacks.compliance_logger import COLUMNS


def read_compliance(
    path: PathLike, column: Literal["compliance", "cosine", "norm"] = "compliance"
) -> tuple[list[str], dict[int, dict[str, Array]]]:
    """Reads the file of a `ComplianceLogger`.

    Each step has its own layers, as a run may go on with others. A last step that lacks rows, or
    ends before the layers of the step before it do, counts as cut short by a kill: it is left out.

    Args:
        path: the file; that of a run that still goes on is as good.
        column: what is read: `"compliance"`, `"cosine"` or `"norm"`.

    Returns:
        `(tasks, history)`: the names of the T tasks, and a dict from step to a dict from layer to
        an array (T, T) of the ratios or cosines, or (T,) of the norms; NaN where there is none.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file of a `ComplianceLogger`, or has no whole row; there is no such
            column.

    Example:

    >>> import pathlib, tempfile, keras_mtl
    >>> path = pathlib.Path(tempfile.mkdtemp(), "compliance.csv")
    >>> lines = path.write_text(
    ...     "step,epoch,layer,task,other,compliance,cosine,norm\\n"
    ...     "0,0,conv1,age,age,1,1,0.2\\n"
    ...     "0,0,conv1,age,height,0.5,-0.1,0.2\\n"
    ...     "0,0,conv1,height,age,0.5,-0.1,0.3\\n"
    ...     "0,0,conv1,height,height,1,1,0.3\\n")
    >>> tasks, history = keras_mtl.callbacks.read_compliance(path)
    >>> tasks, history[0]["conv1"].tolist()
    (['age', 'height'], [[1.0, 0.5], [0.5, 1.0]])
    """
    check_choice("column", column, ("compliance", "cosine", "norm"))
    with file_of("ComplianceLogger", path):
        return _read(path, column)


def _read(path, column):
    rows = read_rows(path, COLUMNS)
    tasks = list(dict.fromkeys(row[name] for row in rows for name in ("task", "other")))
    steps = {}
    for row in rows:
        values = steps.setdefault(int(row["step"]), {})
        values[row["layer"], row["task"], row["other"]] = float(row[column])
    layers = {step: list(dict.fromkeys(key[0] for key in steps[step])) for step in steps}
    *before, last = steps
    lacks_rows = len(steps[last]) < len(layers[last]) * len(tasks) ** 2
    all_but_last = layers[before[-1]][:-1] if before else []
    lacks_layers = layers[last] == all_but_last[: len(layers[last])]
    if lacks_rows or lacks_layers:
        del steps[last]
    history = {
        step: {
            layer: np.array([[values.get((layer, i, j), np.nan) for j in tasks] for i in tasks])
            for layer in layers[step]
        }
        for step, values in steps.items()
    }
    if column == "norm":  # a task's own
        history = {
            step: {layer: np.diag(values).copy() for layer, values in of_step.items()}
            for step, of_step in history.items()
        }
    return tasks, history
