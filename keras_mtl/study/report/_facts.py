"""All that a page says of a study, as plain data for its template."""

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mtl.study._answers import ends, interval, of_twin, others, sentence, verdict
from keras_mtl.study._work import duration
from keras_mtl.study.contender import AND, BASELINE, TWIN
from keras_mtl.study.report import _drawings as drawings
from keras_mtl.study.report._kept import UNSEEN
from keras_mtl.study.report._looks import COUNTED, SCORED, look_at_data, look_at_row
from keras_mtl.study.report._pulls import pulls
from keras_mtl.study.report._svg import PALETTE, style
from keras_mtl.study.table import ARROWS, basis, score_cells


def facts(found: Any) -> dict[str, Any]:
    """What the template shows.

    What cannot be looked at or drawn is left out, and named: it must not cost the page.

    Args:
        found: a `Found`, of a `Study` or a `RecordedStudy`.
    """
    with style():
        return _facts(found)


def _facts(found):
    study, unseen = found.study, []

    def looked(look, *arguments):
        result = look(*arguments) or {}
        if UNSEEN in result:
            unseen.append(result[UNSEEN])
            return {}
        return result

    def drawn(draw, *arguments):
        try:
            return draw(*arguments)
        except Exception as error:
            unseen.append(f"{draw.__name__}: {type(error).__name__}: {str(error)[:300]}")
            return []

    names = list(dict.fromkeys(row.contender for row in study.rows))
    colours = {name: number % len(PALETTE) for number, name in enumerate(names)}
    seconds = {name: _seconds(found, name) for name in found.scores}
    rows = {name: _row(found, name) for name in found.scores}
    looks = {name: looked(look_at_row, study, row) for name, row in rows.items()}
    data = looked(look_at_data, study)
    of_classes = {
        name: {
            row.seed: looks[name] if row is rows[name] else looked(look_at_row, study, row)
            for row in _rows(found, name)
        }
        for name in _with_classes(found, data)
    }
    shared = _most_shared(found, looks)
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
        "gains": [_gains(found, task) for task in (None, *study.tasks)],
        "balancings": _balancings(found),
        "twins": [of_twin(found, name, task) for name, task in found._over_twins],
        "costs": drawn(drawings.costs, found, seconds, colours) if found._compared else [],
        "curves": drawn(drawings.curves, study, _learning(found), colours),
        "learned": [
            {"name": name, "colour": colours[name], "seed": rows[name].seed, **look}
            for name, look in looks.items()
            if look.get("stages") and not name.startswith(TWIN)
        ],
        "pulls": looked(pulls, study, rows[shared]) if shared else {},
        "classes": drawn(_classes, found, data, of_classes),
        "shown": _shown(found, looks, data),
        "networks": [_network(found, name) for name in found.scores if not name.startswith(TWIN)],
        "settings": study.described(),
        "versions": study.versions,
        "others": others(found) if found.others else "",
        "unseen": unseen,
        "scored": SCORED,
        "counted": COUNTED,
    }


def _rows(found, name):
    """The rows of a contender that have been scored."""
    return [
        row
        for row in found.study.rows
        if row.contender == name and row.seed in found.scores.get(name, {})
    ]


def _row(found, name):
    """The row of a contender with its best seed."""
    best = found.best_seed(name)
    return next(row for row in _rows(found, name) if row.seed == best)


def _seconds(found, name):
    """What training took, by seed, with all that the networks start from."""
    return {
        row.seed: sum(found.study.record_of(each).get("seconds", np.nan) for each in row.trainings)
        for row in _rows(found, name)
    }


def _learning(found):
    """The rows of each contender whose curve is drawn."""
    names = [name for name in found.scores if name not in found.failed]
    return {name: _rows(found, name) for name in names if not name.startswith(TWIN)}


def _answer(found, task):
    best = found.best(task)
    text = sentence(found, task)
    return {
        "task": task,
        "sentence": text[:1].upper() + text[1:],
        # What may be said, in a word, for those who only look.
        "best": "networks of their own" if best == BASELINE else best,
    }


