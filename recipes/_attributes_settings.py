"""What the networks for attributes are, and how long they learn."""

import dataclasses

from keras_mtl.recipes._settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttributesSettings(Settings):
    """The settings of attributes as tasks."""

    size: int
    """Height and width of a crop, in pixels."""
    picture_size: int
    """Height and width of the pictures of which crops are taken, in pixels."""
    validation_images: int
    """Pictures of which crops are taken to compare representations on."""


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": AttributesSettings(
        size=32,
        picture_size=96,
        train_images=1200,
        validation_images=100,
        test_images=300,
        batch_size=64,
        network={"width": 16, "dropout": 0.1},
        one_task_iterations={"attributes": 120},
        further_iterations=60,
        learning_rate=3e-3,
        annealed=True,
        augmented=False,
        weight_decay=1e-4,
        alpha_rate=1.0,
    ),
    # The published network; lengths and rates are ours.
    "paper": AttributesSettings(
        size=224,
        picture_size=224,
        train_images=162_770,
        validation_images=500,
        test_images=19_962,
        batch_size=32,
        network={},
        one_task_iterations={"attributes": 20_000},
        further_iterations=20_000,
        learning_rate=1e-3,
        annealed=True,
        augmented=False,
        weight_decay=1e-4,
    ),
}
