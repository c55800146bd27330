"""Branched networks on Cityscapes: where should segmentation, instances and depth part?

Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC 2020.

    keras-mtl train branched_cityscapes --preset mini --seeds 1
    keras-mtl train branched_cityscapes --preset paper --data cityscapes_mtl --data-dir FOLDER

trains and draws what `recipes.branched_rooms` does, with budgets of one and two copies of the
network. Three tasks leave few trees of a shape: the random one may be the worst. Instances are
learned as the paper's source of them does (Kendall et al., CVPR 2018): every pixel of an object
predicts where the object's centre lies. Depths are those of `recipes.adashare_cityscapes`.

`paper` is of the published networks' size, but its lengths and rates are ours, so that the paper's
numbers are not to be expected.

Time was measured for five tasks: see `recipes.branched_rooms`.
"""

from keras_mtl.recipes._branched import branched_table
from keras_mtl.recipes._branched_settings import mini, published

WEIGHTS = {"segmentation": 1, "instances": 10, "depth": 3}

TABLE = branched_table(
    recipe="branched_cityscapes",
    presets={
        "mini": mini(WEIGHTS),
        "paper": published(
            WEIGHTS, iterations=40_000, size=256, train_images=2975, test_images=500
        ),
    },
    tasks=tuple(WEIGHTS),
    budgets=(1, 2),
    paper_data="Cityscapes",
    data_sets=("cityscapes_mtl",),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
