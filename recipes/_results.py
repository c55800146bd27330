"""What a table says of the networks of a row."""

import statistics
import subprocess
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

import keras_mtl
from keras_mtl import MultiTaskModel
from keras_mtl.layers import CrossStitch
from keras_mtl.search import task_costs
from keras_mtl.study.row import with_all_before

REPOSITORY = Path(__file__).resolve().parent.parent
ROUNDS, IMAGES = 9, 8
"""How often networks are timed, and on how many images at once."""


def entry_of(run, row, record, networks):
    """The scores of a row and seed, what its networks cost and have learned, and their origin."""
    study, problem = run.study, run.recipe.problem
    entry = problem.entry(record["test"])
    if record["validation"]:
        entry["validation"] = problem.compared(problem.entry(record["validation"]))
    if run.recipe.also is not None:
        for task, scores in run.recipe.also(run, row).items():
            entry[task].update(scores)
    # Of networks that several rows start from in each of them.
    trained = [study.record_of(each)["seconds"] for each in with_all_before(row.networks)]
    sizes = {name: record[name] for name in ("parameters", "macs")}
    seconds = round(sum(trained) + record["seconds"], 1)
    return {**entry, **sizes, **_learned(networks), "seconds": seconds, **provenance()}


def add_times(run):
    """Adds to the results, of the first seed's networks, milliseconds an image and MACs by task."""
    rows = run.results["rows"]
    models = {row: run.networks(row) for row in rows if run.has(row)}
    images = np.asarray(run.study.test.first(IMAGES))
    times = {row: [] for row in models}
    # In turns, so that what slows the machine slows all rows.
    for number in range(ROUNDS + 1):
        for row, of_row in models.items():
            started = time.perf_counter()
            for model in of_row:
                model.predict_on_batch(images)
            if number:  # The first round compiles.
                times[row].append(time.perf_counter() - started)
    for row, of_row in models.items():
        costs = [each.macs for model in of_row for each in task_costs(model).values()]
        rows[row]["task_macs"] = sum(costs)
        rows[row]["inference_ms"] = 1000 * statistics.median(times[row]) / len(images)


def provenance():
    """What produced a result: backend, versions and commit."""
    return {
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "commit": _commit(),
    }


def _learned(models):
    """What networks have learned to share, as far as a table shows it."""
    of_tasks = [model for model in models if isinstance(model, MultiTaskModel)]
    units = {
        stage: _alpha_summary(unit)
        for model in of_tasks
        for stage, unit in model.units.items()
        if isinstance(unit, CrossStitch)
    }
    trees = [model.get_config()["sharing"]["config"].get("tree") for model in of_tasks]
    trees = [tree for tree in trees if tree is not None]
    return ({"alphas": units} if units else {}) | ({"trees": trees} if trees else {})


def _alpha_summary(unit):
    alpha = ops.convert_to_numpy(unit.alpha)
    alpha = alpha.reshape(*alpha.shape[:2], -1)
    same, different = unit.initial_alpha
    start = np.where(np.eye(len(alpha)), same, different / (len(alpha) - 1))
    return {
        "moved": float(np.abs(alpha - start[..., None]).mean()),
        "mean": alpha.mean(-1).tolist(),
    }


def _commit():
    """The commit of the repository, or the version of what is installed."""
    if not (REPOSITORY / ".git").exists():
        # Git would find whose folder the installation is in.
        return keras_mtl.__version__
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
