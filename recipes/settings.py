"""What the settings of all recipes have in common, and how one is replaced by a word."""

import ast
import dataclasses

from keras_mtl.study import Budget

PARTS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How much data there is, what the networks are, how long and how fast they learn.

    A problem adds what its data and its networks are. Sizes are in pixels, lengths in steps.
    """

    train_images: int
    validation_images: int
    """To choose by; of published data without such they are taken from those to learn from."""
    test_images: int
    batch_size: int
    """In images."""
    network: dict
    """Options of the application."""
    steps: Budget
    rate: float
    """Learning rate."""
    augmented: bool = False
    """Whether pictures are mirrored (and, of dense tasks, their colours changed)."""
    weight_decay: float = 5e-4
    momentum: float = 0.9
    alpha: tuple = (0.9, 0.1)
    alpha_rate: float = 100.0
    """Factor on the learning rate of the alphas."""
    latent_size: int | None = None
    """Size of MTL-shared's basis, in tables that have it."""
    tasks: tuple | None = None
    """The tasks, if they are others than those of the problem."""

    @property
    def images(self):
        """How many there are of each part of the data."""
        return {part: getattr(self, f"{part}_images") for part in PARTS}

    def replaced(self, words):
        """The settings with other values, from words such as `rate=0.01` or `network.width=0.5`.

        Of a number of `steps` half are in each part, if there are two.

        Raises:
            ValueError: an unknown name, or a value of another kind; it names what was expected.
        """
        found = self
        for word in words:
            name, equals, text = word.partition("=")
            name, _, key = name.partition(".")
            known = [field.name for field in dataclasses.fields(self) if field.init]
            if not equals or name not in known or bool(key) != (name == "network"):
                raise ValueError(
                    "`set` must be words NAME=VALUE, of the names "
                    f"{', '.join(known).replace('network', 'network.OPTION')}. Received: {word}."
                )
            value = _value(text)
            if key:
                value = {**found.network, key: value}
            elif name == "steps":
                halves = Budget.of(value)
                first, second = (halves.first, halves.second) if self.steps.first else (0, value)
                value = dataclasses.replace(self.steps, first=first, second=second)
            elif not _is_alike(value, getattr(self, name)):
                kind = type(getattr(self, name)).__name__
                raise ValueError(f"`set`: {name} must be a {kind}. Received: {text}.")
            found = dataclasses.replace(found, **{name: value})
        return found


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):  # A word is text.
        return text


def _is_alike(value, before):
    if isinstance(before, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(before, bool)
    if isinstance(before, float):
        return isinstance(value, (int, float))
    return before is None or isinstance(value, type(before))
