"""Multi-Fashion: what should two tasks share that look at two articles of clothing?

The benchmark of Sener & Koltun, NeurIPS 2018 (digits), and Lin et al., NeurIPS 2019 (clothing).

    keras-mtl train multi_fashion --preset mini --seeds 3

trains LeNets on real photographs: one-task networks, a network in which all but the classifiers is
shared, and the network stitched from the one-task networks behind both pools and fc3. The
comparison is fair in that every row gives every task the same pictures, as many steps, the same
learning rates, and its loss the weight 1. Training has two parts, at a constant rate and along a
cosine to zero; the stitched network starts from the one-task networks after their first part. It is
as large as the two and its alphas; hard sharing is half as large. Seeds vary the weights and the
order of the training pictures, not the pictures.

Prints the accuracy on the test split for each task, mean ± deviation over the seeds. Writes
`results.json` and figures (predictions, alphas) into the output folder. A run that was stopped goes
on where it was. `--data-dir` is the folder of Fashion-MNIST's files; without it they are looked for
where Debian or Keras keeps them.

Lin et al. paired other articles: their numbers are not to be expected.

`mini` takes 4 minutes a seed on 2 cores; `paper`, whose lengths are those of Lin et al., one to two
hours.
"""

from keras_mtl.recipes._fashion import FASHION
from keras_mtl.recipes._fashion_figures import draw
from keras_mtl.recipes._rows import cross_stitch, hard_sharing, one_task
from keras_mtl.recipes._table import Table

TABLE = Table(
    problem=FASHION,
    recipe="multi_fashion",
    rows={
        "one-task": one_task,
        "hard sharing": hard_sharing,
        "cross-stitch": cross_stitch,
    },
    paper={},
    draw=draw,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
