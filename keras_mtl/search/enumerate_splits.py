"""All Split architectures of a tower."""

from keras_mtl.sharing import Branched
from keras_mtl.sharing.branched import HEADS
from keras_mtl.towers.tower import Tower


def enumerate_splits(tower: Tower) -> dict[str, Branched]:
    """All ways in which tasks can share a tower's first stages and part for good.

    A split at a stage without weights, such as a pooling layer, is the same function as one behind
    it, only slower: it is left out.

    Source: Misra et al., CVPR 2016, sections 1.1 and 3.1, Figure 2.

    Args:
        tower: a `keras_mtl.towers.Tower`.

    Returns:
        A dict from the name of the split (the first stage that every task has for itself, then
        `"heads"`) to its `Branched` sharing. The first one shares nothing, the last one all stages.

    Example:

    >>> import keras_mtl
    >>> net = keras_mtl.towers.LeNet(include_top=False)
    >>> tower = keras_mtl.towers.Tower(net, keras_mtl.towers.lenet.STAGES)
    >>> list(keras_mtl.search.enumerate_splits(tower))
    ['conv1', 'conv2', 'fc3', 'heads']
    """
    weighted = [stage for stage in tower.stages if tower.stage(stage).weights]
    return {stage: Branched.split(at=stage) for stage in [*weighted, HEADS]}
