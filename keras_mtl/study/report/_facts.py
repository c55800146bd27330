"""All that a page says of a study, as plain data for its template."""

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mtl.study._answers import answer, interval, of_twin, others, verdict
from keras_mtl.study._progress import duration
from keras_mtl.study.contender import BASELINE, TWIN
from keras_mtl.study.report import _drawings as drawings
from keras_mtl.study.report._looks import look_at_data, look_at_row
from keras_mtl.study.report._pulls import pulls
from keras_mtl.study.report._svg import PALETTE, slug
from keras_mtl.study.table import ARROWS, basis, score_cells


def facts(found: Any) -> dict[str, Any]:
    """What the template shows.

    Args:
        found: a `Found`, of a `Study` or a `RecordedStudy`.
    """
    study = found.study
    names = [each for each in dict.fromkeys(row.contender for row in study.rows)]
    colours = {name: number % len(PALETTE) for number, name in enumerate(names)}
    looks = {name: look_at_row(study, _row(found, name)) or {} for name in found.scores}
    seconds = {name: _seconds(found, name) for name in found.scores}
    return {
        "tasks": list(study.tasks),
        "basis": basis(study),
        "folder": str(study.folder.resolve()),
        "made": datetime.date.today().isoformat(),
        "answers": [_answer(found, task) for task in (None, *study.tasks)],
        "headings": {
            name: f"{task.heading[0]} {ARROWS[task.better]}" for name, task in study.tasks.items()
        },
        "contenders": [_contender(found, name, colours[name], seconds) for name in names],
        "gains": [_gains(found, task, colours) for task in (None, *study.tasks)],
        "twins": [of_twin(found, name, task) for name, task in found._over_twins],
        "costs": drawings.costs(found, seconds, colours) if found._compared else [],
        "curves": drawings.curves(found, colours),
        "learned": [
            {"name": name, "colour": colours[name], "seed": _row(found, name).seed, **look}
            for name, look in looks.items()
            if look.get("stages") and not name.startswith(TWIN)
        ],
        "pulls": _pulls(found, looks),
        "classes": _classes(found, look_at_data(study)),
        "shown": _shown(found, looks, look_at_data(study)),
        "networks": [_network(found, name) for name in found.scores if not name.startswith(TWIN)],
        "settings": study.settings,
        "versions": study.versions,
        "others": others(found) if found.others else "",
        "looked": any(looks.values()),
    }


def _row(found, name, seed=None):
    """The row of a contender with a seed, the best one if `None`."""
    seed = found.best_seed(name) if seed is None else seed
    rows = ((each.contender, each.seed, each) for each in found.study.rows)
    return next(row for contender, number, row in rows if (contender, number) == (name, seed))


def _seconds(found, name):
    """What training took, by seed, with all that the networks start from."""
    return {
        row.seed: sum(found.study.record_of(each).get("seconds", np.nan) for each in row.trainings)
        for row in found.study.rows
        if row.contender == name and row.seed in found.scores[name]
    }


def _answer(found, task):
    chosen, gaps = found.chosen(task), found.differences(task)
    gap = gaps.get(chosen)
    best = found.best(task)
    subject, _, sentence = answer(found, task).partition(": ")
    # What may be said, in one word, for those who only look.
    word = "own networks" if best == BASELINE else best or "open"
    return {
        "task": task,
        "subject": subject,
        "sentence": sentence[:1].upper() + sentence[1:],
        "best": word,
        "is_open": best is None,
        "gap": gap and interval(gap),
    }


def _contender(found, name, colour, seconds):
    made = {"name": name, "slug": slug(name), "colour": colour, "failed": found.failed.get(name)}
    if made["failed"] or name not in found.scores:
        return made | {"scores": None}
    records = found.scores[name].values()
    gap = found.differences().get(name)
    spent = float(np.mean(list(seconds[name].values())))
    return made | {
        "scores": score_cells(found, name),
        "gap": gap,
        "gain": gap and f"{gap.mean:+z.1f}",
        "interval": f"{gap.low:+z.1f} to {gap.high:+z.1f}" if gap and np.isfinite(gap.low) else "",
        "is_twin": name.startswith(TWIN),
        "verdict": "" if gap is None else verdict(gap),
        "parameters": float(np.mean([each["parameters"] for each in records])),
        "macs": float(np.mean([each["macs"] for each in records])),
        "seconds": spent,
        "time": duration(spent) if np.isfinite(spent) else "",
        "seeds": len(records),
    }


