"""Branched networks, Vandenhende et al., BMVC 2020: where should tasks part, for a given budget?"""

from keras_mtl.applications.catalog import VANDENHENDE
from keras_mtl.recipes.ada_share import ends
from keras_mtl.recipes.figures import draw_trees
from keras_mtl.recipes.problems import attributes
from keras_mtl.recipes.problems.attributes import ATTRIBUTES
from keras_mtl.recipes.problems.deeplab import MINI, SMALL, DeepLabSettings, deeplab_problem
from keras_mtl.recipes.problems.dense import IMAGE_LABELS
from keras_mtl.recipes.recipe import Recipe, stitched
from keras_mtl.study import Budget, Contender, TreeOfTasks, hard_sharing, one_task
from keras_mtl.study.tree_of_tasks import IMAGES
from keras_mtl.towers.resnet import locations
from keras_mtl.towers.thin_vgg16 import STAGES

PLACES = {"branched": "best", "random tree": "random", "worst tree": "worst"}
"""Kinds of trees, of which a table has a row for every budget."""
POOLS = [stage for stage in STAGES if stage.startswith("pool")]


def published(task_weights, iterations, **settings):
    """Settings of the published size; lengths, rates and weights of the losses are ours."""
    half = iterations // 2
    return DeepLabSettings(
        size=256,
        validation_images=IMAGES,
        batch_size=16,
        network={"depth": 50},
        steps=Budget(half, half, annealed=False, falls_every=iterations // 5, falls_by=0.5),
        rate=1e-4,
        augmented=True,
        tasks=tuple(task_weights),
        task_weights=task_weights,
        **settings,
    )


def mini(task_weights):
    """Settings from random weights, on two cores in minutes a seed."""
    return DeepLabSettings(
        **MINI,
        size=64,
        validation_images=IMAGES,
        network=SMALL,
        steps=Budget(150, 75),
        tasks=tuple(task_weights),
        task_weights=task_weights,
    )


def tree(places, copies, of_resnet):
    """A row: a tree of so many copies of the tower; in ResNets tasks part behind whole stages."""

    def contender(settings, data, tasks):
        ends = locations(settings.network["depth"]) if of_resnet else None
        choice = TreeOfTasks(copies=copies, locations=ends, places=places)
        return Contender("tree", choice, "one-task")

    return contender


def rows(budgets, of_resnet=True):
    """The rows of a table.

    Args:
        budgets: whole numbers of copies of the tower, less than there are tasks. With one copy all
            trees are the same.
        of_resnet: whether towers are ResNets; VGGs if not.
    """
    found = {
        "one-task": one_task(),
        "hard sharing": hard_sharing(),
        "cross-stitch": stitched(ends if of_resnet else POOLS),
    }
    for copies in budgets:
        for kind, places in list(PLACES.items())[: 1 if copies == 1 else None]:
            found[f"{kind} {copies}×"] = tree(places, copies, of_resnet)
    return found


def branched_table(weights, data_sets, budgets, paper, **texts):
    """A table of branched networks for dense tasks.

    Args:
        weights: dict from task to the weight of its loss.
        data_sets: as of `deeplab_problem`.
        budgets: as of `rows`; of more than three copies rows are run if they are asked for.
        paper: settings of the preset `paper`, as of `published`.
        **texts: name, title and text of the `Recipe`.
    """
    return Recipe(
        **texts,
        source=VANDENHENDE,
        problem=deeplab_problem(weights, *data_sets),
        presets={"mini": mini(weights), "paper": published(weights, **paper)},
        rows=rows(budgets),
        draw=draw_trees,
        default_rows=tuple(rows([copies for copies in budgets if copies <= 3])),
    )


RECIPES = [
    branched_table(
        name="branched_rooms",
        title="Branched networks on rooms: where should five dense tasks part, for a given budget?",
        text="""\
The representations of one-task networks of 500 validation images are compared behind the four
stages of the ResNet, and the best tree is searched for budgets of 1, 2, 3 and, if asked for by
`--rows`, 4 copies of the network. For each budget there are the searched tree, a random one and the
worst one of its size (its shape with other tasks in the places). All rows have the same number of
steps in all. Hard sharing has them jointly from random weights; trees start from the one-task
networks, also the one of one copy, which shares everything as hard sharing does. The tasks are
segmentation, surface normals, depth, 2D keypoints and 2D edges; keypoints and edges of rendered
rooms are computed from the picture.

`mini` gives the searched tree of two copies -4.6 % against -7.6 % for random trees and -10.8 % for
the worst ones, and takes 17 minutes on 2 cores for three seeds. `paper` is of the published
networks' size, but its lengths and rates are ours: the paper's numbers are not to be expected.
""",
        weights={"segmentation": 1, "normals": 20, "depth": 3, "keypoints": 7, "edges": 7},
        budgets=(1, 2, 3, 4),
        data_sets=("nyuv2", "taskonomy"),
        paper={"iterations": 40_000, "train_images": 10_000, "test_images": 1_000},
    ),
    branched_table(
        name="branched_cityscapes",
        title="Branched networks on Cityscapes: "
        "where should segmentation, instances and depth part?",
        text="""\
The rows of `branched_rooms`, with budgets of one and two copies of the network. Three tasks leave
few trees of a shape: the random one may be the worst. Instances are learned as the paper's source
of them does (Kendall et al., CVPR 2018): every pixel of an object predicts where the object's
centre lies. Depths are those of `adashare_cityscapes`. Lengths and rates of `paper` are ours.
""",
        weights={"segmentation": 1, "instances": 10, "depth": 3},
        budgets=(1, 2),
        data_sets=("cityscapes_mtl",),
        paper={"iterations": 40_000, "train_images": 2975, "test_images": 500},
    ),
    branched_table(
        name="branched_taskonomy",
        title="Branched networks on Taskonomy: "
        "where should what a picture shows part from four dense tasks?",
        text="""\
The rows of `branched_rooms`, for segmentation, edges, depth, keypoints and one task of whole
pictures. In the paper that is the category of the scene; here it is the classes that a picture
shows, since `rooms` has one scene only, and Taskonomy's categories are not read. Lengths and rates
of `paper` are ours.
""",
        weights={IMAGE_LABELS: 1, "segmentation": 1, "edges": 7, "depth": 3, "keypoints": 7},
        budgets=(1, 2, 3, 4),
        data_sets=("taskonomy",),
        # The pictures of Taskonomy's tiny split.
        paper={"iterations": 100_000, "train_images": 250_000, "test_images": 50_000},
    ),
    Recipe(
        name="branched_celeba",
        title="Branched networks on attributes: "
        "which of forty yes-or-no questions should share what?",
        source=VANDENHENDE,
        text="""\
The rows of `branched_rooms`, for budgets of 1, 2, 4 and 8 copies of the network; the worst tree is
that of 5,000 orders of the tasks. The network is the thin VGG-16 in which the paper's 40 attributes
of faces can part behind each of 15 layers. On `rooms` it says of crops of objects which of 24
attributes they have: colours, textures, shapes and others. So many tasks need the beam search.
Where a network's features of an image are all 0, as a little-trained one has them, the image's
likeness to others is taken for 0: nothing is known of it.

Lengths and rates of `paper` are ours. `mini` takes 15 minutes on 2 cores for one-task networks,
hard sharing and two trees of one seed.
""",
        problem=ATTRIBUTES,
        presets=attributes.PRESETS,
        rows=rows((1, 2, 4, 8), of_resnet=False),
        draw=draw_trees,
    ),
]