def _contender(found, name, colour, seconds):
    made = {"name": name, "colour": colour, "failed": found.failed.get(name)}
    if made["failed"] or name not in found.scores:
        return made | {"scores": None}
    records = found.scores[name].values()
    gap = found.differences().get(name)
    spent = float(np.mean(list(seconds[name].values())))
    return made | {
        "scores": score_cells(found, name),
        "gap": gap,
        "gain": gap and f"{gap.mean:+z.1f}",
        "interval": gap and ends(gap),
        "is_twin": name.startswith(TWIN),
        "verdict": "" if gap is None else verdict(gap),
        "parameters": float(np.mean([each["parameters"] for each in records])),
        "macs": float(np.mean([each["macs"] for each in records])),
        "seconds": spent,
        "time": duration(spent) if np.isfinite(spent) else "",
        "seeds": len(records),
    }


def _gains(found, task):
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


def _balancings(found):
    """The gains of all tasks by sharing and balancing, or `None` if there are no balancings."""
    gains = {name: gap.mean for name, gap in found.differences().items()}
    pairs = {name: name.partition(AND)[::2] for name in gains}
    columns = [*dict.fromkeys(method for _, method in pairs.values() if method)]
    if not columns:
        return None
    rows = [*dict.fromkeys(sharing for sharing, method in pairs.values() if method)]
    found_at = {pair: gains[name] for name, pair in pairs.items()}
    values = [[found_at.get((row, method), np.nan) for method in ("", *columns)] for row in rows]
    return {"rows": rows, "columns": ["plain", *columns], "values": values}


def _most_shared(found, looks):
    """The contender whose one network is the smallest: hard sharing, or what comes next to it."""
    sizes = {
        name: next(iter(found.scores[name].values()))["parameters"]
        for name, look in looks.items()
        if look.get("shares")
    }
    return min(sizes, key=sizes.__getitem__, default=None)


def _with_classes(found, data):
    """Those whose classes are compared: one-task, and what does best in tasks that have some."""
    leading = {_leading(found, task) for task in data.get("classes", {})} - {None}
    return [BASELINE, *sorted(leading)] if leading else []


def _classes(found, data, looks):
    """By task a drawing of the gain of each class over the one-task networks, over the seeds."""
    drawn = []
    for task, counts in data.get("classes", {}).items():
        name = _leading(found, task)
        pairs = []
        for seed in looks.get(name, {}):
            theirs, ours = (
                looks[each].get(seed, {}).get("classes", {}).get(task) for each in (BASELINE, name)
            )
            if theirs and ours:
                pairs.append((theirs["unit"], theirs["scores"], ours["scores"]))
        if pairs:
            names = found.study.tasks[task].classes or ()
            drawn.append(drawings.classes(task, name, names, counts, pairs))
    return drawn


def _leading(found, task=None):
    """The contender beside the one-task networks that does best on the validation examples."""
    gains = {each: np.mean(found.gains(each, task, "validation")) for each in found._compared}
    gains = {each: gain for each, gain in gains.items() if np.isfinite(gain)}
    return max(gains, key=gains.__getitem__, default=None)


def _shown(found, looks, data):
    """Examples beside what is true of them and what networks say."""
    if not data.get("inputs"):
        return None
    names = [BASELINE, _leading(found)]
    names = [name for name in names if looks.get(name, {}).get("shown")]
    columns = [
        {"task": task, "of": of, "cells": cells}
        for task, truth in data["truth"].items()
        if all(task in looks[name]["shown"] for name in names)
        for of, cells in {"truth": truth, **{n: looks[n]["shown"][task] for n in names}}.items()
    ]
    return {"inputs": data["inputs"], "columns": columns, "each": 1 + len(names)}


def _network(found, name):
    row = _row(found, name)
    files = [str(found.study.file_of(each)) for each in found.study.scored_networks(row)]
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
