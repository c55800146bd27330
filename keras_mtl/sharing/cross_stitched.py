"""One tower a task, with cross-stitch units between their stages."""

import warnings
from collections.abc import Iterable, Sequence

import keras

from keras_mtl._checks import names
from keras_mtl._types import Config, Features
from keras_mtl.layers.cross_stitch import CrossStitch, warn_of_alpha
from keras_mtl.sharing.plan import Plan
from keras_mtl.sharing.sharing import Sharing, unit_options
from keras_mtl.towers.tower import Tower


@keras.saving.register_keras_serializable("keras_mtl")
class CrossStitched(Sharing):
    """T towers with a `CrossStitch` unit after chosen stages.

    Source: Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016, section 4.

    Args:
        after: names of the stages that are followed by a unit; all stages if `None`.
        per_channel: as in `CrossStitch`.
        alpha: as in `CrossStitch`.
        learning_rate_multiplier: as in `CrossStitch`.

    Raises:
        ValueError: options as of `CrossStitch`; from `plan`: an unknown stage (the known ones
            are listed) or fewer than two tasks.

    Example:

    >>> import keras_mtl
    >>> sharing = keras_mtl.sharing.CrossStitched(after=["pool1", "pool2"])
    """

    def __init__(
        self,
        after: str | Iterable[str] | None = None,
        per_channel: bool = True,
        alpha: Sequence[float] = (0.9, 0.1),
        learning_rate_multiplier: float | None = None,
    ) -> None:
        self.after = None if after is None else names(after, "after")
        self.per_channel = per_channel
        self.alpha = alpha
        self.learning_rate_multiplier = learning_rate_multiplier
        # Wrong options are refused here rather than when the model is built.
        unit = self._unit()
        self.alpha = unit.initial_alpha
        self.learning_rate_multiplier = unit.learning_rate_multiplier
        warn_of_alpha(self.alpha, stacklevel=2)

    def join(self, plan: Plan, stage: str, features: Features) -> Features:
        if self.after is not None and stage not in self.after:
            return features
        unit = self._unit(name=f"stitch_{stage}", **unit_options(plan, stage))
        return plan.unit_of_all(unit, features, behind=stage)

    def check(self, tower: Tower, tasks: Sequence[str]) -> None:
        for stage in self.after or ():
            tower.index(stage, "after")
        if len(tasks) < 2:
            raise ValueError(f"Cross-stitching needs at least two tasks. Received: {list(tasks)}.")

    def get_config(self) -> Config:
        return {
            "after": self.after,
            "per_channel": self.per_channel,
            "alpha": list(self.alpha),
            "learning_rate_multiplier": self.learning_rate_multiplier,
        }

    def _unit(self, **options):
        with warnings.catch_warnings():
            # Of alphas, once, where the sharing is made.
            warnings.simplefilter("ignore", UserWarning)
            return CrossStitch(
                per_channel=self.per_channel,
                alpha=self.alpha,
                learning_rate_multiplier=self.learning_rate_multiplier,
                **options,
            )
