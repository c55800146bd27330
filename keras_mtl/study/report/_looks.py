"""What the networks of a row have learned and what they say, and the data beside it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl import plots
from keras_mtl._types import Array
from keras_mtl.datasets import LazyArray
from keras_mtl.ensemble import speaker_of
from keras_mtl.losses._kind_of import BY_SHAPES
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.contender import TWIN
from keras_mtl.study.report._by_class import ByClass
from keras_mtl.study.report._cells import input_cell, predicted_cell, scale_of, truth_cell
from keras_mtl.study.report._kept import kept
from keras_mtl.study.report._learned import learned
from keras_mtl.study.report._pulls import shared_weights
from keras_mtl.study.report._svg import slug, svg
from keras_mtl.study.scores import Vote

SHOWN = 4
"""Examples whose predictions are shown."""
SCORED, COUNTED = 500, 2000
"""Examples by which classes are scored, and whose labels are counted, at most."""


def look_at_row(study: AnyStudy, row: Any) -> dict[str, Any] | None:
    """What the networks of a row have learned, what they say, and how well by class."""
    of = [row.hash, row.contender, _classes_of(study)]
    what = f"networks of {row.contender}"
    return kept(study, what, of, lambda: _row(study, row), study.scored_networks(row))


def look_at_data(study: AnyStudy) -> dict[str, Any] | None:
    """Examples with what is true of them, and how many labels there are of each class."""
    of = [*(row.hash for row in study.rows[:1]), _classes_of(study)]
    return kept(study, "data", of, lambda: _data(study))


def _classes_of(study):
    return [task.classes for task in study.tasks.values()]


def _row(study, row):
    models = study.networks(row)
    model = models[0]
    found = {"stages": None, "learned": [], "classes": {}, "shown": {}, "shares": False}
    if len(models) == 1 and isinstance(model, MultiTaskModel) and len(model.tasks) > 1:
        name = f"stages-{slug(row.contender)}"
        alt = f"stages of {row.contender}, and which tasks share them"
        (training,) = study.scored_networks(row)
        found["stages"] = svg(plots.stages(model), name, alt)
        found["learned"] = learned(study, training, model)
        found["shares"] = bool(shared_weights(model)) and not row.contender.startswith(TWIN)
    if _is_plain(study.test) and all(isinstance(each, MultiTaskModel) for each in models):
        found |= _predictions(study, models)
    return found


def _is_plain(examples):
    """Whether its inputs are an array, not such as pictures with regions."""
    return isinstance(getattr(examples, "x", None), (np.ndarray, LazyArray))


def _predictions(study, models):
    """What networks say of the first examples, and how well they know each class."""
    tasks, model = _of_one_output(study), models[0] if len(models) == 1 else Vote(models)
    speakers = {task: speaker_of(each, task) for each in models for task in each.tasks}
    by_class = {
        name: ByClass(task)
        for name, task in tasks.items()
        if task.kind in ("classes", "attributes")
    }
    rows, shown, size = _rows(len(study.test), SCORED), {}, max(study.batch_size, SHOWN)
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        outputs = model.predict_on_batch(_inputs(study.test, some))
        for name, task in tasks.items():
            speaker = speakers[name]
            predicted = speaker.prediction(ops.convert_to_tensor(outputs[name]))
            if task.kind == "normals" and hasattr(speaker, "decode"):  # Of a codebook's words.
                predicted = speaker.decode(predicted)
            predicted = ops.convert_to_numpy(predicted)
            labels, known = _labels(task, study.test.y[name], some)
            if name in by_class:
                by_class[name].add(labels, known, predicted)
            if not start:
                scale = scale_of(task, labels[:SHOWN], known[:SHOWN])
                shown[name] = [predicted_cell(task, each, scale) for each in predicted[:SHOWN]]
    classes = {
        name: {"unit": each.unit, "scores": each.scores()}
        for name, each in by_class.items()
        if each.counted
    }
    return {"classes": classes, "shown": shown}


def _data(study):
    if not _is_plain(study.test):
        return {"inputs": [], "truth": {}, "classes": {}}
    rows = _rows(len(study.test), SCORED)[:SHOWN]
    inputs = [input_cell(each) for each in _inputs(study.test, rows)]
    counted, truth, classes = _rows(len(study.train), COUNTED), {}, {}
    for name, task in _of_one_output(study).items():
        labels, known = _labels(task, study.test.y[name], rows)
        scale = scale_of(task, labels, known)
        pairs = zip(labels, known, strict=True)
        truth[name] = [truth_cell(task, *pair, scale) for pair in pairs]
        if task.kind in ("classes", "attributes") and name in study.train.y:
            labels, known = _labels(task, study.train.y[name], counted)
            classes[name] = _counts(task, labels, known)
    return {"inputs": inputs, "truth": truth, "classes": classes}


def _of_one_output(study):
    return {name: task for name, task in study.tasks.items() if not isinstance(task.loss, dict)}


def _counts(task, labels, known):
    """How many labels there are of each class."""
    if task.kind == "attributes":
        count = len(task.classes or ()) or (1 if labels.ndim in (1, 3) else labels.shape[-1])
        counts = (known & (labels > 0.5)).reshape(-1, count).sum(axis=0)
    else:
        counts = np.bincount(labels[known].astype(int))
    return counts.tolist()


def _rows(length, most):
    """Numbers of so many rows at most, spread evenly."""
    return np.unique(np.linspace(0, length - 1, min(length, most)).astype(int))


def _inputs(examples, rows):
    return np.asarray(examples.some(rows).x[: len(rows)], "float32")


def _labels(task, values, rows) -> tuple[Array, Array]:
    """Labels of some rows, and which of them are known."""
    labels = np.stack([np.asarray(values[int(row)]) for row in rows])
    if _is_one_hot(task, labels):
        known = np.isfinite(labels).all(axis=-1) & (labels.max(axis=-1) > 0)
        return labels.argmax(axis=-1), known
    if task.kind == "normals":
        return labels, (labels != 0).any(axis=-1) & np.isfinite(labels).all(axis=-1)
    known = np.isfinite(labels) & ~np.isin(labels, task.marks())
    return labels, known


def _is_one_hot(task, labels):
    if task.loss in BY_SHAPES:
        return task.kind == "classes" and labels.ndim > 1 and labels.shape[-1] > 1
    loss = keras.losses.get(task.loss)
    name = getattr(loss, "__name__", type(loss).__name__).lower()
    return "categorical" in name and "sparse" not in name
