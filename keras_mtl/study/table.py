"""What a study has found, as text."""

from typing import Any

import numpy as np

from keras_mtl._text import text_table
from keras_mtl.study._answers import ends, of_twin, others, verdict

ARROWS = {"higher": "↑", "lower": "↓"}


def table(found: Any) -> str:
    """The scores of all contenders, and in sentences what the seeds bear out."""
    study = found.study
    parts = [
        f"{basis(study)}: test scores, mean ± deviation over the seeds; the gain is over the "
        "one-task networks, the mean over the tasks. Ahead or behind is what a paired t test bears "
        "out, corrected by Holm for all contenders; the intervals are each one's own.",
        text_table([headings(study), *lines(found).values()]),
        "\n".join(map(found.answer, [None, *study.tasks])),
    ]
    shared = [of_twin(found, name, task) for name, task in found._over_twins]
    if shared:
        parts.append("\n".join(shared))
    if found.others:
        parts.append(
            f"{len(found.others)} further rows in {study.records.path} are of other settings, "
            f"seeds or versions: {others(found)}."
        )
    return "\n\n".join(parts)


def headings(study: Any) -> list[str]:
    """What stands above the columns."""
    return [
        "",
        *(f"{name} {task.heading[0]} {ARROWS[task.better]}" for name, task in study.tasks.items()),
        *("gain in %", "95 % interval", "", "parameters", "M MACs", "seeds"),
    ]


def lines(found: Any) -> dict[str, list[str]]:
    """The cells of each contender that has scores, or has failed."""
    overall, cells = found.differences(), {}
    for contender in dict.fromkeys(row.contender for row in found.study.rows):
        if contender in found.failed:
            cells[contender] = [contender, found.failed[contender]]
        elif contender in found.scores:
            cells[contender] = _line(found, contender, overall.get(contender))
    return cells


def _line(found, contender, gap):
    records = list(found.scores[contender].values())
    line = [contender, *score_cells(found, contender).values()]
    if gap is None:
        line += ["", "", ""]
    else:
        line += [f"{gap.mean:+z.1f}", ends(gap), verdict(gap)]
    sizes = [np.mean([each[key] for each in records]) for key in ("parameters", "macs")]
    return [*line, f"{sizes[0]:,.0f}", f"{sizes[1] / 1e6:,.1f}", str(len(records))]


def basis(study: Any) -> str:
    """What the scores of a study rest on: steps, seeds, backend."""
    seeds = f"{study.seeds} seed{'s' if study.seeds > 1 else ''}"
    return f"{study.budget_text}, {seeds}, {study.versions['backend']}"


def score_cells(found: Any, contender: str) -> dict[str, str]:
    """By task: the headline on the test examples, mean ± deviation over the seeds."""
    cells = {}
    for name, task in found.study.tasks.items():
        _, factor = task.heading
        records = found.scores[contender].values()
        values = [factor * each["test"][name].get(task.headline, np.nan) for each in records]
        cells[name] = _mean_and_deviation(values)
    return cells


def _mean_and_deviation(values):
    text = f"{np.mean(values):.4g}"
    return text if len(values) < 2 else f"{text} ± {np.std(values, ddof=1):.2g}"
