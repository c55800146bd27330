"""Draws that go on where a saved model left off."""

from collections.abc import Mapping, MutableMapping
from typing import Any

import keras
from keras import ops

from keras_mtl._checks import check_integer

STATE = "seed_state"


class Drawing:
    """Mixin of a balancing that draws; it stands before the base.

    Attributes:
        seed: as given.
        seed_generator: what the draws take their seeds from.

    Args:
        seed: integer seed of the draws, or `None`.
        **options: of the base.
    """

    def __init__(self, *args: Any, seed: int | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.seed = None if seed is None else check_integer("seed", seed, 0)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    # Keras leaves generators out of its files.

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        super().save_own_variables(store)  # type: ignore[misc]
        store[STATE] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        others = {key: store[key] for key in store.keys() if key != STATE}
        super().load_own_variables(others)  # type: ignore[misc]
        self.seed_generator.state.assign(store[STATE])
