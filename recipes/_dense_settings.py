"""What the networks of all dense tables are, and how long they learn."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides what the networks learn; sizes in pixels, lengths in iterations."""

    size: int
    train_images: int
    test_images: int
    batch_size: int
    network: dict
    one_task_iterations: dict
    further_iterations: int
    learning_rate: float
    annealed: bool
    """Whether the first steps warm up, and the further ones fall to a rate of zero by a cosine."""
    augmented: bool
    """Whether pictures are mirrored and their colours changed."""
    latent_size: int
    """Size of MTL-shared's basis."""
    weight_decay: float = 5e-4
    momentum: float = 0.9
    num_words: int = 20
    alpha: tuple = (0.9, 0.1)
    alpha_rate: float = 100.0


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": Settings(
        size=96,
        train_images=1200,
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
    "paper": Settings(
        size=500,
        train_images=795,
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
