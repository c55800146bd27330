"""How many steps networks can have in the time that there is."""

import json
import math
import tempfile
from pathlib import Path

from keras_mtl._files import file_of, whole_file
from keras_mtl.cli._errors import UsageError
from keras_mtl.study._work import work_in_steps, work_once

LEAST, GROWTH = 10, 4
"""Steps of the first network that is timed, and of each next one so many times as many."""
ENOUGH = 2
"""Seconds that a network takes longer than the first one, at least, to tell what steps take."""


def steps_within(minutes, declare, folder):
    """The steps of each network, from the time that one of them takes here, and how they are known.

    What was found once stays in the folder: with other steps all would be trained anew.

    Args:
        minutes: for all networks, one after the other.
        declare: function of steps and a folder that returns a `Study`.
        folder: where the study is to be.

    Returns:
        A pair: an integer, and whether it was known from before.

    Raises:
        UsageError: networks would hardly have begun to learn.
    """
    study = declare(LEAST, folder)  # It is refused here if the folder holds another one.
    path = Path(folder) / "minutes.json"
    known = {}
    if path.exists():
        with file_of("a study", path, "--folder must hold"):
            known = json.loads(path.read_text())
    # More seeds and contenders go on with the same steps; another tower is timed anew.
    key = f"{minutes:g} minutes, {study.context}"
    if key in known:
        return known[key], True
    known[key] = _fitting(60 * minutes, study, declare)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(known, indent=1) + "\n")
    return known[key], False


def _fitting(seconds, study, declare):
    """So many that what all cost once, and what they cost by the step, take so long."""
    first = _timed(declare, LEAST)
    steps = GROWTH * LEAST
    while (last := _timed(declare, steps)) - first < ENOUGH:
        steps *= GROWTH
    a_step = (last - first) / (steps - LEAST)
    once = max(0.0, first - LEAST * a_step)
    timed, jobs = study.waiting()[0], study.waiting()
    once *= sum(work_once(study, job) for job in jobs) / work_once(study, timed)
    # In proportion to `LEAST` steps of all networks, that the study has, and of the one.
    a_step *= sum(work_in_steps(study, job) for job in jobs) / LEAST
    a_step /= work_in_steps(study, timed) / timed.steps
    if seconds < once + LEAST * a_step:
        least = math.ceil((once + LEAST * a_step) / 6) / 10
        raise UsageError(
            f"--minutes must be at least {least:g} for these networks. Received: {seconds / 60:g}"
        )
    return int((seconds - once) / a_step)


def _timed(declare, steps):
    """Seconds that the first network of a study takes with so many steps."""
    with tempfile.TemporaryDirectory() as elsewhere:
        # Half of the steps are those of its first part.
        of_steps = declare(2 * steps, elsewhere)
        first = of_steps.waiting()[0]
        first.run(of_steps)
        return of_steps.record_of(first)["seconds"]
