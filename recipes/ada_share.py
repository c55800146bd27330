"""AdaShare, Sun et al., NeurIPS 2020: which blocks should tasks share?"""

import dataclasses
import functools

from keras_mtl.applications.catalog import SUN
from keras_mtl.optimizers import SGD
from keras_mtl.recipes.figures import draw_ada_share
from keras_mtl.recipes.problems.deeplab import MINI, SMALL, DeepLabSettings, deeplab_problem
from keras_mtl.recipes.recipe import Recipe, stitched
from keras_mtl.sharing import AdaShared
from keras_mtl.study import (
    Budget,
    Contender,
    PolicyOfTasks,
    PolicySearch,
    RandomPolicy,
    hard_sharing,
    one_task,
)
from keras_mtl.towers.resnet import locations


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaShareSettings(DeepLabSettings):
    """The settings of AdaShare's tables, with those of the search for a policy.

    A round of the search is a turn of the weights and one of the policy.
    """

    warm_up_rounds: int
    """Rounds at the start in which all blocks are executed and only the weights learn."""
    rounds: int
    turns: tuple
    """Steps of a turn of the weights and of the policy."""
    policy_images: float = 0.2
    """Share of the training images from which, after the warm-up, the policy learns."""
    temperature_decay: float = 0.965
    """Factor on the temperature from round to round."""
    per_task_statistics: bool = False
    """As of `AdaShared`."""
    search_rate: float
    """Learning rate of the weights after the warm-up."""
    policy_rate: float = 0.01
    sparsity_weight: float
    agreement_weight: float
    form: str = "code"
    blocks_every: int
    """Rounds after which a further block comes under the policy."""
    candidates: int
    """Policies that are drawn beside the most probable one."""
    retrained: int
    """How many of them, the best with the weights of the search, are trained from random weights;
    the best of those, on the validation images, is the table's."""


