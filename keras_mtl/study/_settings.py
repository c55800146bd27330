"""What was compared, with what, and how: in words, for those who look at the results."""

import re

import keras

from keras_mtl.task.heads import made_head

AUTOMATIC = re.compile(r"(functional|sequential|model)(_\d+)?")
"""Names that Keras gives, which differ from run to run."""


def settings_of(study):
    """A dict of dicts of texts."""
    tower = study.tower(0)
    shapes = ["×".join(map(str, x.shape[1:])) for x in tower.model.inputs]
    optimizer = study._optimizer.get_config()
    return {
        "network": {
            **({} if AUTOMATIC.fullmatch(tower.model.name) else {"name": tower.model.name}),
            "input": ", ".join(shapes),
            "parameters": f"{tower.model.count_params():,}",
            "stages end at": ", ".join(tower.stages),
            "weights": {
                "keep": "all seeds start from the backbone's",
                "draw": "each seed draws its own",
            }[study.backbone.weights],
        },
        "data": {
            "examples to learn from": f"{len(study.train):,}",
            "for choices": f"{len(study.validation):,}",
            "for the report": f"{len(study.test):,}",
            "labels to learn from": ", ".join(
                f"{task} {int(known.sum())}" for task, known in study.train.known.items()
            ),
            "augmentation": "none" if study.augment is None else _plain(study.augment),
            "mix": str(study.mix),
        },
        "training": {
            "budget": study.budget_text,
            "first and second part": str(study.budget),
            "seeds": str(study.seeds),
            "optimizer": f"{type(study._optimizer).__name__}, "
            + ", ".join(f"{name} {_plain(value)}" for name, value in optimizer.items() if value),
            "patience": str(study.patience),
        },
        **{f"task {name}": _of_task(task) for name, task in study.tasks.items()},
        "contenders": {each.name: _of_contender(each) for each in study.contenders},
    }


def _of_task(task):
    return {
        "head": type(made_head(task.head, 0)).__name__,
        "loss": _plain(task.loss),
        "metrics": _plain(task.metrics) or "the loss",
        "compared by": ", ".join(f"{name} ({best})" for name, best in task.directions.items()),
        "weight": f"{task.weight:g}",
        **({"classes": ", ".join(task.classes)} if task.classes else {}),
        **({"missing": str(task.missing)} if task.missing is not None else {}),
    }


def _of_contender(contender):
    sharing = contender.sharing
    said = [type(sharing).__name__ if not callable(sharing) else "a sharing of each seed"]
    said.append(f"starts from {contender.start}")
    for name, usual in (("rate", 1.0), ("steps", None), ("members", 1), ("candidates", 1)):
        if getattr(contender, name) != usual:
            said.append(f"{name} {getattr(contender, name)}")
    if contender.balancing is not None:
        config = contender.balancing.get_config().items()
        options = [f"{key} {_plain(value)}" for key, value in config if key != "name"]
        said.append(f"{type(contender.balancing).__name__} ({', '.join(options)})")
    said += [f"{count} labels of {task}" for task, count in contender.labels.items()]
    return ", ".join(said)


def _plain(value):
    """A loss, metric or number by its name."""
    if isinstance(value, dict) and "class_name" in value:
        return value["class_name"]
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, (keras.losses.Loss, keras.metrics.Metric)):
        return type(value).__name__
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return f"{value:g}" if isinstance(value, float) else str(value)
