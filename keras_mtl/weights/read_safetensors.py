"""The files of `safetensors`."""

import pathlib

import numpy as np

from keras_mtl._extra import extra
from keras_mtl._types import Array, PathLike
from keras_mtl.weights._hint import hint
from keras_mtl.weights._prefixes import without_prefixes
from keras_mtl.weights._shown import shown

FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def read_safetensors(path: PathLike) -> dict[str, Array]:
    """Reads the arrays of a `.safetensors` file.

    The reader is an extra: `pip install 'keras-mtl[weights]'`. It needs no PyTorch.

    Args:
        path: a `.safetensors` file.

    Returns:
        A dict from name to float32 array in the layout of the file, which is PyTorch's as a rule.
        What stands before all names is taken off, as by `read_torch`. Entries of other kinds than
        float64, float32, float16 and bfloat16 are left out.

    Raises:
        ImportError: safetensors is not installed.
        OSError: the file is missing.
        ValueError: the file is cut, is none of safetensors, or holds no such arrays.

    Example:

    ```python
    arrays = keras_mtl.weights.read_safetensors("resnet18.safetensors")
    arrays["conv1.weight"].shape  # (64, 3, 7, 7)
    ```
    """
    return without_prefixes(safetensors_arrays(path))


def safetensors_arrays(path):
    """As `read_safetensors`, with the names of the file."""
    safetensors = extra(f"Reading {str(path)!r} needs safetensors", "weights", "safetensors")
    content = pathlib.Path(path).read_bytes()
    try:
        # Its own NumPy reader knows no bfloat16.
        tensors = dict(safetensors.deserialize(content))
        arrays = {
            name: _array(tensor).reshape(tensor["shape"])
            for name, tensor in tensors.items()
            if tensor["dtype"] in {*FLOATS, "BF16"}
        }
    # NumPy has limits that the format does not have: 64 axes, say.
    except (safetensors.SafetensorError, ValueError, OverflowError) as error:
        raise ValueError(
            f"`path` must be a whole file of safetensors. Received: {str(path)!r}.{hint(path)} "
            f"Its reader says: {str(error)[:300]}"
        ) from error
    if not arrays:
        raise ValueError(
            "`path` must be a file with arrays of floats. "
            f"Received: {str(path)!r}, which holds {shown(tensors)} of the types "
            f"{sorted({tensor['dtype'] for tensor in tensors.values()})}."
        )
    return arrays


def _array(tensor):
    if tensor["dtype"] == "BF16":  # The upper half of a float32.
        return (np.frombuffer(tensor["data"], "<u2").astype("uint32") << 16).view("float32")
    return np.frombuffer(tensor["data"], FLOATS[tensor["dtype"]]).astype("float32")
