"""What the networks of all dense tables are, and how long they learn."""

import dataclasses

from keras_mtl.recipes._settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class DenseSettings(Settings):
    """The settings of dense tasks."""

    size: int
    """The shorter side of the pictures, in pixels; those of rooms are square."""
    validation_images: int
    """To choose by; of published data they are taken from those to learn from."""
    num_words: int = 20
    """Words of the normals' codebook."""


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": DenseSettings(
        size=96,
        train_images=1200,
        validation_images=200,
        test_images=300,
        batch_size=16,
        network={
            "width": 1 / 4,
            "fc_width": 1 / 8,
            "stem_strides": 2,
            "padding": "same",
            "rescale": 1 / 64,
        },
        one_task_iterations={"segmentation": 375, "normals": 375, "depth": 375},
        further_iterations=300,
        learning_rate=0.03,
        annealed=True,
        # So short a training never sees a picture often enough to need other versions of it.
        augmented=False,
        latent_size=20,
        # The alphas' own rate is then 0.3. With a factor of 100 they are noisy to the end; both
        # factors were compared on the validation split.
        alpha_rate=10.0,
    ),
    # The paper's own numbers (section 5); FCN-AlexNet's learning rate. It has no depth, and does
    # not say how large the basis of MTL-shared was.
    "paper": DenseSettings(
        size=480,
        train_images=795,
        validation_images=60,
        test_images=654,
        batch_size=20,
        network={},
        one_task_iterations={"segmentation": 25_000, "normals": 15_000, "depth": 25_000},
        further_iterations=10_000,
        learning_rate=1e-3,
        annealed=False,
        augmented=True,
        latent_size=40,
    ),
}
