"""What all ways of balancing have in common: what they see of a step, and what they leave."""

import weakref
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_choice, check_integer
from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._known_mean import KnownMean
from keras_mtl.gradients._combine import weighted

NEGLIGIBLE = 1e-6
"""A gradient that is so much smaller than the largest one counts as none (float32 has 1e-7)."""

OnNan = Literal["skip", "error"]


class Seen(NamedTuple):
    """What a balancing sees of a step; T is the number of tasks.

    Attributes:
        losses: tensor (T,) of the tasks' losses, without a gradient.
        known: boolean tensor (T,), whether a task has a say: not without any label in the batch, a
            gradient of zero, or a loss that is not finite.
        cosines: tensor (T, T) of the cosines of the tasks' gradients; rows and columns of tasks
            without a say are those of the unit matrix. `None` if only losses are looked at.
        norms: tensor (T,) of the norms of the gradients, 1 of tasks without a say; or `None`.
    """

    losses: Tensor
    known: Tensor
    cosines: Any = None
    norms: Any = None

    @property
    def mask(self) -> Tensor:
        """`known` as float32."""
        return ops.cast(self.known, "float32")

    @property
    def count(self) -> Tensor:
        """The number of tasks that have a say, as float32."""
        return ops.sum(self.mask)

    @property
    def gramian(self) -> Tensor:
        """Inner products of the gradients (T, T), zero of tasks without a say."""
        norms = self.norms * self.mask
        return self.cosines * norms * norms[:, None]


