"""Branched networks on Taskonomy: where should what a picture shows part from four dense tasks?

Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC 2020.

    keras-mtl train branched_taskonomy --preset mini --seeds 1
    keras-mtl train branched_taskonomy --preset paper --data taskonomy --data-dir FOLDER

trains and draws what `recipes.branched_rooms` does, for segmentation, edges, depth, keypoints and
one task of whole pictures. In the paper that is the category of the scene; here it is the classes
that a picture shows, since `rooms` has one scene only, and Taskonomy's categories are not read.

`paper` is of the published networks' size, but its lengths and rates are ours, so that the paper's
numbers are not to be expected.

Time was measured for five dense tasks: see `recipes.branched_rooms`.
"""

from keras_mtl.recipes._branched import branched_table
from keras_mtl.recipes._branched_settings import mini, published
from keras_mtl.recipes._dense_data import IMAGE_LABELS

WEIGHTS = {IMAGE_LABELS: 1, "segmentation": 1, "edges": 7, "depth": 3, "keypoints": 7}

TABLE = branched_table(
    recipe="branched_taskonomy",
    presets={
        "mini": mini(WEIGHTS),
        # The pictures of Taskonomy's tiny split.
        "paper": published(
            WEIGHTS, iterations=100_000, size=256, train_images=250_000, test_images=50_000
        ),
    },
    tasks=tuple(WEIGHTS),
    budgets=(1, 2, 3, 4),
    default_budgets=(1, 2, 3),
    paper_data="Taskonomy",
    data_sets=("taskonomy",),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
