"""Counts parameters and multiply-accumulates of the zoo."""

import dataclasses

from keras_mtl.applications import catalog
from keras_mtl.search import cost


def count_zoo():
    """Counts anew what `applications/catalog.csv` says, but for the files that ship."""
    known = catalog.counts() if catalog.COUNTS.exists() else {}
    found = {}
    for name, entry in catalog.ENTRIES.items():
        model = entry.in_paper_size()
        size = cost(model, entry.input_shapes and list(entry.input_shapes))
        before = known.get(name) or catalog.Counts(name=name, tasks=(), parameters=0, macs=0)
        found[name] = dataclasses.replace(
            before,
            tasks=tuple(getattr(model, "tasks", ())),
            parameters=size.parameters,
            macs=size.macs,
        )
    catalog.write_counts(found)
