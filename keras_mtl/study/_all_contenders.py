"""The contenders of a study: those that were asked for, and those that come of themselves."""

from collections.abc import Sequence

import keras

from keras_mtl import balancing
from keras_mtl._checks import check_choice
from keras_mtl.sharing import AdaShared
from keras_mtl.study._optimizer import has_loss_scale
from keras_mtl.study.contender import AND, BASELINE, Contender
from keras_mtl.study.contenders import automatic, one_task, with_balancing

STARTS = ("tower", "one-task")
BALANCINGS = {
    name: getattr(balancing, name)
    for name in balancing.__all__
    if name not in ("Balancing", "GradientBalancing", "LossBalancing", "Seen")
    # What else cannot be made without arguments.
    and name not in ("FixedWeights", "Smoothed")
}
"""Those that a name is enough for."""


def all_contenders(study, contenders):
    """Those that were asked for, behind the baseline, and behind them their twins."""
    if isinstance(contenders, Contender) or not isinstance(contenders, (str, Sequence)):
        raise TypeError(
            f"`contenders` must be a list of Contenders, or 'auto'. Received: {contenders!r}."
        )
    if isinstance(contenders, str):
        check_choice("contenders", contenders, ("auto",))
        contenders = automatic(study.tower(0), len(study.tasks))
    elif any(isinstance(each, str) for each in contenders):
        contenders = _by_name(contenders, automatic(study.tower(0), len(study.tasks)))
    chosen = {}
    for each in contenders:
        if not isinstance(each, Contender):
            raise TypeError(
                "`contenders` must be a list of Contenders, such as "
                f"`keras_mtl.study.cross_stitch()`. Received: {each!r}."
            )
        _check_contender(study, each)
        if each.name in chosen:
            raise ValueError(f"`contenders` must have names of their own. Twice: {each.name}.")
        chosen[each.name] = each
    baseline = chosen.pop(BASELINE, one_task())
    if not baseline.apart or baseline.members > 1:
        raise ValueError(
            f"`contenders`: {BASELINE!r} is the name of the baseline, a network for each task. "
            f"Received: {baseline!r}."
        )
    chosen = {BASELINE: baseline, **chosen}
    twins = [each.twin_of_it() for each in chosen.values() if each.soft]
    return [*chosen.values(), *twins]


def _classes_of(method):
    """Those of a balancing, and of one that it smooths, by their names."""
    return {type(each).__name__: type(each) for each in (method, getattr(method, "method", None))}


def _by_name(contenders, known):
    """Those of a list, in which names stand for ready ones."""
    ready = {each.name: each for each in [one_task(), *known]}

    def named(text):
        """Such as "hard sharing", or "hard sharing + PCGrad"."""
        name, _, method = text.partition(AND)
        check_choice("contenders", name, ready)
        if not method:
            return ready[name]
        check_choice(f"contenders: the balancing of {text!r}", method, BALANCINGS)
        return with_balancing(ready[name], BALANCINGS[method]())

    return [named(each) if isinstance(each, str) else each for each in contenders]


def _check_contender(study, contender):
    """Raises an error if what is a contender's own does not go with the rest."""
    unknown = sorted(set(contender.heads) - set(study.tasks))
    if unknown:
        raise ValueError(
            f"`heads` of {contender.name!r} must be of the tasks {list(study.tasks)}. "
            f"Received: {unknown}."
        )
    there_are = {task: int(known.sum()) for task, known in study.train.known.items()}
    if any(count > there_are.get(task, 0) for task, count in contender.labels.items()):
        raise ValueError(
            f"`labels` of {contender.name!r} must be at most as many as there are, {there_are}. "
            f"Received: {dict(contender.labels)}."
        )
    if contender.balancing is not None:
        method = contender.balancing
        # A copy: what it makes for the tasks is of one network.
        with keras.saving.custom_object_scope(_classes_of(method)):
            type(method).from_config(method.get_config()).watch(list(study.tasks))
    check_choice(f"start of {contender.name!r}", contender.start, [*STARTS, *study.auxiliary])
    budget = contender.budget(study)
    budget.check(study.tasks)
    if contender.start != "tower" and not budget.first_of(study.tasks):
        raise ValueError(
            f"`start` of {contender.name!r} must be 'tower' in a budget without a first part. "
            f"Received: start={contender.start!r}."
        )
    if isinstance(contender.search, AdaShared) and not budget.first_of(study.tasks):
        raise ValueError(
            f"`search` of {contender.name!r} must be a PolicySearch in a budget without a first "
            "part. Received: an AdaShared."
        )
    if contender.search is not None and has_loss_scale(contender.optimizer or study._optimizer):
        raise ValueError(
            f"`optimizer` of {contender.name!r}, which learns by turns, must not be a "
            "LossScaleOptimizer. Received: one."
        )
    made = [] if contender.callbacks is None else contender.callbacks()
    if not isinstance(made, (list, tuple)) or not all(
        isinstance(each, keras.callbacks.Callback) for each in made
    ):
        raise TypeError(
            f"`callbacks` of {contender.name!r} must return a list of Keras callbacks. "
            f"Received: one that returns {made!r}."
        )
    rates = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)
    if budget.annealed and any(isinstance(each, rates) for each in made):
        raise ValueError(
            f"`callbacks` of {contender.name!r} must leave the rate alone, which rises and "
            "falls in an annealed budget; take `steps=Budget(…, annealed=False)`. "
            f"Received: {made!r}."
        )
