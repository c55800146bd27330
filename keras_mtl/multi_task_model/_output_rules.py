"""By what each output of a model is learned and scored, and what marks labels of it as missing."""

import dataclasses

import keras

from keras_mtl.losses import KnownLoss
from keras_mtl.losses._kind_of import kind_of, marks_of
from keras_mtl.losses.known_loss import known
from keras_mtl.metrics import KnownMetric


@dataclasses.dataclass(frozen=True)
class OutputRule:
    """What holds for one output.

    Attributes:
        losses: list of `KnownLoss`es, empty if it has none.
        kind: what it is, as of `keras_mtl.Task`.
        missing: numbers that have been said to mark a label as not known, or `None`.
        marks: all that do, beside NaN.
    """

    losses: list[KnownLoss]
    kind: str
    missing: tuple[float, ...] | None
    marks: tuple[float, ...]


def output_rules(model, loss):
    """The rule of each output, by its name; `loss` as `compile` takes it."""
    rules = {}
    for name in model.tasks:
        task, head = model.task(name), model.head(name)
        for output, key in model._keys(name).items():
            given = _of_output(loss, output)
            several = given if isinstance(given, (list, tuple)) else [given]
            several = [each for each in several if each is not None]
            first = several[0] if several else None
            inner = first.loss if isinstance(first, KnownLoss) else first
            kind = task.kind if task and key is None else getattr(head, "kind", None)
            if kind is None or key is not None:
                kind = "numbers" if inner is None else kind_of(inner)
            missing = task.missing_of(key) if task else None
            if isinstance(first, KnownLoss) and first.missing is not None:
                missing = tuple(first.missing)
            marks = marks_of(inner, kind, missing)
            losses = [known(each, kind, missing) for each in several]
            rules[output] = OutputRule(losses, kind, missing, marks)
    return rules


def weights_by_output(losses, loss_weights):
    """The weight of each output's loss, if it has one."""
    if isinstance(loss_weights, dict):
        return loss_weights
    if isinstance(loss_weights, (list, tuple)):
        loss_weights = loss_weights[0]
    return {} if loss_weights is None else dict.fromkeys(losses, loss_weights)


def known_metrics(rules, metrics):
    """Metrics, as `compile` takes them, over what is known."""
    if not metrics:
        return metrics
    return {name: _known(rule, _of_output(metrics, name)) for name, rule in rules.items()}


def _known(rule, metrics):
    return [
        each if isinstance(each, KnownMetric) else KnownMetric(each, rule.marks)
        for each in keras.tree.flatten(metrics)
        if each is not None
    ]


def _of_output(given, output):
    """What `compile` is given for an output: by its name, or for a single one as it is."""
    return given.get(output) if isinstance(given, dict) else given
