"""Modulation on attributes: can one embedding serve many notions of likeness?

Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image Retrieval",
ECCV 2018.

    keras-mtl train modulation_celeba --preset mini --seeds 3
    keras-mtl train modulation_celeba --preset paper --data celeba --data-dir FOLDER

trains networks that embed images, so that of a triplet the anchor lies nearer to the positive,
which shares the attribute, than to the negative. Each attribute is a task: two objects are alike if
both have it, or neither. Rows: a network for each task; one embedding for all; a mask of the
embedding for each task, as in conditional similarity networks; and gates behind the last two blocks
and the embedding. A further row, to be asked for, is `projected`, which has a projection of all
channels for each task in place of the gates. All of them see the same triplets, as many of each
task, for as many steps. On `rooms` the images are crops of objects, and the tasks 7 of their
attributes; 20 with `--preset mini20`. On CelebA the attributes come first that are nearest to half
of the faces'; which ones the paper took is not known to us.

Prints the share of test triplets that are in order, recall at 1 and mean average precision of
searching the test crops by each of them, all means over the tasks. UCR, the update compliance
ratio, is the share of mini-batches in which two tasks' gradients have a positive inner product, in
the mean over pairs and shared layers, before and after training: over 20 mini-batches, so that
differences of a few percent between single networks mean nothing. M MACs are those of an image's
embeddings for all tasks. Draws accuracy against storage, UCR layer by layer, and what queries find.
A run that was stopped goes on where it was.

`paper` and `paper20` are of the published network and rates; their lengths are ours, so that the
paper's numbers are not to be expected.

`mini` takes 4 minutes a seed on 2 cores, `mini20` 9.
"""

from keras_mtl.recipes._retrieval import retrieval_table
from keras_mtl.recipes._retrieval_data import attribute_labels
from keras_mtl.recipes._retrieval_settings import mini, published

TABLE = retrieval_table(
    recipe="modulation_celeba",
    presets={
        "mini": mini(num_tasks=7, triplets_per_task=8),
        "mini20": mini(num_tasks=20, triplets_per_task=3),
        "paper": published(num_tasks=7, triplets_per_task=8, size=150, embedding=256),
        "paper20": published(num_tasks=20, triplets_per_task=8, size=150, embedding=256),
    },
    labels=attribute_labels,
    paper_data="CelebA",
    data_sets=("celeba",),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
