"""The modulation module, Zhao et al., ECCV 2018: can one embedding serve several notions?"""

import functools

import keras

from keras_mtl.applications.catalog import ZHAO
from keras_mtl.applications.modulated_embedding import AFTER
from keras_mtl.recipes.figures import draw_embeddings
from keras_mtl.recipes.problems.retrieval import (
    agreement,
    attribute_labels,
    mini,
    property_labels,
    published,
    retrieval_problem,
)
from keras_mtl.recipes.recipe import Recipe
from keras_mtl.sharing import Modulated
from keras_mtl.study import Contender, hard_sharing, one_task


def gates(**options):
    """A row: gates behind the last two blocks and the embedding."""

    def contender(settings, data, tasks):
        rate = {"learning_rate_multiplier": settings.gate_rate}
        return Contender("modulated", Modulated(AFTER, **rate, **options))

    return contender


def masks(settings, data, tasks):
    """A conditional similarity network: masks of the embedding, and nothing before it.

    The numbers are those of its authors, whose penalty is on the masks of the examples. Unlike
    theirs, the masked embedding has the length one, as in all rows.
    """

    def drawn(seed):
        return Modulated(
            AFTER[-1:],
            initializer=keras.initializers.RandomNormal(0.9, 0.7, seed=seed),
            regularizer=keras.regularizers.L1(5e-4 / len(data["train"]["labels"])),
            learning_rate_multiplier=settings.gate_rate,
        )

    return Contender("masks", drawn)


modulation_table = functools.partial(
    Recipe,
    source=ZHAO,
    rows={
        "one-task": one_task(),
        "fully shared": hard_sharing(),
        "masks": masks,
        "modulated": gates(),
        # The general form of the module: a projection of all channels for each task.
        "projected": gates(per_channel=False),
    },
    also=agreement,
    draw=draw_embeddings,
    default_rows=("one-task", "fully shared", "masks", "modulated"),
)

RECIPES = [
    modulation_table(
        name="modulation_celeba",
        title="Modulation on attributes: can one embedding serve many notions of likeness?",
        text="""\
Networks that embed images, so that of a triplet the anchor lies nearer to the positive, which
shares the attribute, than to the negative. Each attribute is a task: two objects are alike if both
have it, or neither. Rows: a network for each task; one embedding for all; a mask of the embedding
for each task, as in conditional similarity networks; and gates behind the last two blocks and the
embedding. A further row, to be asked for, is `projected`, which has a projection of all channels
for each task in place of the gates. All of them see the same triplets, as many of each task, for as
many steps. On `rooms` the images are crops of objects, and the tasks 7 of their attributes; 20 with
`mini20`. On CelebA the attributes come first that are nearest to half of the faces'; which ones the
paper took is not known to us.

Scores are the share of test triplets that are in order, recall at 1 and mean average precision of
searching the test crops by each of them, all means over the tasks. UCR, the update compliance
ratio, is the share of mini-batches in which two tasks' gradients have a positive inner product, in
the mean over pairs and shared layers, before and after training: over 20 mini-batches, so that
differences of a few percent between single networks mean nothing. M MACs are those of an image's
embeddings for all tasks.

`paper` and `paper20` are of the published network and rates; their lengths are ours. `mini` takes 4
minutes a seed on 2 cores, `mini20` 9.
""",
        problem=retrieval_problem(attribute_labels, "celeba"),
        presets={
            "mini": mini(num_tasks=7, triplets_per_task=8),
            "mini20": mini(num_tasks=20, triplets_per_task=3),
            "paper": published(num_tasks=7, triplets_per_task=8, size=150, embedding=256),
            "paper20": published(num_tasks=20, triplets_per_task=8, size=150, embedding=256),
        },
    ),
    modulation_table(
        name="modulation_zappos50k",
        title="Modulation on properties of products: "
        "can one embedding serve four notions of likeness?",
        text="""\
The rows of `modulation_celeba`. Each property is a task: two objects are alike if they have the
same value of it. The paper's four are those of shoes: class, closure, gender and heel. On `rooms`
they are an object's kind, colour, texture and shape. With the shoes the triplets are those of
conditional similarity networks, in training and in the test.

`paper` has the size of crops and embeddings of conditional similarity networks; its lengths are
ours. `mini` takes 6 minutes a seed on 2 cores.
""",
        problem=retrieval_problem(property_labels, "ut_zappos50k"),
        presets={
            "mini": mini(num_tasks=4, triplets_per_task=16),
            "paper": published(num_tasks=4, triplets_per_task=8, size=112, embedding=64),
        },
    ),
]
