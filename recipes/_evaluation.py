"""Scores of the network of an application, as its recipe scores it."""

import importlib
import tempfile

from keras_mtl.applications.catalog import ENTRIES

DATA, PRESET = "rooms", "mini"


def evaluate(name, model):
    """Scores a model on the test pictures of `rooms`, as the recipe of its application does.

    Args:
        name: of the application.
        model: a model of that application that was trained on `rooms` with the preset `mini`.

    Returns:
        A dict from task to a dict from score to number, as of one seed of the recipe's results; of
        an embedding that is not compiled without the compliance of its gradients.
    """
    problem = problem_of(name)
    settings = problem.presets[PRESET]
    data = problem.load(DATA, settings, None)
    # An embedding does not name its tasks.
    tasks = getattr(model, "tasks", problem.pair)
    with tempfile.TemporaryDirectory() as folder:
        return problem.networks(settings, data, tasks, folder, seed=0).scores([model])


def problem_of(name):
    """The `Problem` that the recipe of an application is about."""
    return importlib.import_module(f"keras_mtl.recipes.{ENTRIES[name].recipe}").TABLE.problem