def published(task_weights, train_images, iterations=20_000, warm_up=4_000, turns=None, **settings):
    """The settings of a published run.

    The length of the turns is not published: a turn is one pass over its part of the data, unless
    `turns` says otherwise. Weight decay is that of Keras, which takes it off the weights; PyTorch's
    Adam, in which the numbers were published, adds it to the gradient.
    """
    batch, of_policy = 16, AdaShareSettings.policy_images
    if turns is None:
        turns = tuple(round(train_images * part) // batch for part in (1 - of_policy, of_policy))
    options = {
        "batch_size": batch,
        "network": {"depth": 34},
        # All rows have as many steps; the stitched network starts from networks half way.
        "steps": Budget(
            iterations // 2, iterations // 2, annealed=False, falls_every=4000, falls_by=0.5
        ),
        "rate": 1e-3,
        "augmented": True,
        "per_task_statistics": True,
        "tasks": tuple(task_weights),
        "turns": turns,
        "warm_up_rounds": max(1, warm_up // sum(turns)),
        "rounds": max(1, (iterations - warm_up) // sum(turns)),
        "candidates": 8,
        "retrained": 8,
        "validation_images": max(100, train_images // 10),
        **settings,
    }
    return AdaShareSettings(
        task_weights=task_weights,
        train_images=train_images,
        search_rate=options["rate"],
        **options,
    )


def mini(task_weights):
    """Settings from random weights, on two cores in minutes."""
    return AdaShareSettings(
        **MINI,
        size=96,
        validation_images=150,
        network={**SMALL, "features": 64},
        steps=Budget(300, 225),
        task_weights=task_weights,
        warm_up_rounds=4,
        rounds=12,
        turns=(20, 5),
        search_rate=0.01,
        policy_rate=0.05,
        # To 0.4 within the twelve rounds: the weights must learn what a decision does.
        temperature_decay=0.8,
        # With 0.005 hardly a block is skipped; both do as well on the validation split.
        sparsity_weight=0.02,
        agreement_weight=0.05,
        blocks_every=1,
        candidates=3,
        retrained=1,
    )


def ends(settings):
    """The stages with cross-stitch units behind them: the stem, and the last block of each size."""
    return ["stem", *locations(settings.network["depth"])]


def ada_share(settings, data, tasks):
    """The best of the policies that are trained again from random weights."""
    search = PolicySearch(
        AdaShared(
            per_task_statistics=settings.per_task_statistics,
            sparsity_weight=settings.sparsity_weight,
            agreement_weight=settings.agreement_weight,
            form=settings.form,
        ),
        settings.turns,
        settings.warm_up_rounds,
        settings.rounds,
        images=settings.policy_images,
        optimizer=SGD(settings.search_rate, 0.9, **settings.decay_and_heads),
        rate=settings.policy_rate,
        weight_decay=5e-4,
        decay=settings.temperature_decay,
        blocks_every=settings.blocks_every,
    )
    policy = PolicyOfTasks(settings.candidates)
    return Contender("AdaShare", policy, search=search, candidates=settings.retrained)


def random_policy(settings, data, tasks):
    """A network in which every task skips as many blocks as AdaShare's, by chance."""
    looks_at = ada_share(settings, data, tasks)
    return Contender("random policy", RandomPolicy(), looks_at=looks_at)


ada_share_table = functools.partial(
    Recipe,
    source=SUN,
    rows={
        "one-task": one_task(),
        "hard sharing": hard_sharing(),
        "cross-stitch": stitched(ends),
        "AdaShare": ada_share,
        "random policy": random_policy,
    },
    draw=draw_ada_share,
    timed=True,
)
NYUV2 = {
    "size": 321,
    "train_images": 795,
    "test_images": 654,
    "agreement_weight": 0.05,
    "blocks_every": 3,
}
NYUV2_WEIGHTS = {"segmentation": 1, "normals": 20, "depth": 3}
TASKONOMY_WEIGHTS = {"segmentation": 1, "normals": 3, "depth": 2, "keypoints": 7, "edges": 7}

RECIPES = [
    ada_share_table(
        name="adashare_nyuv2",
        title="AdaShare on NYUv2: "
        "which blocks should segmentation, surface normals and depth share?",
        text="""\
One-task networks, one network that all tasks share, the network stitched from the one-task
networks, and AdaShare: a policy is learned along with the weights, the best of some policies by the
validation images is kept, and the network is trained again from random weights with that policy.
Another row has a random policy that skips as many blocks of every task. All rows have the same
number of steps; the search comes on top. The gain is the paper's Δ, of all scores of a task; MACs,
heads included, count what tasks compute alike once, and "by task" each task by itself, as the paper
does; size and time are those of the first seed's networks.

The published networks have three tasks and depth 34, or two tasks and depth 18. NYUv2 has no
validation images: 99 of the training's are taken for them. Pictures are seen as a whole, with a
shorter side of 321 pixels, where the paper trains on crops of that size. The paper reports 30.2
mean IU and 16.6° mean error for three tasks against 27.5 and 17.5° for one-task networks. `mini`
takes 25 minutes a seed on 2 cores.
""",
        problem=deeplab_problem(NYUV2_WEIGHTS, "nyuv2"),
        presets={
            "mini": mini(NYUV2_WEIGHTS),
            "paper": published(NYUV2_WEIGHTS, **NYUV2, sparsity_weight=0.001),
            "paper-2-tasks": published(
                {"segmentation": 1, "normals": 20},
                **NYUV2,
                network={"depth": 18},
                sparsity_weight=0.05,
            ),
        },
    ),
    ada_share_table(
        name="adashare_cityscapes",
        title="AdaShare on Cityscapes: which blocks should segmentation and depth share?",
        text="""\
The rows of `adashare_nyuv2`. Depth is in metres on `rooms`, and on Cityscapes, as in the paper,
inverse: in 1/m. An eighth of its training pictures, or less, are for validation; the published
validation pictures are for the test. The paper reports 41.5 mean IU against 40.2 for the one-task
network.
""",
        problem=deeplab_problem(("segmentation", "depth"), "cityscapes_mtl"),
        presets={
            # The paper's factor of 20 is for inverse depths from 0 to 1; rooms has metres.
            "mini": mini({"segmentation": 1, "depth": 3}),
            "paper": published(
                {"segmentation": 1, "depth": 20},
                size=224,
                train_images=2975,
                test_images=500,
                head_rate=0.1,
                sparsity_weight=0.01,
                agreement_weight=0.1,
                blocks_every=3,
            ),
        },
    ),
    ada_share_table(
        name="adashare_taskonomy",
        title="AdaShare on Taskonomy: which blocks should five tasks share?",
        text="""\
The rows of `adashare_nyuv2`, for segmentation, surface normals, depth, 2D keypoints and 2D edges.
On `rooms`, keypoints and edges are computed from the picture: a corner response, and the magnitude
of the gradient. `paper` takes Taskonomy's tiny split, less than the paper's own choice of
buildings, so that the paper's numbers are not to be expected.
""",
        problem=deeplab_problem(TASKONOMY_WEIGHTS, "taskonomy"),
        presets={
            "mini": mini(TASKONOMY_WEIGHTS),
            # The pictures of Taskonomy's tiny split, less than the paper's own choice of buildings.
            "paper": published(
                TASKONOMY_WEIGHTS,
                size=224,
                train_images=250_000,
                test_images=50_000,
                iterations=100_000,
                warm_up=20_000,
                # A pass over so many pictures is too long a turn: few blocks would be decided on.
                turns=(800, 200),
                rate=1e-4,
                sparsity_weight=0.001,
                agreement_weight=0.005,
                blocks_every=1,
            ),
        },
    ),
]
