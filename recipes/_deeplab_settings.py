"""What DeepLab's networks are, and how long they learn."""

import dataclasses

from keras_mtl.recipes._dense_settings import DenseSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeepLabSettings(DenseSettings):
    """The settings of DeepLab's tables."""

    task_weights: dict
    """Weight of every task's loss (AdaShare's λ)."""
    head_rate: float = 1.0
    """Factor on the learning rate of the heads."""
    halved_every: int | None = None
    """Steps after which the learning rate is halved, again and again."""
