"""The modulation module on properties of products: two are alike if they have the same value.

Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image Retrieval",
ECCV 2018.

    python -m recipes.modulation_zappos50k --preset mini --seeds 3
    python -m recipes.modulation_zappos50k --preset paper --data ut_zappos50k --data-dir FOLDER

The paper's four properties are those of shoes: class, closure, gender and heel. On `rooms` they are
an object's kind, colour, texture and shape. With the shoes the triplets are those of conditional
similarity networks, in training and in the test. Rows, columns and pictures are those of
`recipes.modulation_celeba`.

`paper` has the size of crops and embeddings of conditional similarity networks; its lengths are
ours.
"""

from keras_mtl.recipes._retrieval import retrieval_table
from keras_mtl.recipes._retrieval_data import property_labels
from keras_mtl.recipes._retrieval_settings import mini, paper

PRESETS = {
    "mini": mini(num_tasks=4, triplets_per_task=16),
    "paper": paper(num_tasks=4, triplets_per_task=8, size=112, embedding=64),
}

TABLE = retrieval_table(
    "modulation_zappos50k", PRESETS, property_labels, "UT-Zappos50K", "ut_zappos50k"
)

if __name__ == "__main__":
    TABLE.main(__doc__)
