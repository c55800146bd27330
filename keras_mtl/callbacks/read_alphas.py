"""The table that `AlphaLogger` writes, read back."""

from keras_mtl._types import Array, PathLike
from keras_mtl.callbacks._step_table import read_table
from keras_mtl.callbacks.alpha_logger import COLUMNS


def read_alphas(path: PathLike) -> tuple[list[str], dict[str, dict[int, Array]]]:
    """Reads the file of an `AlphaLogger`.

    Args:
        path: the file; that of a run that still goes on is as good.

    Returns:
        `(tasks, histories)`: the names of the T tasks in the order of the alphas, and a dict from
        the name of each unit to a dict from step to its alphas: an array (T, T) of the means over
        the channels, or (T, T, channels) if all of them were written.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file of an `AlphaLogger`, or has no whole row.

    Example:

    >>> import pathlib, tempfile, keras_mtl
    >>> path = pathlib.Path(tempfile.mkdtemp(), "alphas.csv")
    >>> lines = path.write_text(
    ...     "step,epoch,layer,task,from_task,mean,min,max\\n"
    ...     "0,0,stitch_conv1,a,a,0.9,0.9,0.9\\n"
    ...     "0,0,stitch_conv1,a,b,0.1,0.1,0.1\\n"
    ...     "0,0,stitch_conv1,b,a,0.1,0.1,0.1\\n"
    ...     "0,0,stitch_conv1,b,b,0.9,0.9,0.9\\n")
    >>> tasks, histories = keras_mtl.callbacks.read_alphas(path)
    >>> tasks, histories["stitch_conv1"][0].tolist()
    (['a', 'b'], [[0.9, 0.1], [0.1, 0.9]])
    """
    tasks, _, history = read_table(
        "AlphaLogger", path, COLUMNS, ("task", "from_task"), _alpha, group="layer"
    )
    histories: dict[str, dict[int, Array]] = {}
    for step, units in history.items():
        for layer, alphas in units.items():
            histories.setdefault(layer, {})[step] = alphas
    return tasks, histories


def _alpha(row):
    return [float(x) for x in row["alpha"].split()] if "alpha" in row else float(row["mean"])
