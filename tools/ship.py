"""Makes a trained network the one that an application gives for `weights="rooms"`.

    python -m tools.ship CrossStitchFCN \\
        results/cross_stitch/mini-rooms-torch/study/networks/HASH.keras

(`records.jsonl` in `study` says which one a row has taken) writes it to `applications/rooms/`
without its optimizer, and with weights of about a byte each: larger arrays are rounded to a decimal
place, so that a standard deviation has `--steps` steps or more (20), by HDF5's scale-offset filter,
which Keras reads like any other. Then it scores the file as it ships and keeps its size, hash and
scores in `applications/catalog.csv`. It takes a minute, and a few more to render the pictures the
first time.
"""

import dataclasses
import hashlib
import inspect
import io
import json
import math
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

from keras_mtl import recipes
from keras_mtl.applications.catalog import ENTRIES, counts, write_counts
from keras_mtl.search import cost

STEPS = 20
"""5 moved the second digit of scores. Networks that still move with 20 are given more."""
SMALL = 1000
"""Arrays up to this size, with them all biases and statistics of normalisation, stay exact."""
WEIGHTS, METADATA = "model.weights.h5", "metadata.json"


def ship(name, path, steps=STEPS):
    """Writes, scores and publishes the network that an application ships.

    Args:
        name: of the application.
        path: the `.keras` file of the trained network.
        steps: the least number of steps to a standard deviation of an array's weights.

    Returns:
        The scores, as of `Recipe.evaluate`.
    """
    entry = ENTRIES[name]
    model = keras.models.load_model(path, compile=False)
    model.name = inspect.signature(entry.build).parameters["name"].default
    entry.trained.parent.mkdir(exist_ok=True)
    write_compact(model, entry.trained, json.loads(_members(path)[METADATA]), steps)
    recipe = recipes.load()[entry.recipe]
    scores = recipe.evaluate(keras.models.load_model(entry.trained, compile=False))
    content, size = entry.trained.read_bytes(), _cost(recipe, model)
    found = counts()
    found[name] = dataclasses.replace(
        found[name],
        # An embedding does not name its tasks.
        trained_tasks=tuple(getattr(model, "tasks", found[name].trained_tasks)),
        trained_parameters=size.parameters,
        trained_macs=size.macs,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        scores=scores,
        headlines=recipe.problem.headings(scores),
    )
    write_counts(found)
    return scores


def write_compact(model, path, metadata, steps=STEPS):
    """Writes a model as a small `.keras` file; the same model gives the same bytes.

    Args:
        model: the model, not compiled, so that there is no optimizer.
        path: the `.keras` file.
        metadata: dict of Keras' version and the date, as the file is to have them.
        steps: as of `ship`.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.keras"
        model.save(whole)
        members = _members(whole)
    members[WEIGHTS] = _compact(members[WEIGHTS], steps)
    members[METADATA] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(members.items()):
            # Without a date of its own it has the first one there is.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def _cost(recipe, model):
    """Parameters and multiply-accumulates; of an open number of regions as many as are proposed."""
    regions = getattr(recipe.presets["mini"], "proposals", None)
    if regions is None:
        return cost(model)
    shapes = [tuple(regions if n is None else n for n in x.shape[1:]) for x in model.inputs]
    return cost(model, shapes)


def _members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _compact(content, steps):
    """An HDF5 file with the same groups and smaller arrays."""
    import h5py  # Comes with Keras.

    written = io.BytesIO()
    with h5py.File(io.BytesIO(content), "r") as source, h5py.File(written, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                copied = target.require_group(name)
            else:
                copied = target.create_dataset(name, data=item[()], **_filters(item[()], steps))
            copied.attrs.update(item.attrs)

        source.visititems(copy)
    return written.getvalue()


def _filters(array, steps):
    """How an array is stored."""
    if array.size <= SMALL:
        return {}
    filters = {"chunks": array.shape, "compression": "gzip", "compression_opts": 9}
    deviation = np.std(array)
    if array.dtype.kind == "f" and deviation > 0:
        filters["scaleoffset"] = max(0, math.ceil(-math.log10(deviation / steps)))
    return filters


def main(application: str, model: Path, steps: float = STEPS) -> None:
    """Ships a network.

    Args:
        application: name in the catalog.
        model: its `.keras` file, of the preset mini on rooms.
        steps: to a standard deviation.
    """
    if application not in ENTRIES:
        raise SystemExit(f"application must be one of {list(ENTRIES)}. Received: {application}.")
    print(json.dumps(ship(application, model, steps), indent=2))
    trained = ENTRIES[application].trained
    print(f"{trained}: {trained.stat().st_size:,} bytes")


if __name__ == "__main__":
    import tyro

    tyro.cli(main)
