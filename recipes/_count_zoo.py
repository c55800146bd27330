"""Counts parameters and multiply-accumulates of the zoo."""

import dataclasses

import keras

import keras_mtl
from keras_mtl.applications import catalog
from keras_mtl.search import cost


def paper_sized(entry):
    """The network of an application in the paper's size, without values in its weights."""
    with keras.StatelessScope(initialize_variables=False):
        return eval(entry.example, {"keras_mtl": keras_mtl})  # of the catalog, not of a user


def count_zoo():
    """Counts anew what `applications/catalog.csv` says, but for the files that ship."""
    known = catalog.counts() if catalog.COUNTS.exists() else {}
    found = {}
    for name, entry in catalog.ENTRIES.items():
        model = paper_sized(entry)
        size = cost(model, entry.input_shapes and list(entry.input_shapes))
        before = known.get(name) or catalog.Counts(name=name, tasks=(), parameters=0, macs=0)
        found[name] = dataclasses.replace(
            before,
            tasks=tuple(getattr(model, "tasks", ())),
            parameters=size.parameters,
            macs=size.macs,
        )
        # The next network must not be asked for values of this one's weights.
        keras.utils.clear_session()
    catalog.write_counts(found)
