"""Branched networks on attributes: which of forty yes-or-no questions should share what?

Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC 2020.

    keras-mtl train branched_celeba --preset mini --seeds 1
    keras-mtl train branched_celeba --preset paper --data celeba --data-dir FOLDER

trains the rows of `recipes.branched_rooms`, for budgets of 1, 2, 4 and 8 copies of the network; the
worst tree is that of 5,000 orders of the tasks. The network is the thin VGG-16 in which the paper's
40 attributes of faces can part behind each of 15 layers. On `rooms` it says of crops of objects
which of 24 attributes they have: colours, textures, shapes and others. So many tasks need the beam
search. Where a network's features of an image are all 0, as a little-trained one has them, the
image's likeness to others is taken for 0: nothing is known of it. Prints the mean accuracy and the
mean average precision over the attributes; draws affinities, trees, and performance against
parameters. A run that was stopped goes on where it was.

`paper` is of the published network's size, but its lengths and rates are ours, so that the paper's
numbers are not to be expected.

`mini` takes 15 minutes on 2 cores for one-task networks, hard sharing and two trees of one seed.
"""

from keras_mtl.recipes._attributes import ATTRIBUTES
from keras_mtl.recipes._branched import branched_rows
from keras_mtl.recipes._branched_figures import draw
from keras_mtl.recipes._table import Table

TABLE = Table(
    problem=ATTRIBUTES,
    recipe="branched_celeba",
    rows=branched_rows(budgets=(1, 2, 4, 8)),
    paper={},
    draw=draw,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
