"""What sharing costs, and what there is to choose from."""

from keras_mtl.search.choose_tree import ChosenTree, choose_tree
from keras_mtl.search.cost import Cost, cost
from keras_mtl.search.enumerate_splits import enumerate_splits
from keras_mtl.search.propose_cuts import propose_cuts
from keras_mtl.search.prune import prune
from keras_mtl.search.rank_trees import rank_trees
from keras_mtl.search.relative_gain import relative_gain
from keras_mtl.search.representation_similarity import representation_similarity, task_affinity
from keras_mtl.search.splits import Split, SplitTable, splits
from keras_mtl.search.task_costs import task_costs
from keras_mtl.search.tree_report import TreeReport, TreeRow
from keras_mtl.search.trees import (
    FrontTree,
    best_tree,
    enumerate_trees,
    format_tree,
    tree_dissimilarity,
    tree_front,
)

__all__ = [
    "TreeReport",
    "TreeRow",
    "ChosenTree",
    "Cost",
    "FrontTree",
    "Split",
    "SplitTable",
    "best_tree",
    "choose_tree",
    "cost",
    "enumerate_splits",
    "enumerate_trees",
    "format_tree",
    "propose_cuts",
    "prune",
    "rank_trees",
    "relative_gain",
    "representation_similarity",
    "splits",
    "task_affinity",
    "task_costs",
    "tree_dissimilarity",
    "tree_front",
]
