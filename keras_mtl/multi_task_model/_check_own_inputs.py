"""Whether tasks with inputs of their own stay apart."""

import itertools

import keras

from keras_mtl.sharing.plan import StageCall


def check_own_inputs(plan):
    """Raises a `ValueError` if a task's features depend on the input of another one.

    A unit that takes the features of several tasks and keeps them apart says so by
    `mixes_tasks = False`.
    """
    tasks, mixing = list(plan.features), []
    # Of each value the inputs that it depends on: a set, or several of what is one batch.
    needs = {number: [{number}] for number in range(len(tasks))}
    for call in plan.calls:
        if isinstance(call, StageCall):
            made = [needs[call.reads]] * 2
            makes = [call.output, call.shortcut]
        else:
            reads, makes = keras.tree.flatten(call.reads), call.makes
            if call.layer is not None and getattr(plan.units[call.layer], "mixes_tasks", True):
                everything = set().union(*itertools.chain(*(needs[each] for each in reads)))
                made = [[everything]] * len(makes)
                mixing += [call.layer] * (len(everything) > 1)
            elif call.layer is not None:
                made = [needs[each] for each in reads]
            elif len(makes) == 1:
                made = [list(itertools.chain(*(needs[each] for each in reads)))]
            else:
                made = [[each] for each in needs[reads[0]]]
        needs |= {value: of for value, of in zip(makes, made, strict=False) if value is not None}
    if mixing:
        raise ValueError(
            "`own_inputs` must be False with this sharing, which mixes features of several tasks: "
            f"those must be of one input. Received: True, and {mixing[0]!r}."
        )
