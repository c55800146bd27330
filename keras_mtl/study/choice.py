"""Sharings that are not known before other networks are trained."""

import dataclasses
from typing import Any

from keras_mtl._types import Config
from keras_mtl.sharing import Sharing
from keras_mtl.study._types import AnyStudy


class Choice:
    """A sharing that is chosen by what other networks have learned.

    Attributes:
        needs_all: whether it fails where one of these has failed; else where all have.
    """

    needs_all = True

    def choose(self, study: AnyStudy, training: Any) -> Sharing:
        """The sharing of a `Training`; those that it is chosen from have ended."""
        raise NotImplementedError

    def largest(self) -> Sharing:
        """A sharing that costs no less than what will be chosen."""
        raise NotImplementedError

    def get_config(self) -> Config:
        return dataclasses.asdict(self)  # type: ignore[call-overload]
