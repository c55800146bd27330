"""Networks by their names in the zoo, or from files."""

import zipfile
from pathlib import Path

import keras

from keras_mtl.applications.catalog import ENTRIES, counts
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.graphs.functional_models import is_graph
from keras_mtl.modulation.modulate import TASK
from keras_mtl_command import did_you_mean

SHIPPED = "rooms"


def is_file(name):
    """Whether a name is that of a `.keras` file, rather than one of the zoo."""
    return Path(name).suffix == ".keras"


def entry(name):
    """What the catalog says of a network of the zoo; upper and lower case are alike."""
    names = {each.lower(): each for each in ENTRIES}
    if name.lower() in names:
        return ENTRIES[names[name.lower()]]
    hint = did_you_mean(name, ENTRIES, f"it has {', '.join(ENTRIES)}.")
    raise CommandError(f"the zoo has no {name}, and a file ends in .keras: {hint}")


def load(name, weights=None):
    """A trained network.

    Args:
        name: one of the zoo, or the path of a `.keras` file.
        weights: of one of the zoo `"rooms"`, the path of a `.keras` file that holds it, or `None`,
            for the one that ships.

    Returns:
        A Keras model.

    Raises:
        UsageError: there are weights for a file.
        CommandError: there is no such network, or it does not ship.
    """
    if is_file(name):
        if weights is not None:
            raise UsageError(f"--weights goes with a network of the zoo, not with a file: {name}")
        return _from_file(name)
    found = entry(name)
    if weights not in (None, SHIPPED):
        return _from_file(weights)
    if not counts()[found.name].ships:
        trained = [each for each, of_each in counts().items() if of_each.ships]
        raise CommandError(
            f"{found.name} does not ship trained. Those that do: {', '.join(trained)}; or give the "
            "path of a .keras file."
        )
    return found.build(weights=SHIPPED)


def _from_file(path):
    if not Path(path).is_file():
        raise CommandError(f"there is no file {path}")
    if not zipfile.is_zipfile(path):  # Keras would say that it is not there.
        raise CommandError(f"{path} must be a Keras model of keras_mtl: it is no whole .keras file")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        # Keras puts what went wrong behind the whole configuration.
        reason = str(error).rpartition("Exception encountered: ")[2]
        raise CommandError(f"{path} must be a Keras model of keras_mtl: {reason}") from error


def embeds(model):
    """Whether a model embeds pictures for several tasks, as one of `keras_mtl.modulate` does."""
    inputs = [x.name for x in model.inputs] if is_graph(model) else []
    return len(inputs) == 2 and TASK in inputs
