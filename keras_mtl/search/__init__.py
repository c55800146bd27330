"""What sharing costs, and what there is to choose from."""

from keras_mtl.search.cost import cost
from keras_mtl.search.enumerate_splits import enumerate_splits
from keras_mtl.search.prune import prune
from keras_mtl.search.relative_gain import relative_gain
from keras_mtl.search.splits import Split, SplitTable, splits
from keras_mtl.search.task_costs import task_costs

__all__ = [
    "Split",
    "SplitTable",
    "cost",
    "enumerate_splits",
    "prune",
    "relative_gain",
    "splits",
    "task_costs",
]
