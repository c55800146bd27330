"""What is to be rendered: the checked arguments, which also name the cache file."""

from dataclasses import dataclass

from keras_mtl._checks import check_choice, check_integer

from .render import SPLITS

MIN_SIZE = 32
MAX_ANTIALIAS = 8


@dataclass(frozen=True)
class RenderRequest:
    """The arguments that the pictures depend on; see `load` for their meaning."""

    split: str
    size: int
    num_images: int
    seed: int
    antialias: int

    def __post_init__(self):
        check_choice("split", self.split, SPLITS)
        limits = {
            "size": (MIN_SIZE, 4096),
            "num_images": (1, None),
            "seed": (0, None),
            "antialias": (1, MAX_ANTIALIAS),
        }
        for name, (low, high) in limits.items():
            # NumPy integers become Python's: they go into file names and JSON.
            value = check_integer(name, getattr(self, name), low, high)
            object.__setattr__(self, name, value)
