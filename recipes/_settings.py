"""What the settings of all tables have in common."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How long and how fast networks learn; sizes in pixels, lengths in iterations.

    A problem adds what its data and its networks are.
    """

    train_images: int
    test_images: int
    batch_size: int
    """In images."""
    network: dict
    """Options of the application."""
    one_task_iterations: dict
    further_iterations: int
    learning_rate: float
    annealed: bool
    """Whether the first steps warm up, and the further ones fall to a rate of zero by a cosine."""
    augmented: bool
    """Whether pictures are mirrored (and, of dense tasks, their colours changed)."""
    rate_falls_after: int | None = None
    """Steps after which the rate falls to a tenth, and stays there for the further ones."""
    tasks: tuple | None = None
    """The tasks, if they are others than those of the problem."""
    latent_size: int | None = None
    """Size of MTL-shared's basis, in tables that have it."""
    weight_decay: float = 5e-4
    momentum: float = 0.9
    alpha: tuple = (0.9, 0.1)
    alpha_rate: float = 100.0
