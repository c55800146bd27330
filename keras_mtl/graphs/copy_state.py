"""What a layer has learned or been adapted to, for another one of the same form."""

import tempfile

from keras import ops

from keras_mtl.graphs.layer_settings import copy_settings
from keras_mtl.graphs.layers_within import held_by, layers_within


def copy_state(source, target, settings=False):
    """Gives a layer all that another one of the same form has learned or been adapted to.

    As a file of Keras would: by `save_own_variables` and `save_assets` of the layer and of those
    within it. What a layer keeps beside its weights, such as the statistics of an adapted
    `Normalization` or the table of a lookup, is there at once.

    Args:
        source: a Keras layer or model; what in it is not built has no state yet.
        target: a built one of the same form.
        settings: whether to take over, too, what was set on layers: which are trainable, and what
            the configuration of a layer need not know of its parts.
    """
    for theirs, ours in _pairs_with_state(source, target):
        store = {}
        theirs.save_own_variables(store)
        if store:
            # As arrays: on JAX two variables of one buffer could not be trained.
            ours.load_own_variables({k: ops.convert_to_numpy(v).copy() for k, v in store.items()})
        if hasattr(theirs, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                theirs.save_assets(folder)
                ours.load_assets(folder)
    if settings:
        copy_settings(source, target)


def _pairs_with_state(source, target):
    """The layers of one that have a state, with those of the other."""
    if source.built:
        yield from zip(layers_within(source), layers_within(target), strict=True)
        return
    # What it will hold once it is built is not known, but a network within it may be trained.
    for pair in zip(held_by(source), held_by(target), strict=False):
        if type(pair[0]) is type(pair[1]):
            yield from _pairs_with_state(*pair)
