"""The files of `safetensors`."""

import pathlib

import numpy as np

FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def read_safetensors(path):
    """Reads the arrays of a `.safetensors` file.

    The reader is an extra: `pip install 'keras-mtl[weights]'`. It needs no PyTorch.

    Args:
        path: a `.safetensors` file.

    Returns:
        A dict from name to float32 array in the layout of the file, which is PyTorch's as a rule.
        Entries of other kinds than float64, float32, float16 and bfloat16 are left out.

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
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(
            f"Reading {str(path)!r} needs safetensors: install it with "
            "`pip install 'keras-mtl[weights]'`."
        ) from error
    try:
        # Its own NumPy reader knows no bfloat16.
        tensors = dict(safetensors.deserialize(pathlib.Path(path).read_bytes()))
    except safetensors.SafetensorError as error:
        raise ValueError(
            "`path` must be a whole file of safetensors. "
            f"Received: {str(path)!r}. Its reader says: {error}"
        ) from error
    arrays = {
        name: _array(tensor).reshape(tensor["shape"])
        for name, tensor in tensors.items()
        if tensor["dtype"] in {*FLOATS, "BF16"}
    }
    if not arrays:
        found = {name: tensor["dtype"] for name, tensor in list(tensors.items())[:5]}
        raise ValueError(
            "`path` must be a file with arrays of floats. "
            f"Received: {str(path)!r}, which holds {found}."
        )
    return arrays


def _array(tensor):
    if tensor["dtype"] == "BF16":  # The upper half of a float32.
        return (np.frombuffer(tensor["data"], "<u2").astype("uint32") << 16).view("float32")
    return np.frombuffer(tensor["data"], FLOATS[tensor["dtype"]]).astype("float32")
