"""Where the tasks pull apart: how their gradients lie to each other, stage by stage."""

from typing import Any

import numpy as np

from keras_mtl.gradients import (
    cosine_similarity,
    inner_products,
    task_gradients,
    update_compliance,
)
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.report._kept import kept

BATCHES = 8
"""Of validation examples, by which gradients are compared."""


def pulls(study: AnyStudy, row: Any) -> dict[str, Any] | None:
    """Where the tasks pull apart: how their gradients lie to each other, stage by stage."""
    return kept(
        study, f"gradients of {row.contender}", row.hash, lambda: _pulls(study, row), row.networks
    )


def _pulls(study, row):
    (training,) = study.scored_networks(row)  # Of several candidates one.
    model = study.network(training)
    study.compile(model, training)
    shared = shared_weights(model)
    variables = [variable for of in shared.values() for variable in of]
    batches = study.validation.batches({task: task for task in model.tasks}, study.batch_size)
    products = []
    for number in range(min(BATCHES, len(batches))):
        found = task_gradients(model, batches[number], variables=variables)
        # By variable, and then by stage: the vector of a stage is all of its weights.
        by_variable = inner_products(
            {task: {f"{path}/": g for path, g in of.items()} for task, of in found.items()}
        )
        products.append(
            {
                stage: sum(by_variable[variable.path] for variable in of)
                for stage, of in shared.items()
            }
        )
    cosines = [cosine_similarity(each) for each in products]
    compliance = update_compliance(products)
    tasks = list(model.tasks)
    pairs = [(a, b) for a in range(len(tasks)) for b in range(a)]
    return {
        "contender": row.contender,
        "seed": row.seed,
        "batches": len(products),
        "stages": list(shared),
        "pairs": [f"{tasks[b]}, {tasks[a]}" for a, b in pairs],
        "cosines": [
            [_mean([each[stage][pair] for each in cosines]) for pair in pairs] for stage in shared
        ],
        "compliance": [[float(compliance[stage][pair]) for pair in pairs] for stage in shared],
    }


def shared_weights(model):
    """By stage the trainable weights that several tasks have."""
    found = {}
    for stage in model.stages:
        users = {}
        for task in model.tasks:
            for layer in model.copies(task, stage):
                for variable in layer.trainable_variables:
                    users.setdefault(variable.path, (variable, set()))[1].add(task)
        of_all = [variable for variable, tasks in users.values() if len(tasks) == len(model.tasks)]
        if of_all:
            found[stage] = of_all
    return found


def _mean(values):
    values = [value for value in values if np.isfinite(value)]
    return float(np.mean(values)) if values else float("nan")
