"""What a sharing has learned beside the weights of its stages."""

from typing import Any

import numpy as np
from keras import ops

from keras_mtl.layers import CrossStitch, ModulationGate
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.tree_of_tasks import TreeOfTasks, tree_report


def learned(study: AnyStudy, training: Any, model: MultiTaskModel) -> list[dict[str, Any]]:
    """Tables of numbers: alphas, gates, policies, and the affinities that a tree was chosen by."""
    tables, tasks = [], list(model.tasks)
    if isinstance(training.sharing, TreeOfTasks):
        report = tree_report(study, training.chosen_from, training.sharing.locations)
        for location, affinity in zip(report.locations, report.affinity, strict=True):
            title = f"affinity of the one-task networks at {location}"
            tables.append(_table(title, report.tasks, report.tasks, affinity))
    for stage, unit in model.units.items():
        if isinstance(unit, CrossStitch):
            alpha = ops.convert_to_numpy(unit.alpha)
            means = alpha.mean(axis=-1) if alpha.ndim == 3 else alpha
            tables.append(_table(f"alphas behind {stage}", tasks, tasks, means))
        elif isinstance(unit, ModulationGate) and unit.per_channel:
            gates = np.maximum(ops.convert_to_numpy(unit.gate), 0 if unit.relu else -np.inf)
            open_, mean = (gates > 0).mean(axis=-1), gates.mean(axis=-1)
            cells = np.stack([mean, gates.std(axis=-1), open_], axis=-1)
            columns = ["mean", "deviation", "share open"]
            tables.append(_table(f"gates behind {stage}", tasks, columns, cells))
    skipped = {task: model.plan.skipped(task) for task in tasks}
    blocks = [stage for stage in model.stages if any(stage in of for of in skipped.values())]
    if blocks:
        executed = [[stage not in skipped[task] for stage in blocks] for task in tasks]
        tables.append(_table("blocks that not all tasks execute", tasks, blocks, executed))
    return tables


def _table(title, rows, columns, values):
    return {
        "title": title,
        "rows": list(rows),
        "columns": list(columns),
        "values": np.round(np.asarray(values, float), 3).tolist(),
    }
