"""The five scores of depth in one pass."""

import keras

from keras_mtl._types import Tensor
from keras_mtl.metrics._depth_metric import DepthMetric
from keras_mtl.metrics.depth_absolute_error import DepthAbsoluteError
from keras_mtl.metrics.depth_relative_error import DepthRelativeError
from keras_mtl.metrics.depth_within_ratio import DepthWithinRatio


@keras.saving.register_keras_serializable("keras_mtl")
class DepthScores(DepthMetric):
    """Absolute and relative error and the shares within ratios of 1.25, 1.25² and 1.25³.

    The same numbers as `DepthAbsoluteError`, `DepthRelativeError` and three `DepthWithinRatio`.

    Args:
        name: Name of the metric, and prefix of its results: Keras logs a dict of results by its
            own keys, without the output's name.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: dict of scalars with the keys "<name>_absolute_error" (metres),
        "<name>_relative_error", "<name>_within_1.25", "<name>_within_1.5625" and
        "<name>_within_1.953125" (shares in [0, 1]).

    Raises:
        ValueError: If the shapes of an update do not fit.

    Source: Eigen, Puhrsch, Fergus, Depth Map Prediction from a Single Image using a Multi-Scale
    Deep Network, NeurIPS 2014; this selection is that of Sun et al., AdaShare: Learning What to
    Share for Efficient Deep Multi-Task Learning, NeurIPS 2020.

    Example:

    >>> metric = DepthScores()
    >>> y_true = np.array([[[2.0, 4.0, 0.0]]], "float32")
    >>> scores = metric(y_true, np.array([[[[2.0], [3.0], [9.0]]]], "float32"))
    >>> float(scores["depth_absolute_error"]), float(scores["depth_within_1.25"])
    (0.5, 0.5)
    """

    def __init__(self, name: str = "depth", dtype: str | keras.DTypePolicy | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        # Tracked by Keras: their variables are this metric's.
        self.parts = [
            DepthAbsoluteError(),
            DepthRelativeError(),
            *(DepthWithinRatio(1.25**power) for power in (1, 2, 3)),
        ]

    def _accumulate(self, true, predicted, weights):
        for part in self.parts:
            part._accumulate(true, predicted, weights)

    def result(self) -> dict[str, Tensor]:
        return {f"{self.name}_{part.name}": part.result() for part in self.parts}
