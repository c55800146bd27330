"""Multi-Fashion, the benchmark of Sener & Koltun, NeurIPS 2018, and Lin et al., NeurIPS 2019."""

from keras_mtl.recipes.figures import draw_fashion
from keras_mtl.recipes.problems import fashion
from keras_mtl.recipes.recipe import Recipe
from keras_mtl.recipes.rows import stitched
from keras_mtl.study import hard_sharing, one_task

STITCHES = ("pool1", "pool2", "fc3")


RECIPES = [
    Recipe(
        name="multi_fashion",
        title="Multi-Fashion: what should two tasks share that look at two articles of clothing?",
        source="Sener & Koltun, NeurIPS 2018 (digits); Lin et al., NeurIPS 2019 (clothing)",
        text="""\
LeNets on real photographs: one-task networks, a network in which all but the classifiers is shared,
and the network stitched from the one-task networks behind both pools and fc3. The comparison is
fair in that every row gives every task the same pictures, as many steps, the same learning rates,
and its loss the weight 1. Training has two parts, at a constant rate and along a cosine to zero.
Seeds vary the weights and the order of the training pictures, not the pictures. `--data-dir` is the
folder of Fashion-MNIST's files; without it they are looked for where Debian or Keras keeps them.

Lin et al. paired other articles: their numbers are not to be expected. `mini` takes 4 minutes a
seed on 2 cores; `paper`, about as long as the training of Lin et al., one to two hours.
""",
        problem=fashion.FASHION,
        presets=fashion.PRESETS,
        rows={
            "one-task": one_task(),
            "hard sharing": hard_sharing(),
            "cross-stitch": stitched(STITCHES),
        },
        draw=draw_fashion,
    ),
]