class Balancing(keras.layers.Layer):
    """Base of all ways in which the tasks of a model are weighted against each other in a step.

    A model that is compiled with one asks it in each step of training for a weight of each task. A
    weight of 1 is that of plain training, in which Keras adds the losses. What it knows beside its
    arguments is state of the model, in float32, and of its file. Subclasses say in `weigh` what the
    weights are, of what they see.

    Attributes:
        at: `"features"` or `"weights"`, where the gradients are taken that it looks at; `None` for
            one that looks at losses alone.
        every: after so many steps the weights are computed anew.
        tasks: names of the tasks, once a model is compiled with it.

    Args:
        on_nan: what happens if the loss of a task is not finite: `"skip"` leaves the task out of
            that step, with a warning after the epoch; `"error"` ends the training after the epoch
            with a `FloatingPointError` that names the task, which until then is left out, too.
        name: name of the layer.

    Call arguments:
        losses: tensor (T,) of the tasks' losses.
        gramian: tensor (T, T) of the inner products of the tasks' gradients, if there is an `at`.

    Returns:
        A float32 tensor (T,) of weights: 0 for a task whose loss is not finite.
    """

    at: Literal["features", "weights"] | None = None
    every: int = 1
    conflicts: bool = False
    beside_the_network = True  # It is held by a model, but no layer of its graph.
    needs_positive: bool = False
    """Whether a loss below zero is refused."""
    needs_losses_after: bool = False
    """Whether `after` is to be told of the losses of the same batch behind the step."""
    weighs_heads: bool = True
    """Whether what tasks do not share is weighted, too."""
    weighs_alone: bool = True
    """Whether a task that is alone to have a say has a weight other than 1."""

    def __init__(self, on_nan: OnNan = "skip", name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32", autocast=False)
        check_choice("on_nan", on_nan, ("skip", "error"))
        self.on_nan = on_nan
        self.tasks: list[str] = []
        self._owner: Any = None

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        (count,) = losses_shape
        self.in_effect = self.state("in_effect", np.ones(count))
        self.steps = self.state("steps", np.zeros((), "int32"))
        # Steps in which a loss was no number, and in which one was below zero, of each task.
        self.faults = self.state("faults", np.zeros((2, count), "int32"))
        if self.conflicts:
            self.cosines = self.state("cosines", np.full((count, count), np.nan))

    def state(self, name: str, start: Any) -> keras.Variable:
        """A new number, or array of them, that is part of the model and that no optimizer learns.

        Args:
            name: its name.
            start: its first value: a NumPy array of int32, or else one that becomes float32.
        """
        start = np.asarray(start)
        dtype = "int32" if start.dtype == np.int32 else "float32"
        return self.add_weight(
            name=name,
            shape=start.shape,
            dtype=dtype,
            initializer=lambda shape, dtype: ops.convert_to_tensor(start, dtype),
            trainable=False,
            autocast=False,
            aggregation="mean" if dtype == "float32" else "only_first_replica",
        )

    def watch(self, tasks: Sequence[str], model: keras.Model | None = None) -> None:
        """Makes the state for tasks of those names, unless it is there.

        Args:
            tasks: the names.
            model: the model, or `None`.

        Raises:
            ValueError: it has the state of others, or of another model.
        """
        owner = self._owner() if self._owner else None
        if self.built and self.tasks == list(tasks) and owner in (None, model):
            self._owner = weakref.ref(model) if model is not None else self._owner
            return
        if self.built:
            raise ValueError(
                f"`balancing` must be one of its own for each model. Received: {self.name!r}, "
                f"which has weights of {self.tasks or 'others'}, for {list(tasks)}."
            )
        self.tasks = list(tasks)
        self._means = [KnownMean(name=f"{task}_weight") for task in tasks]
        if self.conflicts:
            pairs = [(i, j) for j in range(len(tasks)) for i in range(j)]
            self._cosine_means = [KnownMean(name=f"{tasks[i]}_{tasks[j]}_cosine") for i, j in pairs]
            self._pairs = pairs
        self.build((len(tasks),))
        self._owner = weakref.ref(model) if model is not None else None

    def call(self, losses: Tensor, gramian: Tensor | None = None) -> Tensor:
        losses = ops.stop_gradient(ops.cast(losses, "float32"))
        usable = ops.logical_not(ops.any(self.faults_of(losses), axis=0))
        if gramian is None:
            # No label at all makes a loss of exactly zero.
            seen = Seen(losses, ops.logical_and(usable, ops.not_equal(losses, 0)))
        else:
            seen = _seen(losses, usable, ops.stop_gradient(ops.cast(gramian, "float32")))
        weights = self.weigh(seen._replace(losses=ops.where(usable, losses, 1.0)))
        if self.at is not None:
            weights = ops.where(seen.known, weights, 1.0)
            if not self.weighs_alone:
                weights = ops.where(ops.greater(seen.count, 1), weights, 1.0)
        weights = ops.where(ops.isfinite(weights), weights, self.in_effect.value)
        # What a task without a say has is for this step alone.
        self.in_effect.assign(ops.where(seen.known, weights, self.in_effect.value))
        if self.conflicts and gramian is not None:
            both = ops.logical_and(seen.known, seen.known[:, None])
            self.cosines.assign(ops.where(both, seen.cosines, float("nan")))
        return ops.where(usable, weights, 0.0)

    def faults_of(self, losses: Tensor) -> Tensor:
        """Which losses are not finite, and which are below zero where that is refused: (2, T)."""
        below = ops.less(losses, 0) if self.needs_positive else ops.zeros_like(losses, "bool")
        return ops.stack([ops.logical_not(ops.isfinite(losses)), below])

    def weigh(self, seen: Seen) -> Tensor:
        """The weights of the tasks, (T,); those without a say may have any that is finite.

        State may be assigned, if it stays as it is for tasks without a say.
        """
        raise NotImplementedError

    def after(self, losses: Tensor, known: Tensor) -> None:
        """Is told of the losses behind the step, and whether they are finite, if it needs them."""

    def end_epoch(self) -> None:
        """Is called after each epoch of `fit`; a loop of one's own calls it itself."""

    def mix(self, weights: Tensor, gradients: list[list[Any]], features: list[Tensor]) -> list[Any]:
        """The gradients at shared features that go on through what is shared.

        Args:
            weights: tensor (T,).
            gradients: of each task a list with a tensor for each of the features, or `None` where
                the task does not read them.
            features: list of the features.

        Returns:
            A list of a gradient for each of the features: the weighted sums.
        """
        return weighted(gradients, weights)

    def record(self, losses: Tensor, weights: Tensor) -> None:
        """Counts a step of those losses and weights."""
        self.steps.assign_add(1)
        self.faults.assign_add(ops.cast(self.faults_of(losses), "int32"))
        # Without any label in the batch a task has no weight that would mean something.
        has_say = ops.cast(ops.logical_and(ops.isfinite(losses), losses != 0), "float32")
        for place, mean in enumerate(self._means):
            mean.update_state(weights[place], has_say[place])
        if self.conflicts:
            for (i, j), mean in zip(self._pairs, self._cosine_means, strict=True):
                cosine = self.cosines[i, j]
                known = ops.logical_not(ops.isnan(cosine))
                mean.update_state(ops.where(known, cosine, 0.0), ops.cast(known, "float32"))

    def compute_output_shape(
        self, losses_shape: tuple[int, ...], gramian_shape: Any = None
    ) -> tuple[int, ...]:
        return losses_shape

    def get_build_config(self) -> Config | None:
        return {"tasks": self.tasks} if self.tasks else None

    def build_from_config(self, config: Config) -> None:
        self.watch(config["tasks"])

    def get_config(self) -> Config:
        return {"on_nan": self.on_nan, "name": self.name}


class LossBalancing(Balancing):
    """Base of those that look at the losses alone: weights of the heads, too, at no cost."""


class GradientBalancing(Balancing):
    """Base of those that look at the tasks' gradients of what the tasks share.

    What a task has to itself, such as its head, learns by its own loss, unweighted.

    Args:
        at: where the gradients are taken: `"features"`, at the last features that several tasks
            read, which costs next to nothing; or `"weights"`, of all variables that tasks share,
            which takes a backward pass for each task.
        every: the weights are computed anew after so many steps, and stay between.
        conflicts: whether the cosine of each pair of tasks is in the logs of `fit`, as
            `<task>_<other>_cosine`: the mean over the steps in which both have a gradient.
        on_nan, name: as of `Balancing`.
    """

    weighs_heads = False
    weighs_alone = False

    def __init__(
        self,
        at: Literal["features", "weights"] = "weights",
        every: int = 1,
        conflicts: bool = False,
        on_nan: OnNan = "skip",
        name: str | None = None,
    ) -> None:
        super().__init__(on_nan, name)
        check_choice("at", at, ("features", "weights"))
        self.at = at
        self.every = check_integer("every", every, 1)
        self.conflicts = bool(conflicts)

    def get_config(self) -> Config:
        own = {"at": self.at, "every": self.every, "conflicts": self.conflicts}
        return {**own, **super().get_config()}


def check_balancing(balancing: Any) -> None:
    """Raises TypeError, naming the argument, unless it is a `Balancing`."""
    if not isinstance(balancing, Balancing):
        raise TypeError(
            "`balancing` must be one of `keras_mtl.balancing`, such as `balancing.PCGrad()`. "
            f"Received: balancing={balancing!r}."
        )


def _seen(losses, usable, gramian):
    squares = ops.diagonal(gramian)
    usable = ops.logical_and(usable, ops.isfinite(squares))
    # Not a product: 0 × NaN of a task that is left out would be NaN.
    norms = ops.sqrt(ops.where(usable, ops.maximum(squares, 0.0), 0.0))
    known = ops.logical_and(usable, norms > NEGLIGIBLE * ops.max(norms))
    norms = ops.where(known, norms, 1.0)
    both = ops.logical_and(known, known[:, None])
    unit = ops.eye(losses.shape[0], dtype="float32")
    cosines = ops.where(both, gramian / norms / norms[:, None], unit)
    # The rounding of a gradient with itself must not make it another than 1.
    cosines = ops.where(unit > 0, 1.0, ops.clip(cosines, -1.0, 1.0))
    return Seen(losses, known, cosines, norms)
