"""One tower a task, with cross-stitch units between their stages."""

import keras

from keras_mtl.layers import CrossStitch
from keras_mtl.sharing.sharing import Sharing, features_dtype


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
        ValueError: from `connect`: an unknown stage (the known ones are listed) or fewer than two
            tasks.

    Example:

    >>> import keras_mtl
    >>> sharing = keras_mtl.sharing.CrossStitched(after=["pool1", "pool2"])
    """

    def __init__(
        self, after=None, per_channel=True, alpha=(0.9, 0.1), learning_rate_multiplier=100.0
    ):
        self.after = None if after is None else list(after)
        self.per_channel = per_channel
        self.alpha = tuple(alpha)
        self.learning_rate_multiplier = learning_rate_multiplier

    def join(self, stage, features):
        if self.after is not None and stage not in self.after:
            return features
        unit = CrossStitch(
            per_channel=self.per_channel,
            alpha=self.alpha,
            learning_rate_multiplier=self.learning_rate_multiplier,
            name=unit_name(stage),
            dtype=features_dtype(features),
        )
        return dict(zip(features, unit(list(features.values())), strict=True))

    def check(self, tower, tasks):
        for stage in self.after or ():
            tower.index(stage)
        if len(tasks) < 2:
            raise ValueError(f"Cross-stitching needs at least two tasks. Received: {list(tasks)}.")

    def get_config(self):
        return {
            "after": self.after,
            "per_channel": self.per_channel,
            "alpha": list(self.alpha),
            "learning_rate_multiplier": self.learning_rate_multiplier,
        }


def unit_name(stage):
    """Name of the unit behind a stage."""
    return f"stitch_{stage}"
