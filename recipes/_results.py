"""What a table says of the networks of a row."""

import math
import subprocess
from pathlib import Path

import keras
import numpy as np
from keras import ops

import keras_mtl
from keras_mtl import MultiTaskModel
from keras_mtl.layers import CrossStitch
from keras_mtl.study.row import with_all_before

REPOSITORY = Path(__file__).resolve().parent.parent


def entry_of(run, row, record, networks):
    """The scores of a row and seed, what its networks cost and have learned, and their origin."""
    study, problem = run.study, run.recipe.problem
    entry = problem.entry(by_own_names(record["test"]))
    if record["validation"]:
        of_validation = problem.entry(by_own_names(record["validation"]))
        entry["validation"] = {
            task: {name: of_validation[task][name] for name in problem.compared(task)}
            for task in of_validation
        }
    # Of networks that several rows start from in each of them.
    trained = [study.record_of(each)["seconds"] for each in with_all_before(row.networks)]
    sizes = {name: record[name] for name in ("parameters", "macs")}
    seconds = round(sum(trained) + record["seconds"], 1)
    return {**entry, **sizes, **_learned(networks), "seconds": seconds, **provenance()}


def provenance():
    """What produced a result: backend, versions and commit."""
    return {
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "commit": _commit(),
    }


def by_own_names(scores):
    """Scores without the names of their tasks, those of classes in a list."""
    return {
        task: _of_task(task, values) if isinstance(values, dict) else values
        for task, values in scores.items()
    }


def _of_task(task, values):
    scores, classes = {}, {}
    for name, value in values.items():
        name = name.removeprefix(f"{task}_")
        if name.startswith("iu_of_"):
            classes[int(name.removeprefix("iu_of_"))] = None if math.isnan(value) else value
        elif name != "loss":
            scores[name] = value
    of_classes = [value for _, value in sorted(classes.items())]
    return {**scores, **({"per_class_iu": of_classes} if classes else {})}


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
