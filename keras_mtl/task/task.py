"""A task: what is learned of an input, by which loss, and by what it is scored."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_choice
from keras_mtl._types import Array, Config, Size, Tensor
from keras_mtl.heads import (
    ASPPDepthHead,
    ASPPMapHead,
    ASPPNormalsHead,
    ASPPSegmentationHead,
    DetectionHead,
)
from keras_mtl.heads._log_of_share import log_of_share
from keras_mtl.losses import (
    AttributesCrossentropy,
    DepthL1,
    DetectionCrossentropy,
    KnownLoss,
    MapL1,
    NormalsCodebookCrossentropy,
    NormalsCosine,
    SegmentationCrossentropy,
    SmoothL1,
)
from keras_mtl.losses._kind_of import kind_of, marks_of
from keras_mtl.losses.known_loss import known
from keras_mtl.metrics import DepthScores, MapAbsoluteError, NormalsScores, SegmentationScores
from keras_mtl.task._scoring import (
    by_outputs_key,
    checked_class_weight,
    checked_columns,
    checked_headlines,
    checked_metrics,
    checked_missing,
    direction_of,
    mapped,
    name_of,
    serialized,
)
from keras_mtl.task.counted import counted_or_refused
from keras_mtl.task.heads import check_head, config_of_head, made_head
from keras_mtl.task.metrics import new_metric

Direction: TypeAlias = Literal["higher", "lower"]
Kind: TypeAlias = Literal["numbers", "classes", "attributes", "normals", "metres", "objects"]
KINDS = ("numbers", "classes", "attributes", "normals", "metres", "objects")
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
        loss: as `compile` takes it for one output: a name, a `keras.losses.Loss` or a function; a
            dict of those by the keys of a head with several outputs.
        metrics: list of what `compile` takes as metrics of one output; the loss itself if empty.
            Of several outputs a dict of such lists.
        better: `"higher"` or `"lower"`: which headline is the better one.
        headline: name of the metric by which networks are compared, as in what `evaluate` returns
            but without the task in front; the first metric if `None`. Of several, whose relative
            gains are averaged, a dict from name to direction.
        weight: factor on the loss, beside those of other tasks.
        classes: names of the classes or attributes, if there are any.
        kind: what the outputs are, so how predictions are shown and averaged: `"numbers"`,
            `"classes"` (one of several), `"attributes"` (each yes or no), `"normals"`, `"metres"`
            or `"objects"`. If `None`, the head's own kind; else classes or attributes by the name
            of the loss, such as `BinaryCrossentropy`; else numbers.
        missing: numbers that mark a label as not known, a single one or several, such as -999; of
            several outputs a dict by their keys. So do NaN, of classes and attributes -1, the
            loss's `ignore_class`, and of metres 0 if nothing else is said; and a task that is not
            among the targets, or `None`.
        class_weight: as of `keras.Model.fit`, for this task: a dict from class to weight, or an
            array as `keras_mtl.losses.class_weights` makes it; of several outputs a dict of those.
        columns: of tables: dict from heading to the name of a score and the factor on it, such as
            `{"accuracy %": ("accuracy", 100)}`; the headline alone if `None`.

    Raises:
        TypeError: `head` is neither a layer nor a function that returns one.
        ValueError: no loss, a negative weight, a metric without a name, a direction that is not
            known, classes of one name, or missing or columns of another form.

    Example:

    >>> import keras, keras_mtl
    >>> age = keras_mtl.Task(keras.layers.Dense(1), loss="mse", metrics=["mae"])
    >>> age.headline, age.better, age.kind
    ('mae', 'lower', 'numbers')
    """

    def __init__(
        self,
        head: keras.layers.Layer | Callable[[int], keras.layers.Layer],
        loss: Any,
        metrics: Sequence[Any] | Mapping[str, Sequence[Any]] = (),
        better: Direction | None = None,
        headline: str | Mapping[str, Direction] | None = None,
        weight: float = 1.0,
        classes: Sequence[str] | None = None,
        kind: Kind | None = None,
        columns: Mapping[str, tuple[str, float]] | None = None,
        missing: float | Sequence[float] | Mapping[str, Any] | None = None,
        class_weight: Any = None,
    ) -> None:
        check_head("head", head)
        made = made_head(head, 0)
        if not isinstance(made, keras.layers.Layer):
            raise TypeError(
                "`head` must be a function of a seed that returns a Keras layer. "
                f"Received: one that returns {made!r}."
            )
        if loss is None or isinstance(loss, (list, tuple)):
            raise ValueError(f"`loss` must be a loss, or a dict of some. Received: loss={loss!r}.")
        if weight is None or not weight >= 0:
            raise ValueError(f"`weight` must be at least 0. Received: weight={weight!r}.")
        self.head = head
        self.loss = dict(loss) if isinstance(loss, Mapping) else loss
        self.metrics = checked_metrics(metrics, self.loss)
        known = {
            name_of(metric, key): direction_of(metric)
            for key, of_output in by_outputs_key(self.metrics).items()
            for metric in of_output
        } or {LOSS: "lower"}
        self.directions = checked_headlines(headline, better, known)
        """Of each headline, which one is better."""
        self.headlines = tuple(self.directions)
        self.headline, self.better = next(iter(self.directions.items()))
        self.weight = float(weight)
        self.classes = None
        if classes is not None:
            _, self.classes = counted_or_refused("classes", classes)
            if self.classes is None:
                raise ValueError(f"`classes` must be a list of names. Received: {classes!r}.")
        kind = kind or getattr(made, "kind", None) or kind_of(self.loss)
        check_choice("kind", kind, KINDS)
        self.kind = kind
        self.columns = checked_columns(columns, self.headline)
        self.missing = checked_missing(missing, self.loss)
        self.class_weight = checked_class_weight(class_weight, self.loss)

    @classmethod
    def regression(cls, outputs: int = 1, **options: Any) -> Self:
        """Numbers, by their squared error; compared by their absolute error.

        Args:
            outputs: how many numbers.
            **options: of `Task`, in place of these.
        """
        return cls._ready(
            options,
            head=keras.layers.Dense(outputs),
            loss="mse",
            metrics=["mae"],
            better="lower",
            kind="numbers",
        )

    @classmethod
    def classification(cls, classes: int | Sequence[str], **options: Any) -> Self:
        """One of several classes, given as integers from 0; compared by accuracy.

        Args:
            classes: how many, or their names.
            **options: of `Task`, in place of these.
        """
        count, names = counted_or_refused("classes", classes)
        return cls._ready(
            options,
            head=keras.layers.Dense(count),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            better="higher",
            classes=names,
            kind="classes",
            columns={"accuracy %": ("accuracy", 100)},
        )

    @classmethod
    def attributes(cls, attributes: int | Sequence[str], **options: Any) -> Self:
        """Several yes-or-no questions, 0 or 1, or -1 where unknown; compared by their loss.

        Args:
            attributes: how many, or their names.
            **options: of `Task`, in place of these.
        """
        count, names = counted_or_refused("attributes", attributes)
        return cls._ready(
            options,
            count,
            head=keras.layers.Dense(count),
            loss=AttributesCrossentropy(),
            weight=1 / count,
            classes=names,
            kind="attributes",
        )

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
        count, names = counted_or_refused("classes", classes)
        return cls._ready(
            options,
            head=ASPPSegmentationHead(count, size),
            loss=SegmentationCrossentropy(),
            metrics=[SegmentationScores(count)],
            better="higher",
            headline="segmentation_mean_iu",
            classes=names,
            kind="classes",
            columns={
                "mIU %": ("segmentation_mean_iu", 100),
                "pixels %": ("segmentation_pixel_accuracy", 100),
            },
        )

    @classmethod
    def normals(cls, size: Size | None = None, **options: Any) -> Self:
        """Surface normals, of length zero where unknown; compared by their mean angular error.

        Args:
            size: as of `segmentation`.
            **options: of `Task`, in place of these. A `head` with a codebook, such as
                `NormalsHead`, learns which of its words each pixel is.
        """
        head = options.get("head")
        codebook = None if head is None else getattr(made_head(head, 0), "codebook", None)
        return cls._ready(
            options,
            head=ASPPNormalsHead(size),
            loss=NormalsCosine() if codebook is None else NormalsCodebookCrossentropy(codebook),
            metrics=[NormalsScores(codebook)],
            better="lower",
            headline="normals_mean_angular_error",
            kind="normals",
            columns={
                "mean °": ("normals_mean_angular_error", 1),
                "median °": ("normals_median_angular_error", 1),
                "within 11.25° %": ("normals_within_11.25", 100),
            },
        )

    @classmethod
    def depth(cls, size: Size | None = None, **options: Any) -> Self:
        """Metres, 0 where unknown; compared by their mean relative error.

        Args:
            size: as of `segmentation`.
            **options: of `Task`, in place of these.
        """
        return cls._ready(
            options,
            head=ASPPDepthHead(size),
            loss=DepthL1(),
            metrics=[DepthScores()],
            better="lower",
            headline="depth_relative_error",
            kind="metres",
            columns={
                "relative error %": ("depth_relative_error", 100),
                "absolute error cm": ("depth_absolute_error", 100),
            },
        )

    @classmethod
    def map(cls, channels: int = 1, size: Size | None = None, **options: Any) -> Self:
        """Numbers for every pixel, NaN where unknown; compared by their mean absolute error.

        Args:
            channels: how many numbers a pixel; of two, such as `center_offsets`, arrows are shown.
            size: as of `segmentation`.
            **options: of `Task`, in place of these.
        """
        return cls._ready(
            options,
            head=ASPPMapHead(size, channels),
            loss=MapL1(),
            metrics=[MapAbsoluteError()],
            better="lower",
            kind="numbers",
        )

    @classmethod
    def detection(cls, classes: int | Sequence[str], **options: Any) -> Self:
        """What is in each region of an image, and where, as of `DetectionHead`.

        Its outputs are `<task>_classes` and `<task>_boxes`; `keras_mtl.datasets.RoIBatches` makes
        their targets, `keras_mtl.metrics.detection_average_precision` scores what `detect` finds.

        Args:
            classes: how many, or their names, without the background.
            **options: of `Task`, in place of these.
        """
        count, names = counted_or_refused("classes", classes)
        return cls._ready(
            options,
            count,
            head=DetectionHead(count),
            loss={"classes": DetectionCrossentropy(), "boxes": SmoothL1()},
            classes=names,
            kind="objects",
        )

    @classmethod
    def of(
        cls, head: keras.layers.Layer, classes: Sequence[str] | None = None, **options: Any
    ) -> Self:
        """The ready task of one of the library's heads.

        Args:
            head: such as a `SegmentationHead`.
            classes: names of the classes or attributes; without names if `None`.
            **options: of `Task`, in place of the ready task's.

        Raises:
            TypeError: `head` is another layer.
            ValueError: it has another number of classes, or none.

        Example:

        >>> import keras_mtl
        >>> keras_mtl.Task.of(keras_mtl.heads.AttributesHead(2), ["red", "round"]).weight
        0.5
        """

        def known(count):
            return count if classes is None else classes

        ready = {
            "classes": lambda: cls.segmentation(known(head.channels), head=head, **options),
            "attributes": lambda: cls.attributes(known(head.num_attributes), head=head, **options),
            "objects": lambda: cls.detection(known(head.num_classes), head=head, **options),
            "normals": lambda: cls.normals(head=head, **options),
            "metres": lambda: cls.depth(head=head, **options),
            "numbers": lambda: cls.map(head=head, **options),
        }
        kind = getattr(head, "kind", None)
        if kind not in ready:
            raise TypeError(f"`head` must be one of `keras_mtl.heads`. Received: {head!r}.")
        if classes is not None and kind in ("normals", "metres", "numbers"):
            raise ValueError(
                f"`classes` must be None, for a {type(head).__name__} has none. "
                f"Received: classes={classes!r}."
            )
        return ready[kind]()

    @classmethod
    def _ready(cls, options, count=None, **given):
        """A task of what is given, but for the options; `count` is how many classes it is of."""
        head = options.get("head")
        sizes = (getattr(head, name, count) for name in ("num_classes", "num_attributes"))
        if count is not None and set(sizes) != {count}:
            raise ValueError(
                f"`head` must be of {count} classes. Received: a {type(head).__name__} of others."
            )
        if "metrics" in options:  # Of other metrics something else is the headline.
            for name in ("better", "headline", "columns"):
                given.pop(name, None)
        return cls(**{**given, **options})

    def __repr__(self) -> str:
        return f"<Task by {self.headline}, {self.better} is better>"

    @property
    def heading(self) -> tuple[str, float]:
        """What stands above the headline in tables, and the factor on it."""
        of_score = {score: (heading, by) for heading, (score, by) in self.columns.items()}
        return of_score.get(self.headline, (self.headline, 1.0))

    def prediction(self, outputs: Tensor) -> Tensor:
        """What outputs say, in a form whose mean over several networks makes sense.

        Probabilities, where the loss takes logits of classes or attributes; normals of length one;
        else the outputs, as of tasks with several.
        """
        if self.kind == "normals":
            return ops.normalize(outputs, axis=-1)
        if self._logits_of == "classes":
            return ops.softmax(outputs)
        return ops.sigmoid(outputs) if self._logits_of == "attributes" else outputs

    def outputs_for(self, prediction: Tensor) -> Tensor:
        """Outputs of which that is the `prediction`, such as for a loss of what networks vote."""
        if self._logits_of == "classes":
            return log_of_share(prediction)
        if self._logits_of == "attributes":
            return log_of_share(prediction) - log_of_share(1 - prediction)
        return prediction

    @property
    def _logits_of(self):
        """The kind, if the loss takes logits; else `None`."""
        # A loss that is given by its name takes probabilities.
        loss = None if isinstance(self.loss, (dict, str)) else keras.losses.get(self.loss)
        return self.kind if getattr(loss, "from_logits", False) else None

    def with_head(self, head: keras.layers.Layer) -> Self:
        """The same task with another head."""
        other = copy.copy(self)
        other.head = head
        return other

    def missing_of(self, key: str | None = None) -> tuple[float, ...] | None:
        """What marks a label of an output as missing, beside NaN; `None` for its kind's custom."""
        return self.missing.get(key) if isinstance(self.missing, dict) else self.missing

    def class_weight_of(self, key: str | None = None) -> Any:
        """The weights of the classes of an output, or `None`."""
        if isinstance(self.loss, dict):
            return (self.class_weight or {}).get(key)
        return self.class_weight

    def marks(self) -> tuple[float, ...]:
        """All that marks a label of a single output as missing, beside NaN."""
        return marks_of(self.loss, self.kind, self.missing_of())

    def known_rows(self, labels: Array) -> Array:
        """Which rows of an array (N, …) of a single output's labels have one that is known."""
        marks = (*self.marks(), *((0,) if self.kind == "normals" else ()))
        known = ~np.isnan(labels) & ~np.isin(labels, marks)
        return known.reshape(len(labels), -1).any(axis=1)

    def known_loss(self) -> KnownLoss:
        """The loss of a single output, over the labels that are known."""
        return known(self.loss, self.kind, self.missing_of())

    def new_metrics(self) -> Any:
        """The metrics, without what they have counted."""
        return mapped(lambda metrics: [new_metric(each) for each in metrics], self.metrics)

    def get_config(self, head: bool = True) -> Config:
        """What decides how the task is learned and scored; of a function of a seed one head."""
        return {
            **({"head": config_of_head(self.head)} if head else {}),
            "loss": mapped(lambda each: keras.losses.serialize(keras.losses.get(each)), self.loss),
            "metrics": mapped(lambda of_one: [serialized(each) for each in of_one], self.metrics),
            "better": self.better if len(self.headlines) == 1 else None,
            "headline": self.headline if len(self.headlines) == 1 else self.directions,
            "weight": self.weight,
            "classes": self.classes,
            "kind": self.kind,
            "columns": {heading: list(column) for heading, column in self.columns.items()},
            "missing": self.missing,
            "class_weight": self.class_weight,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        made = dict(config)
        if not isinstance(config["head"], keras.layers.Layer):
            made["head"] = keras.saving.deserialize_keras_object(config["head"])
        loss = config["loss"]
        several = isinstance(loss, dict) and "class_name" not in loss
        read = keras.saving.deserialize_keras_object
        made["loss"] = {key: read(each) for key, each in loss.items()} if several else read(loss)
        made["metrics"] = mapped(
            lambda metrics: [each if isinstance(each, str) else read(each) for each in metrics],
            config["metrics"],
        )
        return cls(**made)
