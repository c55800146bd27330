"""Modulation on properties of products: can one embedding serve four notions of likeness?

Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image Retrieval",
ECCV 2018.

    keras-mtl train modulation_zappos50k --preset mini --seeds 3
    keras-mtl train modulation_zappos50k --preset paper --data ut_zappos50k --data-dir FOLDER

trains and draws what `recipes.modulation_celeba` does. Each property is a task: two objects are
alike if they have the same value of it. The paper's four are those of shoes: class, closure, gender
and heel. On `rooms` they are an object's kind, colour, texture and shape. With the shoes the
triplets are those of conditional similarity networks, in training and in the test.

`paper` has the size of crops and embeddings of conditional similarity networks; its lengths are
ours, so that the paper's numbers are not to be expected.

`mini` takes 6 minutes a seed on 2 cores.
"""

from keras_mtl.recipes._retrieval import retrieval_table
from keras_mtl.recipes._retrieval_data import property_labels
from keras_mtl.recipes._retrieval_settings import mini, published

TABLE = retrieval_table(
    recipe="modulation_zappos50k",
    presets={
        "mini": mini(num_tasks=4, triplets_per_task=16),
        "paper": published(num_tasks=4, triplets_per_task=8, size=112, embedding=64),
    },
    labels=property_labels,
    paper_data="UT-Zappos50K",
    data_sets=("ut_zappos50k",),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
