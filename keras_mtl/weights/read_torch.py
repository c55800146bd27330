"""PyTorch's state dicts."""

import os
import zipfile

import numpy as np

from keras_mtl._extra import extra
from keras_mtl._types import Array, PathLike
from keras_mtl.weights._hint import hint
from keras_mtl.weights._shown import shown

WRAPPERS = ("state_dict", "model")
"""Entries under which training scripts keep the state dict, beside their epoch and optimizer."""

PARALLEL = "module."
"""What `torch.nn.DataParallel` puts before every name."""


def read_torch(path: PathLike) -> dict[str, Array]:
    """Reads the arrays of a PyTorch checkpoint, of which no code is executed.

    PyTorch is an extra: `pip install 'keras-mtl[torch]'`. It need not be Keras' backend.

    Args:
        path: a `.pth` or `.pt` file of `torch.save`: a state dict, or a dict that holds one as
            `"state_dict"` or `"model"`. The prefix `module.` of `DataParallel` is taken off.

    Returns:
        A dict from name to float32 array in PyTorch's layout. Entries that are no floating-point
        tensors, such as `num_batches_tracked`, are left out.

    Raises:
        ImportError: PyTorch is not installed.
        OSError: the file is missing.
        ValueError: the file is cut, holds other objects than dense tensors or none, or would take
            more memory than it has bytes.

    Example:

    ```python
    arrays = keras_mtl.weights.read_torch("alexnet-owt-7be5be79.pth")
    arrays["features.0.weight"].shape  # (64, 3, 11, 11)
    ```
    """
    torch = extra(f"Reading {str(path)!r} needs PyTorch", "torch", "torch")
    try:
        _check_zip(path)
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        arrays = {
            name: _array(tensor)
            for name, tensor in _state_dict(checkpoint).items()
            if isinstance(name, str)
            and isinstance(tensor, torch.Tensor)
            and tensor.is_floating_point()
        }
    except OSError:
        raise
    except Exception as error:  # Of many kinds, by where the file is cut.
        # What PyTorch says stands in the cause: it advises to execute the code in the file.
        raise ValueError(
            "`path` must be a whole file of `torch.save` with nothing but dense tensors in it (a "
            f"state dict, not a pickled model). Received: {str(path)!r}.{hint(path)}"
        ) from error
    if not arrays:
        held = checkpoint if isinstance(checkpoint, dict) else [type(checkpoint).__name__]
        raise ValueError(
            "`path` must be a file of a dict from names to tensors. "
            f"Received: {str(path)!r}, which holds {shown(held)}."
        )
    if all(name.startswith(PARALLEL) for name in arrays):
        arrays = {name.removeprefix(PARALLEL): array for name, array in arrays.items()}
    return arrays


def _check_zip(path):
    """`torch.save` does not compress: what would grow is not of it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            size = sum(entry.file_size for entry in file.infolist())
        if size > os.path.getsize(path):
            raise ValueError(f"{size} bytes unpacked")


def _state_dict(checkpoint):
    if not isinstance(checkpoint, dict):
        return {}
    wrapped = (checkpoint.get(key) for key in WRAPPERS)
    return next((entry for entry in wrapped if isinstance(entry, dict)), checkpoint)


def _array(tensor):
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError(f"a tensor {tuple(tensor.shape)} whose elements share their memory")
    return np.asarray(tensor.detach().float().numpy(), order="C")
