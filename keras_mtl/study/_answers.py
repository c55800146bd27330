"""What the seeds of a study bear out, in sentences."""

import numpy as np

from keras_mtl.study._statistics import difference, holm, seeds_needed
from keras_mtl.study.contender import BASELINE


def verdict(gap):
    """In a word; none of a single seed."""
    if gap.pairs < 2:
        return ""
    return "ahead" if gap.ahead else "behind" if gap.behind else "level"


def answer(found, task=None):
    """The answer for a task, or for all, behind its name."""
    return f"{task or 'all tasks'}: {sentence(found, task)}"


def sentence(found, task=None):
    """The answer for a task, or for all: in one sentence, with what it rests on."""
    chosen, best = found.chosen(task), found.best(task)
    if chosen is None:
        return "nothing is compared yet."
    if best == BASELINE:
        return "networks of their own are best; all others are behind them."
    if chosen == BASELINE:
        return (
            "networks of their own are the best on the validation examples; not all "
            "others are behind them as far as the seeds tell."
        )
    gap = found.differences(task)[chosen]
    by = f"{interval(gap)}, {gap.pairs} seed{'s' if gap.pairs > 1 else ''}"
    if gap.behind:
        return (
            f"{chosen}, the best on the validation examples, is behind networks of "
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
            f"{chosen}, the best on the validation examples, is level with networks of "
            f"their own ({by}); {more}."
        )
    level = _level_with(found, best, task)
    more = f"; level with {', '.join(level)}" if level else ""
    return f"{best} is ahead of networks of their own ({by}){more}."


def _level_with(found, best, task):
    """Names of the other contenders that are not told apart from the best one."""
    others = [each for each in found._compared if each != best]
    gaps = holm({each: difference(found.gains(best, task, over=each)) for each in others})
    return [each for each, gap in gaps.items() if not gap.ahead and not gap.behind]


def of_twin(found, name, task):
    """Whether a soft sharing gains from other tasks."""
    gap = found._over_twins[name, task]
    says = "shares: it is ahead of" if gap.ahead else "is not seen to share: it is level with"
    if gap.behind:
        says = "does not gain from sharing: it is behind"
    return f"{name}, {task}: {says} the same between two towers of {task} ({interval(gap)})."


def interval(gap):
    """A mean difference with its interval, if that is known."""
    return f"{gap.mean:+z.1f} %" + (f", 95 % interval {ends(gap)}" if ends(gap) else "")


def ends(gap):
    """Those of the interval; empty if they are not known."""
    return f"{gap.low:+z.1f} to {gap.high:+z.1f}" if np.isfinite(gap.low) else ""


def others(found):
    """What is known of the rows of other settings: how many of which versions."""
    ours, counts = found.study.versions, {}
    for record in found.others:
        theirs = record.get("versions", {})
        changed = [f"{name} {value}" for name, value in theirs.items() if ours.get(name) != value]
        key = " and ".join(changed) or "these versions"
        counts[key] = counts.get(key, 0) + 1
    return "; ".join(f"{count} of {key}" for key, count in counts.items())