def _gains(found, task, colours):
    """Where the gains of all contenders lie, in % of the width of a panel."""
    gaps = found.differences(task)
    ends = [
        abs(each)
        for gap in gaps.values()
        for each in (gap.mean, gap.low, gap.high)
        if np.isfinite(each)
    ]
    # One interval that says nothing must not press all others together.
    means = [abs(gap.mean) for gap in gaps.values() if np.isfinite(gap.mean)]
    limit = min(max(ends, default=1), 6 * max(means, default=1)) or 1

    def place(value):
        return float(np.clip(50 + 47 * value / limit, 1, 99)) if not np.isnan(value) else None

    bars = [
        {
            "name": name,
            "colour": colours[name],
            "mean": place(gap.mean),
            "low": place(gap.low),
            "high": place(gap.high),
            "known": bool(np.isfinite(gap.low)),
            "text": interval(gap),
            "verdict": verdict(gap),
            "short": f"{gap.mean:+z.1f}",
        }
        for name, gap in gaps.items()
    ]
    return {"subject": task or "all tasks", "bars": bars, "limit": f"{limit:.3g}"}


def _pulls(found, looks):
    """Of the contender that shares most: hard sharing, or whatever has all stages in common."""
    sizes = {
        name: next(iter(found.scores[name].values()))["parameters"]
        for name, look in looks.items()
        if look.get("stages") and not name.startswith(TWIN)
    }
    for name in sorted(sizes, key=sizes.__getitem__):
        row = _row(found, name)
        if len(row.networks) == 1 and (shown := pulls(found.study, row)):
            return shown
    return None


def _classes(found, data):
    """By task a drawing of the gain of each class over the one-task networks, over the seeds."""
    drawn = []
    for task in (data or {}).get("classes", {}):
        name = _leading(found, task)
        if name is None:
            continue
        pairs = [_of_seed(found, seed, task, name) for seed in found.scores[name]]
        pairs = [each for each in pairs if each is not None]
        if pairs:
            drawn.append(drawings.classes(task, name, data["classes"][task], pairs))
    return drawn


def _leading(found, task=None):
    """The contender beside the one-task networks that does best on the validation examples."""
    gains = {each: np.mean(found.gains(each, task, "validation")) for each in found._compared}
    gains = {each: gain for each, gain in gains.items() if np.isfinite(gain)}
    return max(gains, key=gains.__getitem__, default=None)


def _of_seed(found, seed, task, name):
    """The scores of each class of the one-task networks and another contender, and their unit."""
    looks = []
    for contender in (BASELINE, name):
        if seed not in found.scores.get(contender, {}):
            return None
        look = look_at_row(found.study, _row(found, contender, seed)) or {}
        looks.append(look.get("classes", {}).get(task))
    if None in looks:
        return None
    return looks[0]["unit"], looks[0]["scores"], looks[1]["scores"]


def _shown(found, looks, data):
    """Examples beside what is true of them and what networks say."""
    if not data or not data["inputs"]:
        return None
    names = [BASELINE, _leading(found)]
    names = [name for name in names if looks.get(name, {}).get("shown")]
    columns = [
        {"task": task, "of": of, "cells": cells}
        for task, truth in data["truth"].items()
        for of, cells in {"truth": truth, **{n: looks[n]["shown"][task] for n in names}}.items()
    ]
    return {"inputs": data["inputs"], "columns": columns, "each": 1 + len(names)}


def _network(found, name):
    row = _row(found, name)
    taken = found.study.record_of(row)["taken"]
    files = [str(found.study.file_of(each)) for each in row.networks if each.hash in taken]
    return {"name": name, "seed": row.seed, "files": files}


def table_of(matrix: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table of numbers with how strong each is, for its shade."""
    values = np.asarray(matrix["values"], float)
    highest = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 1
    return [
        {
            "name": name,
            "cells": [
                {
                    "text": "–" if np.isnan(value) else f"{value:z.2f}".replace("-", "−"),
                    "share": 0.0
                    if np.isnan(value)
                    else round(float(abs(value) / (highest or 1)), 3),
                    "negative": bool(value < 0),
                }
                for value in row
            ],
        }
        for name, row in zip(matrix["rows"], values, strict=True)
    ]
