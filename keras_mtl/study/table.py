"""What a study has found, as text."""

from typing import Any

import numpy as np

from keras_mtl._text import text_table
from keras_mtl.study._statistics import difference, holm, seeds_needed
from keras_mtl.study.contender import BASELINE

ARROWS = {"higher": "↑", "lower": "↓"}


def table(found: Any) -> str:
    """The scores of all contenders, and in sentences what the seeds bear out."""
    study = found.study
    heading = [
        "",
        *(f"{name} {task.heading[0]} {ARROWS[task.better]}" for name, task in study.tasks.items()),
        *("gain in %", "95 % interval", "", "parameters", "M MACs", "seeds"),
    ]
    lines = [heading]
    overall = found.differences()
    for contender in dict.fromkeys(row.contender for row in study.rows):
        if contender in found.failed:
            lines.append([contender, found.failed[contender]])
        elif contender in found.scores:
            lines.append(_line(found, contender, overall.get(contender)))
    seeds = f"{study.seeds} seed{'s' if study.seeds > 1 else ''}"
    steps = study.budget.first_of(study.tasks) + study.budget.second
    own = [each.name for each in study.contenders if each.steps is not None]
    if own:
        seeds += f" ({', '.join(own)}: steps of their own)"
    parts = [
        f"{steps} steps of {study.batch_size} examples, {seeds}, "
        f"{study.versions['backend']}: test scores, mean ± deviation over the seeds; the gain is "
        "over the one-task networks, the mean over the tasks. Ahead or behind is what a paired t "
        "test bears out, corrected by Holm for all contenders; the intervals are each one's own.",
        text_table(lines),
        "\n".join([_answer(found), *(_answer(found, task) for task in study.tasks)]),
    ]
    shared = [_of_twin(found, name, task) for name, task in found._over_twins]
    if shared:
        parts.append("\n".join(shared))
    if found.others:
        parts.append(
            f"{len(found.others)} further rows in {study.records.path} are of other settings, "
            f"seeds or versions: {_others(found)}."
        )
    return "\n\n".join(parts)


def _line(found, contender, gap):
    records = list(found.scores[contender].values())
    line = [contender]
    for name, task in found.study.tasks.items():
        _, factor = task.heading
        values = [factor * each["test"][name].get(task.headline, np.nan) for each in records]
        line.append(_mean_and_deviation(values))
    if gap is None:
        line += ["", "", ""]
    else:
        interval = f"{gap.low:+.1f} to {gap.high:+.1f}" if np.isfinite(gap.low) else ""
        line += [f"{gap.mean:+.1f}", interval, _verdict(gap)]
    sizes = [np.mean([each[key] for each in records]) for key in ("parameters", "macs")]
    return [*line, f"{sizes[0]:,.0f}", f"{sizes[1] / 1e6:,.1f}", str(len(records))]


def _verdict(gap):
    if gap.pairs < 2:
        return ""
    return "ahead" if gap.ahead else "behind" if gap.behind else "level"


def _answer(found, task=None):
    """The answer for a task, or for all: in one sentence, with what it rests on."""
    subject = "all tasks" if task is None else task
    chosen, best = found.chosen(task), found.best(task)
    if chosen is None:
        return f"{subject}: nothing is compared yet."
    if best == BASELINE:
        return f"{subject}: networks of their own are best; all others are behind them."
    if chosen == BASELINE:
        return (
            f"{subject}: networks of their own are the best on the validation examples; not all "
            "others are behind them as far as the seeds tell."
        )
    gap = found.differences(task)[chosen]
    by = f"{_interval(gap)}, {gap.pairs} seed{'s' if gap.pairs > 1 else ''}"
    if gap.behind:
        return (
            f"{subject}: {chosen}, the best on the validation examples, is behind networks of "
            f"their own on the test examples ({by})."
        )
    if best is None:
        needed = seeds_needed(found.gains(chosen, task), len(found.differences(task)))
        more = "a thousand seeds would not tell" if needed is None else f"about {needed} would tell"
        if gap.pairs < 2:
            more = "one seed says nothing"
        elif not np.isfinite(gap.mean):
            more = "of a score of 0 there is no gain in %"
        elif gap.mean <= 0:
            more = "on the test examples it is no better"
        return (
            f"{subject}: {chosen}, the best on the validation examples, is level with networks of "
            f"their own ({by}); {more}."
        )
    level = _level_with(found, best, task)
    more = f"; level with {', '.join(level)}" if level else ""
    return f"{subject}: {best} is ahead of networks of their own ({by}){more}."


def _level_with(found, best, task):
    """Names of the other contenders that are not told apart from the best one."""
    others = [each for each in found._compared if each != best]
    gaps = holm({each: difference(found.gains(best, task, over=each)) for each in others})
    return [each for each, gap in gaps.items() if not gap.ahead and not gap.behind]


def _of_twin(found, name, task):
    """Whether a soft sharing gains from other tasks."""
    gap = found._over_twins[name, task]
    says = "shares: it is ahead of" if gap.ahead else "is not seen to share: it is level with"
    if gap.behind:
        says = "does not gain from sharing: it is behind"
    return f"{name}, {task}: {says} the same between two towers of {task} ({_interval(gap)})."


def _interval(gap):
    text = f"{gap.mean:+.1f} %"
    if np.isfinite(gap.low):
        text += f", 95 % interval {gap.low:+.1f} to {gap.high:+.1f}"
    return text


def _others(found):
    """What is known of the rows of other settings: how many of which versions."""
    ours, counts = found.study.versions, {}
    for record in found.others:
        theirs = record.get("versions", {})
        changed = [f"{name} {value}" for name, value in theirs.items() if ours.get(name) != value]
        key = " and ".join(changed) or "these versions"
        counts[key] = counts.get(key, 0) + 1
    return "; ".join(f"{count} of {key}" for key, count in counts.items())


def _mean_and_deviation(values):
    text = f"{np.mean(values):.4g}"
    return text if len(values) < 2 else f"{text} ± {np.std(values, ddof=1):.2g}"
