"""What AdaShare's networks are, and how long they learn."""

import dataclasses

from keras_mtl.recipes._deeplab_settings import DeepLabSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdaShareSettings(DeepLabSettings):
    """The settings of AdaShare's tables, with those of the search for a policy.

    A round of the search is a turn of the weights and one of the policy.
    """

    warm_up_rounds: int
    """Rounds at the start in which all blocks are executed and only the weights learn."""
    rounds: int
    turns: tuple | None = None
    """Steps of a turn of the weights and of the policy; `None`: as many as their data has."""
    policy_images: float = 0.2
    """Share of the training images from which, after the warm-up, the policy learns."""
    temperature_decay: float = 0.965
    """Factor on the temperature from round to round."""
    per_task_statistics: bool = False
    """As of `AdaShared`."""
    search_rate: float
    """Learning rate of the weights after the warm-up."""
    policy_rate: float = 0.01
    sparsity: float
    sharing: float
    form: str = "code"
    blocks_every: int
    """Rounds after which a further block comes under the policy."""
    candidates: int
    """Policies that are drawn beside the most probable one."""
    retrained: int
    """How many of them, the best with the weights of the search, are trained from random weights;
    the best of those, on the validation images, is the table's."""


def published(depth, iterations, warm_up, batch, turns=None, **settings):
    """The settings of a published run.

    The length of the turns is not published: a turn is one pass over its part of the data, unless
    `turns` says otherwise. Weight decay is that of Keras, which takes it off the weights; PyTorch's
    Adam, in which the numbers were published, adds it to the gradient.
    """
    images, of_policy = settings["train_images"], AdaShareSettings.policy_images
    round_steps = sum(
        turns or (round(images * (1 - of_policy)) // batch, round(images * of_policy) // batch)
    )
    options = {
        "batch_size": batch,
        "network": {"depth": depth},
        # All rows have as many steps; the stitched network starts from networks half way.
        "one_task_iterations": dict.fromkeys(settings["task_weights"], iterations // 2),
        "further_iterations": iterations // 2,
        "halved_every": 4000,
        "annealed": False,
        "augmented": True,
        "weight_decay": 1e-4,
        "per_task_statistics": True,
        "tasks": tuple(settings["task_weights"]),
        "turns": turns,
        "warm_up_rounds": max(1, warm_up // round_steps),
        "rounds": max(1, (iterations - warm_up) // round_steps),
        "candidates": 8,
        "retrained": 8,
        "validation_images": max(100, images // 10),
        "search_rate": settings["learning_rate"],
    }
    return AdaShareSettings(**{**options, **settings})


_MINI = {
    "size": 96,
    "train_images": 1200,
    "test_images": 300,
    "validation_images": 150,
    "batch_size": 16,
    "network": {"depth": 18, "width": 1 / 4, "features": 64, "dropout": 0.1},
    "further_iterations": 200,
    "learning_rate": 2e-3,
    "annealed": True,
    # So short a training never sees a picture often enough to need other versions of it.
    "augmented": False,
    "weight_decay": 1e-4,
    "alpha_rate": 1.0,
    "warm_up_rounds": 4,
    "rounds": 12,
    "turns": (20, 5),
    "search_rate": 0.01,
    "policy_rate": 0.05,
    # To 0.4 within the twelve rounds: the weights must learn what a decision does.
    "temperature_decay": 0.8,
    # With 0.005 hardly a block is skipped; both do as well on the validation split.
    "sparsity": 0.02,
    "sharing": 0.05,
    "blocks_every": 1,
    "candidates": 3,
    "retrained": 1,
}


def mini(task_weights, **settings):
    """Settings from random weights, on two cores in minutes."""
    iterations = dict.fromkeys(task_weights, 300)
    options = {**_MINI, "one_task_iterations": iterations, "task_weights": task_weights}
    return AdaShareSettings(**{**options, **settings})
