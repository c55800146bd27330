"""PyTorch's state dicts."""

import os
import pickle
import re
import zipfile

import numpy as np

from keras_mtl._extra import extra
from keras_mtl._types import Array, PathLike
from keras_mtl.weights._hint import hint
from keras_mtl.weights._prefixes import without_prefixes
from keras_mtl.weights._shown import cut, shown

WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net")
"""Entries under which training scripts keep the state dict, beside their epoch and optimizer."""

REFUSED = re.compile(r"Unsupported (?:global: GLOBAL|class) (\S+)")
"""How PyTorch names an object of which it executes no code."""


def read_torch(path: PathLike) -> dict[str, Array]:
    """Reads the arrays of a PyTorch checkpoint, of which no code is executed.

    PyTorch is an extra: `pip install 'keras-mtl[torch]'`. It need not be Keras' backend.

    Args:
        path: a file of `torch.save`, such as `.pth`, `.pt`, `.pth.tar`, `.ckpt` or `.bin`: a state
            dict, or a dict that holds one as `"state_dict"`, `"model_state_dict"`, `"model_state"`,
            `"model"` or `"net"`, or as one in another.

    Returns:
        A dict from name to float32 array in PyTorch's layout, whatever the precision in the file.
        What stands before all names is taken off: `module.` of `DataParallel`, `_orig_mod.` of
        `torch.compile`, `model.`, `net.` or `backbone.`, or several of these. Entries that are no
        floating-point tensors, such as `num_batches_tracked`, are left out.

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
    return without_prefixes(torch_arrays(path))


def torch_arrays(path):
    """As `read_torch`, with the names of the file."""
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
    except (OSError, MemoryError):
        raise
    except Exception as error:  # Of many kinds, by where the file is cut.
        # What PyTorch says stands in the cause: it advises to execute the code in the file.
        raise ValueError(
            "`path` must be a whole file of `torch.save` with nothing but dense tensors in it (a "
            f"state dict, not a pickled model). Received: {str(path)!r}.{hint(path)}"
            f"{_refused(error)}"
        ) from error
    if not arrays:
        held = checkpoint if isinstance(checkpoint, dict) else [type(checkpoint).__name__]
        raise ValueError(
            "`path` must be a file of a dict from names to tensors. "
            f"Received: {str(path)!r}, which holds {shown(held)}."
        )
    return arrays


def _refused(error):
    """Which object in the file is none that is read, and what to do, after a space."""
    found = REFUSED.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
    if found is None:
        return ""
    return (
        f" It holds an object of {cut(found[1])}, which is not read, as that executes code: save "
        "only the state dict, `torch.save(model.state_dict(), path)`."
    )


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
    # One in another; each key once, as a pickled dict may hold itself.
    for _ in WRAPPERS:
        wrapped = (checkpoint.get(key) for key in WRAPPERS)
        checkpoint = next((entry for entry in wrapped if isinstance(entry, dict)), checkpoint)
    return checkpoint


def _array(tensor):
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError(f"a tensor {tuple(tensor.shape)} whose elements share their memory")
    return np.asarray(tensor.detach().float().numpy(), order="C")
