"""What the branched networks for dense tasks are, and how long they learn."""

from keras_mtl.recipes._deeplab_settings import DeepLabSettings
from keras_mtl.recipes._tree_rows import COMPARED_IMAGES


def published(task_weights, iterations, **settings):
    """Settings of the published size; lengths, rates and weights of the losses are ours."""
    options = {
        "batch_size": 16,
        "network": {"depth": 50},
        "one_task_iterations": dict.fromkeys(task_weights, iterations // 2),
        "further_iterations": iterations // 2,
        "learning_rate": 1e-4,
        "annealed": False,
        "halved_every": iterations // 5,
        "augmented": True,
        "weight_decay": 1e-4,
        "tasks": tuple(task_weights),
        "task_weights": task_weights,
        "validation_images": COMPARED_IMAGES,
    }
    return DeepLabSettings(**{**options, **settings})


def mini(task_weights):
    """Settings from random weights, on two cores in minutes a seed."""
    return DeepLabSettings(
        size=64,
        train_images=1200,
        test_images=300,
        validation_images=COMPARED_IMAGES,
        batch_size=16,
        network={"depth": 18, "width": 1 / 4, "features": 32, "dropout": 0.1},
        one_task_iterations=dict.fromkeys(task_weights, 150),
        further_iterations=75,
        learning_rate=2e-3,
        annealed=True,
        # So short a training never sees a picture often enough to need other versions of it.
        augmented=False,
        weight_decay=1e-4,
        alpha_rate=1.0,
        tasks=tuple(task_weights),
        task_weights=task_weights,
    )
