"""Rows that tables of several papers have."""

from keras_mtl.sharing import CrossStitched
from keras_mtl.study import Contender


def stitched(after, start="one-task", **units):
    """The network stitched from the one-task networks, with the units of the settings but for some.

    Args:
        after: names of the stages with units behind them, or a function of `Settings`.
        start: as of `Contender`.
        **units: options of the units, as of `CrossStitched`.
    """

    def contender(settings, data, tasks):
        usual = {"alpha": settings.alpha, "learning_rate_multiplier": settings.alpha_rate}
        stages = after(settings) if callable(after) else after
        return Contender("cross-stitch", CrossStitched(stages, **{**usual, **units}), start)

    return contender
