"""The table that `ComplianceLogger` writes, read back."""

from typing import Literal

import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._types import Array, PathLike
from keras_mtl.callbacks._step_table import read_table
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
    tasks, _, history = read_table(
        "ComplianceLogger",
        path,
        COLUMNS,
        ("task", "other"),
        lambda row: float(row[column]),
        group="layer",
    )
    if column == "norm":  # a task's own
        history = {
            step: {layer: np.diag(values).copy() for layer, values in of_step.items()}
            for step, of_step in history.items()
        }
    return tasks, history
