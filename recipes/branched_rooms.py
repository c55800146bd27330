"""Branched networks on rooms: where should five dense tasks part, for a given budget?

Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC 2020.

    keras-mtl train branched_rooms --preset mini --seeds 3
    keras-mtl train branched_rooms --preset paper --data nyuv2 --data-dir FOLDER
    keras-mtl train branched_rooms --preset paper --data taskonomy --data-dir FOLDER

trains one-task networks, compares their representations of 500 validation images behind the four
stages of the ResNet, and searches the best tree for budgets of 1, 2, 3 and, if asked for by
`--rows`, 4 copies of the network. Rows: one-task, hard sharing, cross-stitch, and for each budget
the searched tree, a random one and the worst one of its size (its shape with other tasks in the
places). All rows have the same number of steps in all. Hard sharing has them jointly from random
weights; trees start from the one-task networks, also the one of one copy, which shares everything
as hard sharing does. The tasks are segmentation, surface normals, depth, 2D keypoints and 2D edges;
keypoints and edges of rendered rooms are computed from the picture.

Prints the scores, the mean relative gain over the one-task networks of the same seed, parameters
and MACs, after every row. Writes `results.json` and figures (affinities, trees, performance against
parameters) into the output folder, and of each seed `trees.json` with the affinities and the best
tree for every budget. A run that was stopped goes on where it was.

`mini` gives the searched tree of two copies -4.6 % against -7.6 % for random trees and -10.8 % for
the worst ones. `paper` is of the published networks' size, but its lengths and rates are ours, so
that the paper's numbers are not to be expected.

`mini` takes 17 minutes on 2 cores for three seeds.
"""

from keras_mtl.recipes._branched import branched_table
from keras_mtl.recipes._branched_settings import mini, published

WEIGHTS = {"segmentation": 1, "normals": 20, "depth": 3, "keypoints": 7, "edges": 7}

TABLE = branched_table(
    recipe="branched_rooms",
    presets={
        "mini": mini(WEIGHTS),
        "paper": published(
            WEIGHTS, iterations=40_000, size=256, train_images=10_000, test_images=1_000
        ),
    },
    tasks=tuple(WEIGHTS),
    budgets=(1, 2, 3, 4),
    default_budgets=(1, 2, 3),
    paper_data="rooms",
    data_sets=("nyuv2", "taskonomy"),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
