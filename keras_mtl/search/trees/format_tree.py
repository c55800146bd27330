"""A tree of stages in text."""

import textwrap
from collections.abc import Mapping

from keras_mtl._types import Partition
from keras_mtl.sharing._tree_nodes import tree_nodes

WIDTH = 80  # Columns after which the names of a large group go on in the next line.
MANY_TASKS = 6  # A group of more, which branches further down, is not written in full.


def format_tree(tree: Mapping[str, Partition]) -> str:
    """Writes a tree of stages as text, a line for each run of stages that a group shares.

    A group of more than 6 tasks is shortened where it branches: its tasks stand below it.

    Of a tower that goes on behind the last stage of the tree nothing is written, since the tree
    does not know of it: `keras_mtl.sharing.Branched` parts all tasks there.

    Args:
        tree: dict from stage to partition of the tasks, as of `keras_mtl.sharing.Branched`, the
            shallowest stage first. The partitions are lists of groups, lists of task names.

    Returns:
        A string of one or more lines. If no group of the first stage holds all tasks, the first
        line is `image`.

    Raises:
        ValueError: `tree` is no such dict, or one of its partitions does not hold every task once,
            or joins tasks that parted before.

    Example:

    >>> import keras_mtl
    >>> print(keras_mtl.search.format_tree({
    ...     "conv1": [["parts", "depth", "normals"]], "conv2": [["parts", "depth", "normals"]],
    ...     "conv3": [["parts"], ["depth", "normals"]],
    ...     "fc": [["parts"], ["depth"], ["normals"]]}))
    conv1 … conv2: parts, depth, normals
    ├─ conv3 … fc: parts
    └─ conv3: depth, normals
       ├─ fc: depth
       └─ fc: normals
    """
    roots = tree_nodes(tree)
    lines = _run_lines(roots[0], "") if len(roots) == 1 else ["image", *_branch_lines(roots, "")]
    return "\n".join(lines)


def _run_lines(node, trunk):
    """Lines of a run of stages and all below it; `trunk` stands before all but the first."""
    last = node
    while len(last.children) == 1:
        last = last.children[0]
    stages = node.stage if last is node else f"{node.stage} … {last.stage}"
    tasks = [str(task) for task in node.tasks]
    if last.children and len(tasks) > MANY_TASKS:
        tasks = [*tasks[:2], f"… ({len(tasks)} tasks)"]
    first, *rest = textwrap.wrap(
        f"{stages}: {', '.join(tasks)}",
        max(WIDTH - len(trunk), 1),
        subsequent_indent="│ " if last.children else "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [first, *(trunk + line for line in rest), *_branch_lines(last.children, trunk)]


def _branch_lines(nodes, trunk):
    lines = []
    for node in nodes:
        fork, stem = ("└─ ", "   ") if node is nodes[-1] else ("├─ ", "│  ")
        first, *others = _run_lines(node, trunk + stem)
        lines += [trunk + fork + first, *others]
    return lines
