"""Rendered splits on disk: one checked .npz file for each."""

import contextlib
import json
import os
import re
import warnings
import zipfile
from dataclasses import asdict

import numpy as np

from keras_mtl._files import keras_folder, whole_file

from .render import RENDERER_VERSION

_MANIFEST = "manifest.json"


def default_cache_dir():
    """`keras_mtl/rooms` in Keras' own folder."""
    return os.path.join(keras_folder(), "keras_mtl", "rooms")


def cache_path(cache_dir, request):
    """The file of a `RenderRequest`; its name holds everything that the pictures depend on."""
    return os.path.join(cache_dir, f"{_stem(request)}-n{request.num_images}.npz")


def _stem(request):
    return (
        f"rooms-v{RENDERER_VERSION}-{request.split}-seed{request.seed}"
        f"-{request.size}px-aa{request.antialias}"
    )


def read_cache(cache_dir, request):
    """Returns the arrays of a `RenderRequest`, or None if they have to be rendered.

    A file with more pictures serves as well. A damaged file is removed, with a warning; one that
    cannot be read stays, as it may be whole.

    Raises:
        MemoryError: There is not enough for the arrays.
    """
    for num_images, path in _candidates(cache_dir, request):
        try:
            arrays = _read(path, {**_manifest(request), "num_images": num_images})
        except MemoryError:
            raise
        except Exception as error:  # A cut or altered zip file raises nearly anything.
            passing = isinstance(error, OSError)
            warnings.warn(
                f"The cache file {path} {'cannot be read' if passing else 'is damaged'} "
                f"({error!r}): the pictures are rendered anew.",
                stacklevel=3,
            )
            with contextlib.suppress(OSError):
                if not passing:
                    os.remove(path)
        else:
            return _first(arrays, request.num_images)
    return None


def _candidates(cache_dir, request):
    """(number of pictures, path) of the files that could serve, the smallest first."""
    pattern = re.compile(re.escape(_stem(request)) + r"-n(\d+)\.npz")
    names = os.listdir(cache_dir) if os.path.isdir(cache_dir) else []
    matches = [match for match in map(pattern.fullmatch, names) if match]
    found = [(int(match[1]), os.path.join(cache_dir, match[0])) for match in matches]
    return sorted(entry for entry in found if entry[0] >= request.num_images)


def _manifest(request):
    return {"renderer_version": RENDERER_VERSION, **asdict(request)}


def _read(path, expected):
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read(_MANIFEST))
        shapes = manifest.pop("shapes")
        if manifest != expected:
            raise ValueError(f"it says that it holds {manifest}")
        for name, shape in shapes.items():
            with archive.open(f"{name}.npy") as member:
                array = np.lib.format.read_array(member, allow_pickle=False)
                # Only at its end is a member checked against its CRC-32.
                if member.read(1) or list(array.shape) != shape:
                    raise ValueError(f"`{name}` has another shape than {shape}")
            arrays[name] = array
    return arrays


def _first(arrays, num_images):
    """The first pictures alone, as a file with fewer would hold them."""
    counts = arrays["object_counts"]
    if len(counts) == num_images:
        return arrays
    num_objects = int(counts[:num_images].sum())
    ends = {"boxes": num_objects, "attributes": num_objects}
    return {name: array[: ends.get(name, num_images)].copy() for name, array in arrays.items()}


def write_cache(cache_dir, request, arrays):
    """Writes a complete file or none."""
    manifest = _manifest(request)
    manifest["shapes"] = {name: list(array.shape) for name, array in arrays.items()}
    os.makedirs(cache_dir, exist_ok=True)
    with (
        whole_file(cache_path(cache_dir, request)) as unfinished,
        # Level 1: labels and normals shrink most of the way, at the speed of a disk.
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        archive.writestr(_MANIFEST, json.dumps(manifest))
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
