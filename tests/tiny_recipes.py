"""The recipes at a miniature size."""

import dataclasses

from keras_mtl import recipes
from keras_mtl.study import Budget

ALL = recipes.load()

# A ResNet of one block a stage; `small` makes it known.
SHALLOW = 10

FEW = {"train_images": 8, "validation_images": 6, "test_images": 5, "batch_size": 4}
TINY = {
    "dense": {
        "size": 32,
        **FEW,
        "network": {"width": 0.03, "stem_strides": 2, "padding": "same", "rescale": 1 / 64},
        "steps": Budget(4, 4),
        "latent_size": 5,
    },
    "detection": {
        "canvas": (32, 32),
        **FEW,
        "proposals": 8,
        "rois_per_image": 4,
        "network": {"width": 0.03, "stem_strides": 2, "rescale": 1 / 64},
        "steps": Budget(4, 4),
        "latent_size": 5,
    },
    "ada_share": {
        "size": 32,
        **FEW,
        "train_images": 20,
        "network": {"depth": SHALLOW, "width": 0.03, "features": 4},
        "steps": Budget(4, 4),
        "warm_up_rounds": 1,
        "rounds": 2,
        "turns": (2, 1),
        "candidates": 1,
        "retrained": 1,
    },
    "branched": {
        "size": 32,
        **FEW,
        "network": {"depth": SHALLOW, "width": 0.06, "features": 4},
        "steps": Budget(2, 2),
    },
    "attributes": {
        **FEW,
        "picture_size": 48,
        "batch_size": 8,
        "network": {"width": 4},
        "steps": Budget(2, 2),
    },
    "retrieval": {
        "train_images": 20,
        "validation_images": 12,
        "test_images": 12,
        "picture_size": 64,
        "smallest": 6,
        "num_tasks": 2,
        "triplets_per_task": 2,
        "network": {"width": 0.1, "size": 8},
        "steps": Budget(0, 4),
        "steps_an_epoch": 2,
        "judged_triplets": 50,
        "compliance_batches": 2,
    },
    "fashion": {
        "train_images": 32,
        "validation_images": 8,
        "test_images": 20,
        "batch_size": 16,
        "steps": Budget(3, 6, warm_up=False),
    },
}
KINDS = {
    "DenseSettings": "dense",
    "DetectionSettings": "detection",
    "AdaShareSettings": "ada_share",
    "DeepLabSettings": "branched",
    "AttributesSettings": "attributes",
    "RetrievalSettings": "retrieval",
    "Settings": "fashion",
}
ATTRIBUTES = 5
"""Of 24: each is a task, with a network of its own."""


def tiny_settings(recipe, **others):
    """The smallest preset in miniature."""
    mini = recipe.presets["mini"]
    return dataclasses.replace(mini, **{**TINY[KINDS[type(mini).__name__]], **others})
