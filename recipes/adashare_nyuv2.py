"""AdaShare on NYUv2: which blocks should segmentation, surface normals and depth share?

Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning", NeurIPS 2020.

    keras-mtl train adashare_nyuv2 --preset mini --seeds 1
    keras-mtl train adashare_nyuv2 --preset paper --data nyuv2 --data-dir FOLDER
    keras-mtl train adashare_nyuv2 --preset paper-2-tasks --data nyuv2 --data-dir FOLDER

trains one-task networks, one network that all tasks share, the network stitched from the one-task
networks, and AdaShare: a policy is learned along with the weights, the best of some policies by the
validation images is kept, and the network is trained again from random weights with that policy.
Another row has a random policy that skips as many blocks of every task. All rows have the same
number of steps; the search comes on top. Prints the paper's scores, the mean relative gain over
the one-task networks (the paper's Δ, of all scores of a task), parameters, MACs, heads included
(what tasks compute alike counted once; and "by task", each task by itself, as the paper counts),
and the time of inference; size and time are those of the first seed's networks. Writes
`results.json` and figures (policy, its evolution, predictions) into the output folder. A run that
was stopped goes on where it was.

The published networks have three tasks and depth 34, or two tasks and depth 18. NYUv2 has no
validation images: 99 of the training's are taken for them. Pictures are seen as a whole, with a
shorter side of 321 pixels, where the paper trains on crops of that size.

The paper reports 30.2 mean IU and 16.6° mean error for three tasks against 27.5 and 17.5° for
one-task networks.

`mini` takes 25 minutes a seed on 2 cores.
"""

from keras_mtl.recipes._ada_share import ada_share_table
from keras_mtl.recipes._ada_share_settings import mini, published

_NYUV2 = {
    "size": 321,
    "train_images": 795,
    "test_images": 654,
    "learning_rate": 1e-3,
    "sharing": 0.05,
    "blocks_every": 3,
}

TABLE = ada_share_table(
    recipe="adashare_nyuv2",
    presets={
        "mini": mini({"segmentation": 1, "normals": 20, "depth": 3}),
        "paper": published(
            depth=34,
            iterations=20_000,
            warm_up=4_000,
            batch=16,
            task_weights={"segmentation": 1, "normals": 20, "depth": 3},
            sparsity=0.001,
            **_NYUV2,
        ),
        "paper-2-tasks": published(
            depth=18,
            iterations=20_000,
            warm_up=4_000,
            batch=16,
            task_weights={"segmentation": 1, "normals": 20},
            sparsity=0.05,
            **_NYUV2,
        ),
    },
    tasks=("segmentation", "normals", "depth"),
    paper_data="NYUv2",
    data_sets=("nyuv2",),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
