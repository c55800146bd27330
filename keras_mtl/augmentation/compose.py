"""Several augmentations, one after the other."""


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

    def __init__(self, augmentations):
        self.augmentations = list(augmentations)
        for augmentation in self.augmentations:
            if not callable(augmentation):
                raise ValueError(f"`augmentations` must be callables. Received: {augmentation!r}")

    def __call__(self, images, targets, rng):
        for augmentation in self.augmentations:
            images, targets = augmentation(images, targets, rng)
        return images, targets
