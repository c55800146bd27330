"""Whether targets fit the heads of a multi-task model."""

import numpy as np


def check_targets(model, targets):
    """Raises a `ValueError` unless targets that are in memory fit a multi-task model's heads.

    Args:
        model: the `MultiTaskModel`.
        targets: what `fit` got as `y`, or as a part of its data.
    """
    outputs = {name: task for task in model.tasks for name in model.outputs_of(task)}
    if not isinstance(targets, dict):
        if targets is not None and len(outputs) > 1:
            raise ValueError(
                f"`y` must be a dict by the task names {list(outputs)}. "
                f"Received: y of type {type(targets).__name__}."
            )
        return
    unknown = sorted(set(targets) - set(outputs))
    if unknown:
        raise ValueError(f"`y` has unknown tasks {unknown}. Known tasks: {list(outputs)}.")
    losses = model.loss if isinstance(model.loss, dict) else {}
    missing = [name for name, loss in losses.items() if loss and name not in targets]
    if missing:
        raise ValueError(
            f"`y` must have targets for {missing}, for which the model is compiled with a "
            f"loss. Received: {sorted(targets)}."
        )
    for output, target in targets.items():
        task = outputs[output]
        check = getattr(model.head(task), "check_targets", None)
        if check is None or not isinstance(target, np.ndarray):
            continue
        key = {} if output == task else {"output": output.removeprefix(f"{task}_")}
        check(target, name=f"y[{output!r}]", **key)
