"""A task: what is learned of an input, by which loss, and by what it is scored."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

import keras

from keras_mtl._check_choice import check_choice
from keras_mtl._types import Config, Size
from keras_mtl.heads import ASPPDepthHead, ASPPNormalsHead, ASPPSegmentationHead
from keras_mtl.losses import (
    AttributesCrossentropy,
    DepthL1,
    NormalsCosine,
    SegmentationCrossentropy,
)
from keras_mtl.metrics import DepthScores, NormalsScores, SegmentationScores

Direction: TypeAlias = Literal["higher", "lower"]
LOSS = "loss"
"""The headline of a task that is scored by nothing else."""


@keras.saving.register_keras_serializable("keras_mtl")
class Task:
    """A head, its loss, and the metrics by which networks are compared.

    One of the metrics is the headline: by it contenders are compared. Its direction is known of
    the metrics of Keras that have one; of others `better` says it.

    Args:
        head: Keras layer or model from a task's last features to its output, or a function of an
            integer seed that makes one.
        loss: as `compile` takes it for one output: a name, a `keras.losses.Loss` or a function.
        metrics: list of what `compile` takes as metrics of one output; the loss itself if empty.
        better: `"higher"` or `"lower"`: which headline is the better one.
        headline: name of the metric by which networks are compared, as in what `evaluate` returns
            but without the task in front; the first metric if `None`.
        weight: factor on the loss, beside those of other tasks.
        classes: names of the classes or attributes, if there are any.

    Raises:
        TypeError: `head` is neither layer nor function.
        ValueError: no loss, a negative weight, a metric without a name, or a direction that is not
            known.

    Example:

    >>> import keras, keras_mtl
    >>> age = keras_mtl.Task(keras.layers.Dense(1), loss="mse", metrics=["mae"])
    >>> age.headline, age.better
    ('mae', 'lower')
    """

    def __init__(
        self,
        head: keras.layers.Layer | Callable[[int], keras.layers.Layer],
        loss: Any,
        metrics: Sequence[Any] = (),
        better: Direction | None = None,
        headline: str | None = None,
        weight: float = 1.0,
        classes: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(head, keras.layers.Layer) and not callable(head):
            raise TypeError(
                f"`head` must be a Keras layer, or a function of a seed. Received: head={head!r}."
            )
        if loss is None:
            raise ValueError("`loss` must be what the task is trained by. Received: loss=None.")
        if isinstance(metrics, (str, Mapping)) or not isinstance(metrics, Sequence):
            raise ValueError(f"`metrics` must be a list. Received: metrics={metrics!r}.")
        if not weight >= 0:
            raise ValueError(f"`weight` must be at least 0. Received: weight={weight!r}.")
        self.head, self.loss, self.metrics = head, loss, list(metrics)
        known = {_name(metric): _direction(metric) for metric in self.metrics} or {LOSS: "lower"}
        self.headline = next(iter(known)) if headline is None else headline
        if better is None:
            better = known.get(self.headline)
            if better is None:
                raise ValueError(
                    f"`better` must say whether a 'higher' or a 'lower' {self.headline} is the "
                    "better one: its metric does not. Received: better=None."
                )
        check_choice("better", better, ("higher", "lower"))
        self.better, self.weight = better, float(weight)
        self.classes = None if classes is None else [str(name) for name in classes]

    @classmethod
    def regression(cls, outputs: int = 1, **options: Any) -> Self:
        """Numbers, by their squared error; compared by their absolute error.

        Args:
            outputs: how many numbers.
            **options: of `Task`, in place of these.
        """
        given = {
            "head": keras.layers.Dense(outputs),
            "loss": "mse",
            "metrics": ["mae"],
            "better": "lower",
        }
        return cls(**{**given, **options})

    @classmethod
    def classification(cls, classes: int | Sequence[str], **options: Any) -> Self:
        """One of several classes, given as integers from 0; compared by accuracy.

        Args:
            classes: how many, or their names.
            **options: of `Task`, in place of these.
        """
        count, names = _counted(classes)
        given = {
            "head": keras.layers.Dense(count),
            "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "metrics": ["accuracy"],
            "better": "higher",
            "classes": names,
        }
        return cls(**{**given, **options})

    @classmethod
    def attributes(cls, attributes: int | Sequence[str], **options: Any) -> Self:
        """Several yes-or-no questions, 0 or 1, or -1 where unknown; compared by their loss.

        Args:
            attributes: how many, or their names.
            **options: of `Task`, in place of these.
        """
        count, names = _counted(attributes)
        given = {
            "head": keras.layers.Dense(count),
            "loss": AttributesCrossentropy(),
            "weight": 1 / count,
            "classes": names,
        }
        return cls(**{**given, **options})

    def __repr__(self) -> str:
        return f"<Task by {self.headline}, {self.better} is better>"

    @classmethod
    def segmentation(
        cls, classes: int | Sequence[str], size: Size | None = None, **options: Any
    ) -> Self:
        """A class for every pixel, 255 where there is none; compared by mean IU.

        Args:
            classes: how many, or their names.
            size: `(height, width)` of the labels, in pixels; the features' own if `None`.
            **options: of `Task`, in place of these, such as another `head` of as many channels.
        """
        count, names = _counted(classes)
        given = {
            "head": ASPPSegmentationHead(count, size),
            "loss": SegmentationCrossentropy(),
            "metrics": [SegmentationScores(count)],
            "better": "higher",
            "headline": "segmentation_mean_iu",
            "classes": names,
        }
        return cls(**{**given, **options})

    @classmethod
    def normals(cls, size: Size | None = None, **options: Any) -> Self:
        """Surface normals, of length zero where unknown; compared by their mean angular error.

        Args:
            size: as of `segmentation`.
            **options: of `Task`, in place of these.
        """
        given = {
            "head": ASPPNormalsHead(size),
            "loss": NormalsCosine(),
            "metrics": [NormalsScores()],
            "better": "lower",
            "headline": "normals_mean_angular_error",
        }
        return cls(**{**given, **options})

    @classmethod
    def depth(cls, size: Size | None = None, **options: Any) -> Self:
        """Metres, 0 where unknown; compared by their mean relative error.

        Args:
            size: as of `segmentation`.
            **options: of `Task`, in place of these.
        """
        given = {
            "head": ASPPDepthHead(size),
            "loss": DepthL1(),
            "metrics": [DepthScores()],
            "better": "lower",
            "headline": "depth_relative_error",
        }
        return cls(**{**given, **options})

    def with_head(self, head: keras.layers.Layer) -> Self:
        """The same task with another head."""
        other = copy.copy(self)
        other.head = head
        return other

    def new_metrics(self) -> list[Any]:
        """The metrics, without what they have counted."""
        return [new_metric(metric) for metric in self.metrics]

    def get_config(self, head: bool = True) -> Config:
        """What decides how the task is learned and scored; of a function of a seed one head."""
        return {
            **({"head": config_of_head(self.head)} if head else {}),
            "loss": keras.losses.serialize(keras.losses.get(self.loss)),
            "metrics": [
                metric if isinstance(metric, str) else keras.saving.serialize_keras_object(metric)
                for metric in self.metrics
            ],
            "better": self.better,
            "headline": self.headline,
            "weight": self.weight,
            "classes": self.classes,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("head", "loss")
            if not isinstance(config[name], keras.layers.Layer)
        }
        metrics = [
            metric if isinstance(metric, str) else keras.saving.deserialize_keras_object(metric)
            for metric in config["metrics"]
        ]
        return cls(**{**config, **parts, "metrics": metrics})


def made_head(head: Any, seed: int) -> keras.layers.Layer:
    """The head, or a new one if it is made by a function of a seed."""
    return head if isinstance(head, keras.layers.Layer) else head(seed)


def new_metric(metric: Any, name: str | None = None) -> Any:
    """A metric of the same kind, under another name if one is given; a name or function itself."""
    if not isinstance(metric, keras.metrics.Metric):
        return metric
    made = type(metric).from_config(metric.get_config())
    made.name = name or metric.name
    return made


def config_of_head(head: Any) -> Config:
    """The configuration of a head, or of one that a function of a seed makes."""
    return keras.saving.serialize_keras_object(made_head(head, 0))


def _counted(names):
    """How many there are, and their names if they have any."""
    return (names, None) if isinstance(names, int) else (len(names), names)


def _name(metric):
    name = metric if isinstance(metric, str) else getattr(metric, "name", None)
    name = name or getattr(metric, "__name__", None)
    if not name:
        raise ValueError(f"`metrics` must have names. Received: {metric!r}.")
    return name


def _direction(metric):
    """Which direction of a metric is the better one; `None` if that is not known."""
    if isinstance(metric, str):
        try:
            metric = keras.metrics.get(metric)
        except ValueError:
            return None
    known = {"up": "higher", "down": "lower"}
    return known.get(getattr(metric, "_direction", None))
