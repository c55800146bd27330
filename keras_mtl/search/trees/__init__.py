"""Trees in which tasks share the locations of a network: what there is, and which are best."""

from keras_mtl.search.trees.best_tree import best_tree
from keras_mtl.search.trees.enumerate_trees import enumerate_trees
from keras_mtl.search.trees.format_tree import format_tree
from keras_mtl.search.trees.tree_dissimilarity import tree_dissimilarity
from keras_mtl.search.trees.tree_front import FrontTree, tree_front

__all__ = [
    "FrontTree",
    "best_tree",
    "enumerate_trees",
    "format_tree",
    "tree_dissimilarity",
    "tree_front",
]
