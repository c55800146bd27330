"""Branched networks on attributes: forty yes-or-no questions, which of them should share what?

Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC 2020.

    python -m recipes.branched_celeba --preset mini --seeds 1
    python -m recipes.branched_celeba --preset paper --data celeba --data-dir FOLDER

The network is the thin VGG-16 in which the paper's 40 attributes of faces can part behind each of
15 layers. On `rooms` it says of crops of objects which of 24 attributes they have: colours,
textures, shapes and others. So many tasks need the beam search. Rows are those of
`recipes.branched_rooms`, for budgets of 1, 2, 4 and 8 copies of the network; the worst tree is that
of 5,000 orders of the tasks. Scores are the mean accuracy and the mean average precision over the
attributes, pictures affinities, trees, and performance against parameters. A run that was stopped
goes on where it was.

`paper` is of the published network's size, but its lengths and rates are ours.
"""

from keras_mtl.recipes._attributes_data import AttributesData
from keras_mtl.recipes._attributes_networks import AttributesNetworks
from keras_mtl.recipes._attributes_settings import PRESETS
from keras_mtl.recipes._branched import branched_rows, draw
from keras_mtl.recipes._table import Problem, Table

TASKS = ("attributes",)
COLUMNS = {"attributes": {"accuracy": ("accuracy", 100), "mAP": ("mean_ap", 100)}}

ATTRIBUTES = Problem(
    folder="branched_celeba",
    presets=PRESETS,
    data_sets=("rooms", "celeba"),
    load=lambda *arguments: AttributesData(*arguments),
    networks=AttributesNetworks,
    tasks=TASKS,
    pair=TASKS,
    columns=COLUMNS,
    headlines={"attributes": ("accuracy", "mean_ap")},
    lower_is_better=(),
    paper_data="CelebA",
    checkpoints=False,
)

TABLE = Table(
    problem=ATTRIBUTES,
    recipe="branched_celeba",
    rows=branched_rows(budgets=(1, 2, 4, 8)),
    paper={},
    draw=draw,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
