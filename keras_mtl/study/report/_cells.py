"""What a label or a prediction looks like in a table: a word, a number or a small picture."""

import base64
import io
from typing import Any

import numpy as np

from keras_mtl._types import Array
from keras_mtl.plots import pyplot
from keras_mtl.plots.pixel_map import label_colours

SIDE = 160
"""Pixels of the longer side of a picture at most."""
UNKNOWN = {"text": "–"}
MOST_NAMES, MOST_NUMBERS = 5, 3


def picture(values: Array) -> dict[str, str]:
    """Colours (height, width, 3) from 0 to 1, or grey ones of one channel, as a cell."""
    step = -(-max(values.shape[:2]) // SIDE)
    pixels = np.clip(values[::step, ::step], 0, 1)
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    file = io.BytesIO()
    pyplot().imsave(file, (255 * pixels).astype("uint8"), format="png")
    return {"image": f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"}


def input_cell(values: Array) -> dict[str, str]:
    """An input: a picture, in whatever range its pixels are; else its first numbers."""
    values = np.asarray(values, "float32")
    if values.ndim != 3 or values.shape[-1] not in (1, 3):
        return _numbers(values)
    low, high = values.min(), values.max()
    if low >= 0 and high > 1:
        return picture(values / 255)
    return picture((values - low) / max(high - low, 1e-6) if low < 0 else values)


def truth_cell(task: Any, values: Array, known: Array, scale: tuple[float, float] | None) -> dict:
    """A label, which is not known everywhere, or nowhere."""
    if not known.any():
        return UNKNOWN
    if task.kind == "attributes" and values.ndim < 2:
        values, known = values.reshape(-1), known.reshape(-1)
        return _names(task, np.flatnonzero(known & (values > 0.5)), values.size)
    if task.kind == "classes" and (values.ndim == 0 or values.size == 1):
        return {"text": _name(task, int(values.reshape(()) if values.ndim else values))}
    return _map_or_numbers(task, values, known, scale)


def predicted_cell(task: Any, values: Array, scale: tuple[float, float] | None) -> dict:
    """What a network says, as of `Task.prediction`, in the same form as the truth."""
    if task.kind == "attributes" and values.ndim == 1:
        return _names(task, np.flatnonzero(values > 0.5), values.size)
    if task.kind == "classes" and values.ndim == 1:
        best = int(values.argmax())
        return {"text": f"{_name(task, best)} {100 * values[best]:.0f} %"}
    known = np.isfinite(values)
    if task.kind == "classes" and values.ndim == 3:
        values, known = values.argmax(axis=-1), known.all(axis=-1)
    return _map_or_numbers(task, values, known, scale)


def scale_of(task: Any, truths: Array, known: Array) -> tuple[float, float] | None:
    """Lowest and highest of numbers at pixels, but for a few, by which all maps are coloured."""
    if task.kind not in ("metres", "numbers") or truths.ndim < 3 or not known.any():
        return None
    low, high = np.percentile(truths[known], (1, 99))
    return float(low), float(max(high, low + 1e-6))


def _map_or_numbers(task, values, known, scale):
    if values.ndim == 3:
        known = known.all(axis=-1) if known.ndim == 3 else known
        if task.kind == "normals" and values.shape[-1] == 3:
            return picture(np.where(known[..., None], (values + 1) / 2, 0))
        # Of several numbers a pixel, such as an offset, how large they are.
        one = values.shape[-1] == 1
        values = values[..., 0] if one else np.linalg.norm(values, axis=-1)
    if values.ndim == 2 and task.kind == "classes":
        labels = np.where(known, values, 255).astype(int)
        return picture(label_colours(labels, int(max(labels[known].max() + 1, 2)), 255))
    if values.ndim == 2 and (scale is not None or task.kind == "attributes"):
        low, high = scale or (0.0, 1.0)
        share = np.clip((np.where(known, values, low) - low) / (high - low), 0, 1)
        return picture(pyplot().get_cmap("viridis")(share)[..., :3] * known[..., None])
    return _numbers(values)


def _numbers(values):
    flat = np.ravel(values)
    more = " …" * (flat.size > MOST_NUMBERS)
    return {"text": ", ".join(f"{each:.3g}" for each in flat[:MOST_NUMBERS]) + more}


def _names(task, numbers, count):
    if count == 1 and not task.classes:
        return {"text": "yes" if len(numbers) else "no"}
    shown = [_name(task, each) for each in numbers[:MOST_NAMES]]
    return {"text": ", ".join(shown) + " …" * (len(numbers) > MOST_NAMES) or "none"}


def _name(task, number):
    return task.classes[number] if number < len(task.classes or ()) else str(number)
