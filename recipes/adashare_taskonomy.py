"""AdaShare on Taskonomy: which blocks should five tasks share?

Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning", NeurIPS 2020.

    keras-mtl train adashare_taskonomy --preset mini --seeds 1
    keras-mtl train adashare_taskonomy --preset paper --data taskonomy --data-dir FOLDER

trains and draws what `recipes.adashare_nyuv2` does, for segmentation, surface normals, depth, 2D
keypoints and 2D edges. On `rooms`, keypoints and edges are computed from the picture: a corner
response, and the magnitude of the gradient.

`paper` takes Taskonomy's tiny split, less than the paper's own choice of buildings, so that the
paper's numbers are not to be expected.

Time was measured for three tasks: see `recipes.adashare_nyuv2`.
"""

from keras_mtl.recipes._ada_share import ada_share_table
from keras_mtl.recipes._ada_share_settings import mini, published

WEIGHTS = {"segmentation": 1, "normals": 3, "depth": 2, "keypoints": 7, "edges": 7}

TABLE = ada_share_table(
    recipe="adashare_taskonomy",
    presets={
        "mini": mini(WEIGHTS),
        # The pictures of Taskonomy's tiny split, less than the paper's own choice of buildings.
        "paper": published(
            depth=34,
            iterations=100_000,
            warm_up=20_000,
            batch=16,
            # A pass over so many pictures is too long a turn: few blocks would be decided on.
            turns=(800, 200),
            size=224,
            train_images=250_000,
            test_images=50_000,
            learning_rate=1e-4,
            task_weights=WEIGHTS,
            sparsity=0.001,
            sharing=0.005,
            blocks_every=1,
        ),
    },
    tasks=tuple(WEIGHTS),
    paper_data="Taskonomy",
    data_sets=("taskonomy",),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
