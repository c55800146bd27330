"""AdaShare on Cityscapes: which blocks should segmentation and depth share?

Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning", NeurIPS 2020.

    keras-mtl train adashare_cityscapes --preset mini --seeds 1
    keras-mtl train adashare_cityscapes --preset paper --data cityscapes_mtl --data-dir FOLDER

trains and draws what `recipes.adashare_nyuv2` does. Depth is in metres on `rooms`, and on
Cityscapes, as in the paper, inverse: in 1/m. An eighth of its training pictures, or less, are for
validation; the published validation pictures are for the test.

The paper reports 41.5 mean IU against 40.2 for the one-task network.

Time was measured for three tasks: see `recipes.adashare_nyuv2`.
"""

from keras_mtl.recipes._ada_share import ada_share_table
from keras_mtl.recipes._ada_share_settings import mini, published

TABLE = ada_share_table(
    recipe="adashare_cityscapes",
    presets={
        # The paper's factor of 20 is for inverse depths from 0 to 1; rooms has metres.
        "mini": mini({"segmentation": 1, "depth": 3}),
        "paper": published(
            depth=34,
            iterations=20_000,
            warm_up=4_000,
            batch=16,
            size=224,
            train_images=2975,
            test_images=500,
            learning_rate=1e-3,
            head_rate=0.1,
            task_weights={"segmentation": 1, "depth": 20},
            sparsity=0.01,
            sharing=0.1,
            blocks_every=3,
        ),
    },
    tasks=("segmentation", "depth"),
    paper_data="Cityscapes",
    data_sets=("cityscapes_mtl",),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
