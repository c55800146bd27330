"""How many steps networks can have in the time that there is."""

import json
import tempfile
from pathlib import Path

from keras_mtl._files import file_of, whole_file

FIRST, GROWTH = 10, 4
"""Steps of the first network that is timed, and of the next one so many times as many."""
ENOUGH = 5
"""Seconds that a network takes at least whose time tells what others take."""


def steps_within(minutes, declare, folder):
    """The steps of each network, from the time that one of them takes here.

    What was found once stays in the folder: with other steps all would be trained anew.

    Args:
        minutes: for all networks together.
        declare: function of steps and a folder that returns a `Study`.
        folder: where the study is to be.
    """
    path = Path(folder) / "minutes.json"
    if path.exists():
        with file_of("a study", path, "--folder must hold"):
            known = json.loads(path.read_text())
            if known["minutes"] == minutes:
                return known["steps"]
    steps = _timed(60 * minutes, declare)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps({"minutes": minutes, "steps": steps}) + "\n")
    return steps


def _timed(seconds, declare):
    steps = FIRST
    while True:
        with tempfile.TemporaryDirectory() as elsewhere:
            study = declare(steps, elsewhere)
            first = study.waiting()[0]
            first.run(study)
            spent = study.record_of(first)["seconds"]
            fitting = int(steps * seconds / (spent + study.plan().seconds))
        if spent >= ENOUGH or fitting <= steps:
            return max(2, fitting)
        steps = min(fitting, GROWTH * steps)
