"""What the annotations of studies call things."""

from collections.abc import Callable
from typing import Any, TypeAlias

AnyStudy: TypeAlias = Any
"""A `Study`: it stands above what it is made of, which cannot import it."""

Launcher: TypeAlias = Callable[..., None]
"""A function of a study, its jobs and of the `Progress` that it calls with each that has ended."""
