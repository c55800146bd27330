"""The curves and points of a page."""

from typing import Any

import numpy as np

from keras_mtl import plots
from keras_mtl.plots import pyplot
from keras_mtl.study.contender import BASELINE
from keras_mtl.study.report._svg import slug, svg

SIZE = 4.6, 3.1
"""Inches of a drawing: it stands unscaled on a narrow screen, several beside each other elsewhere.
"""

MOST_CLASSES = 16
"""Above which a drawing of classes is twice as wide."""


def costs(found: Any, seconds: Any, colours: Any) -> list[str]:
    """The gain of each contender against what it costs: points, and the front of the best."""
    sizes = {
        "parameters": lambda name: _mean(found, name, "parameters"),
        "multiply-accumulates": lambda name: _mean(found, name, "macs"),
        "seconds of training": lambda name: float(np.mean(list(seconds[name].values()))),
    }
    return [_cost(found, unit, size, colours) for unit, size in sizes.items()]


def _mean(found, name, key):
    return float(np.mean([each[key] for each in found.scores[name].values()]))


def _cost(found, unit, size, colours):
    figure, axes = pyplot().subplots(figsize=SIZE)
    points = {name: (size(name), found.gains(name)) for name in found._compared}
    points[BASELINE] = size(BASELINE), np.zeros(1)
    points = {
        name: each
        for name, each in points.items()
        if np.isfinite(each[0]) and np.isfinite(each[1]).all()
    }
    # All names, so that colours are those of the page.
    series = {name: [points[name]] if name in points else [] for name in colours}
    plots.performance_by_size(axes, series, xlabel=unit, interval=True)
    for container in axes.containers:
        for artist in container.get_children():
            artist.set_gid(f"{slug(unit)}--{slug(container.get_label())}")
    front = _front([(at, np.mean(gains)) for at, gains in points.values()])
    axes.step(*np.transpose(front), where="post", color="0.6", linewidth=1, zorder=0)
    axes.axhline(0, color="0.6", linewidth=0.8, linestyle=":")
    if axes.get_legend():
        axes.get_legend().remove()
    axes.set_ylabel("gain over one-task in %")
    axes.spines[["top", "right"]].set_visible(False)
    tips = {
        f"{slug(unit)}--{slug(name)}": f"{name}: {np.mean(gains):+.1f} %, {at:,.0f} {unit}"
        for name, (at, gains) in points.items()
    }
    return svg(figure, f"cost-{slug(unit)}", f"gain against {unit}", tips)


def _front(points):
    """Those with a gain that no cheaper one has."""
    front = []
    for point in sorted(points, key=lambda each: (each[0], -each[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front


def curves(study: Any, rows: Any, colours: Any) -> str | None:
    """The joint loss of each contender's networks while they learned, the mean over its rows."""
    from matplotlib.ticker import LogFormatter

    figure, axes = pyplot().subplots(figsize=(2 * SIZE[0], 1.2 * SIZE[1]))
    tips = {}
    for name, of_name in rows.items():
        of_seeds = [each for each in (_curve(study, row) for row in of_name) if each is not None]
        if not of_seeds:
            continue
        steps = of_seeds[0][0]
        mean = np.mean([np.interp(steps, *each) for each in of_seeds], axis=0)
        part = f"loss--{slug(name)}"
        axes.plot(steps, mean, color=f"C{colours[name]}", linewidth=1.6, gid=part)
        tips[part] = f"{name}: {mean[-1]:.4g} at the end"
    if not tips:
        pyplot().close(figure)
        return None
    if min(line.get_ydata().min() for line in axes.lines) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter())
    axes.set(xlabel="step", ylabel="loss on the training examples, all tasks")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return svg(figure, "curves", "loss by step of each contender", tips)


def _curve(study, row):
    """Steps and losses of the networks of a row, behind those of what they start from."""
    known = {each.hash: each for each in row.trainings}
    before = [known[getattr(of, "hash", of)] for each in row.networks for of in each.start]
    steps, losses = [], []
    for part in (before, row.networks):
        found = _summed(study, {each.hash: each for each in part}.values())
        if found is None:
            return None
        steps.append(found[0] + (steps[-1][-1] if steps and len(steps[-1]) else 0))
        losses.append(found[1])
    return np.concatenate(steps), np.concatenate(losses)


def _summed(study, trainings):
    """The losses of networks of different tasks add up; those of several of one are averaged."""
    by_outputs = {}
    for each in trainings:
        record = study.record_of(each)
        if not record.get("loss") or "epoch_steps" not in record:
            return None  # It has failed, or is of an older version.
        epochs = 1 + np.arange(len(record["loss"]))
        ends = np.minimum(epochs * record["epoch_steps"], record["steps"])
        by_outputs.setdefault(tuple(map(str, each.outputs)), []).append((ends, record["loss"]))
    if not by_outputs:
        return np.empty(0), np.empty(0)
    steps = next(iter(by_outputs.values()))[0][0]
    means = [
        np.mean([np.interp(steps, *each) for each in of_one], axis=0)
        for of_one in by_outputs.values()
    ]
    return steps, np.sum(means, axis=0)


def classes(task: str, name: str, names: Any, counts: Any, pairs: Any) -> dict[str, Any]:
    """The gain of each class of a task over the one-task networks, against its number of labels."""
    unit = pairs[0][0]
    gains = np.array([np.subtract(ours, theirs) for _, theirs, ours in pairs], float)
    known = np.isfinite(gains).any(axis=0)
    mean = np.full(gains.shape[1], np.nan)
    mean[known] = np.nanmean(gains[:, known], axis=0)
    many = len(mean) > MOST_CLASSES
    figure, axes = pyplot().subplots(figsize=(SIZE[0] * (1 + many), SIZE[1]))
    names = [*names, *map(str, range(len(names), len(mean)))][: len(mean)]
    names = [each if len(each) < 18 else f"{each[:16]}…" for each in names]
    counts = [*counts, *[0] * len(mean)][: len(mean)]
    plots.gain_per_class(axes, names, mean, counts, unit=unit)
    part = f"classes-{slug(task)}"
    alt = f"gain of {name} in {unit} by class of {task}"
    return {"task": task, "name": name, "many": many, "svg": svg(figure, part, alt)}
