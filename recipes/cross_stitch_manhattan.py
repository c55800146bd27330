"""Cross-stitch networks: what does the Manhattan-world post-processing of normals do?

Misra et al., CVPR 2016, section 5, "Setup for Surface Normal Prediction".

    keras-mtl train cross_stitch_manhattan --preset mini --seeds 3

scores the one-task and the cross-stitched networks of Table 5 as they are, and with predicted
normals that lie within 25° of an axis of the picture's Manhattan frame turned into that axis.

The paper's normals are post-processed so; it does not say by how much that helps.

`mini` takes half a minute a seed on 2 cores on top of `recipes.cross_stitch_table5`, whose networks
it takes from the same output folder.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._rows import cross_stitch, one_task
from keras_mtl.recipes._table import Table

TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_manhattan",
    rows={
        "one-task": one_task,
        "one-task, rectified": one_task,
        "cross-stitch": cross_stitch,
        "cross-stitch, rectified": cross_stitch,
    },
    paper={},
    rectified=("one-task, rectified", "cross-stitch, rectified"),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
