"""Several augmentations, one after the other."""

from collections.abc import Iterable

import numpy as np

from keras_mtl._types import Array, Augmentation


class Compose:
    """Applies augmentations in turn; they draw from one generator.

    Args:
        augmentations: List of callables `(images, targets, rng) -> (images, targets)`.

    Returns:
        When called with `(images, targets, rng)`, a new pair (images, targets).

    Raises:
        ValueError: If one of them cannot be called.

    Example:

    >>> from keras_mtl.augmentation import ColorJitter, Compose, RandomHorizontalFlip
    >>> augment = Compose([RandomHorizontalFlip(), ColorJitter(brightness=0.3)])
    >>> images, depth = np.full((2, 4, 4, 3), 100, "uint8"), np.ones((2, 4, 4), "float32")
    >>> images, targets = augment(images, {"depth": depth}, np.random.default_rng(0))
    >>> images.shape, list(targets)
    ((2, 4, 4, 3), ['depth'])
    """

    def __init__(self, augmentations: Iterable[Augmentation]) -> None:
        self.augmentations = list(augmentations)
        for augmentation in self.augmentations:
            if not callable(augmentation):
                raise ValueError(f"`augmentations` must be callables. Received: {augmentation!r}")

    def __call__(
        self, images: Array, targets: dict[str, Array], rng: np.random.Generator
    ) -> tuple[Array, dict[str, Array]]:
        for augmentation in self.augmentations:
            images, targets = augmentation(images, targets, rng)
        return images, targets
