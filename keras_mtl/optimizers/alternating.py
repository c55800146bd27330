"""Two optimizers that take turns: one learns the weights, the other the policy."""

import functools
import re
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Self

import keras
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl._types import Config, Tensor
from keras_mtl.optimizers._paths import is_pattern, listed, path_of


@keras.saving.register_keras_serializable("keras_mtl")
class Alternating(keras.optimizers.Optimizer):
    """Lets two groups of variables train in turn, each with its own optimizer, in one `fit`.

    AdaShare learns the weights of a network and its policy by turns, after a warm-up of the weights
    alone. The variables in whose path `pattern` is found are the policy's, all others the weights'.
    A step is counted by `iterations`, from 0, and updates one group:

    1. while it is below `warm_up_steps`, `warm_up` updates the weights;
    2. then come, again and again, `steps[0]` steps in which `weights` updates the weights, and
       `steps[1]` in which `policy` updates the policy.

    What is not on turn stands still: variables, moments, and the inner optimizer's own count of
    steps, by which Adam corrects its bias and a schedule sets its rate. So each group goes exactly
    as if its optimizer had been alone with it on the steps of its turns. Gradients of both groups
    are computed in every step. For the data, see `keras_mtl.datasets.AlternatingBatches`.

    `learning_rate` is that of `weights`, for the callbacks of Keras. Clipping, weight decay, moving
    averages, gradient accumulation and a fixed loss scale are matters of the inner optimizers; a
    dynamic one is put around all, `keras.optimizers.LossScaleOptimizer(Alternating(…))`, which
    Keras does by itself under `mixed_float16`. A moving average replaces variables after `fit` only
    if its optimizer has made a step.

    As with Keras' own `LossScaleOptimizer`, a loop of one's own on JAX calls `stateless_apply`, not
    `apply`. A `tf.distribute` strategy that merges replicas in the update, such as
    `MirroredStrategy`, is not supported.

    Source: Sun et al., "AdaShare: Learning What To Share For Efficient Deep Multi-Task Learning",
    NeurIPS 2020, section 3.

    Args:
        weights: Keras optimizer of the weights, a single one that wraps no others.
        policy: That of the policy.
        pattern: Regular expression, searched in the paths of the variables, for those of the
            policy.
        steps: Pair of integers of at least 1: steps of a turn of the weights and of the policy.
        warm_up: That of the weights in the first `warm_up_steps` steps; `None` for
            `weights`.
        warm_up_steps: Integer of at least 0.
        name: Name of the optimizer, or `None`.

    Raises:
        ValueError: In `__init__`, if an argument is invalid, an optimizer is given twice, or
            `warm_up` is without steps. In `build`, if `pattern` matches no variable, or all.

    Example:

    >>> import keras
    >>> from keras_mtl.optimizers import Alternating
    >>> optimizer = Alternating(
    ...     keras.optimizers.SGD(1e-3, momentum=0.9), keras.optimizers.Adam(1e-2), steps=(100, 50),
    ...     warm_up=keras.optimizers.Adam(1e-4, weight_decay=1e-4), warm_up_steps=1000)
    >>> round(float(optimizer.learning_rate), 6)
    0.001
    """

    # Base classes set attributes before there are inner optimizers.
    weights = policy = warm_up = None

    def __init__(
        self,
        weights: keras.optimizers.Optimizer,
        policy: keras.optimizers.Optimizer,
        pattern: str = "skip_policy",
        steps: tuple[int, int] = (1, 1),
        warm_up: keras.optimizers.Optimizer | None = None,
        warm_up_steps: int = 0,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise ValueError(
                "`Alternating` takes no argument of a single optimizer: give it to `weights`, "
                f"`policy` or `warm_up`. Received: {kwargs}"
            )
        _check_optimizers(weights=weights, policy=policy, warm_up=warm_up)
        pattern, steps = _checked_pattern(pattern), _checked_steps(steps)
        warm_up_steps = check_integer("warm_up_steps", warm_up_steps, 0)
        if warm_up is not None and warm_up_steps == 0:
            raise ValueError(
                "`warm_up_steps` must be at least 1 if `warm_up` is given. "
                f"Received: warm_up_steps=0, warm_up={warm_up}"
            )
        # A function, since a number would become a variable, of no use, of this optimizer.
        super().__init__(learning_rate=lambda: weights.learning_rate, name=name)
        self.weights, self.policy, self.warm_up = weights, policy, warm_up
        self.pattern, self.steps, self.warm_up_steps = pattern, steps, warm_up_steps

    def build(self, variables: list[keras.Variable]) -> None:
        """Tells the policy's variables from the weights' and builds the inner optimizers."""
        if self.built:
            return
        self._of_policy = _groups(variables, self.pattern)
        for optimizer, is_policy in self._turns():
            pairs = zip(variables, self._of_policy, strict=True)
            optimizer.build([v for v, of_policy in pairs if of_policy == is_policy])
        super().build(variables)

    def _turns(self):
        """Pairs of an optimizer and whether it trains the policy; their places number the turns."""
        turns = [(self.weights, False), (self.policy, True)]
        return turns if self.warm_up is None else [*turns, (self.warm_up, False)]

    def _turn(self, iterations):
        """Number of the turn that a step belongs to, an integer tensor."""
        step = ops.subtract(iterations, self.warm_up_steps)
        turn = ops.where(ops.less(ops.mod(step, sum(self.steps)), self.steps[0]), 0, 1)
        return ops.where(ops.less(step, 0), 0 if self.warm_up is None else 2, turn)

    def apply(
        self,
        grads: Sequence[Tensor | None],
        trainable_variables: Sequence[keras.Variable] | None = None,
    ) -> None:
        """Updates the variables of the group that is on turn, and counts the step.

        Args:
            grads: List of gradients, or `None` for a variable that has none. A group in which no
                variable has one stands still, with a warning.
            trainable_variables: List of their variables; by default those given to `build`.
        """
        if len(grads) == 0:
            return
        if trainable_variables is None:
            self._check_built("apply")
            trainable_variables = self._trainable_variables
        trainable_variables = list(trainable_variables)
        self.build(trainable_variables)
        self._check_variables_are_known(trainable_variables)
        turn = self._turn(self._iterations)
        for number, (optimizer, is_policy) in enumerate(self._turns()):
            pairs = zip(grads, trainable_variables, strict=True)
            group = [(g, v) for g, v in pairs if self._is_of_policy(v) == is_policy]
            if _have_gradient([g for g, _ in group], optimizer):
                step = functools.partial(optimizer.apply, *zip(*group, strict=True))
                ops.cond(ops.equal(turn, number), step, lambda: None)
        self._iterations.assign_add(1)

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Tensor],
        grads: Sequence[Tensor | None],
        trainable_variables: Sequence[Tensor],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Does what `apply` does, without side effects: what `fit` calls on JAX.

        Args:
            optimizer_variables: List of the values of `variables`.
            grads: List of gradients, as in `apply`.
            trainable_variables: List of the values of the variables given to `build`.

        Returns:
            Two lists, the new values of the trainable variables and of the optimizer's.
        """
        self._check_built("stateless_apply")
        # `LossScaleOptimizer` passes variables, not values.
        iterations, *rest = [ops.convert_to_tensor(v) for v in optimizer_variables]
        turn = self._turn(iterations)
        new_values, new_state = list(trainable_variables), [iterations + 1]
        for number, (optimizer, is_policy) in enumerate(self._turns()):
            count = len(optimizer.variables)
            state, rest = rest[:count], rest[count:]
            places = [i for i, of_policy in enumerate(self._of_policy) if of_policy == is_policy]
            group = [grads[i] for i in places]
            if _have_gradient(group, optimizer):
                values = [new_values[i] for i in places]
                step = functools.partial(optimizer.stateless_apply, state, group, values)
                values, state = ops.cond(
                    ops.equal(turn, number), step, lambda unchanged=(values, state): unchanged
                )
                for i, value in zip(places, values, strict=True):
                    new_values[i] = value
            new_state += state
        return new_values, new_state

    def _check_built(self, method):
        if not self.built:
            raise ValueError(
                f"Call `build` with the trainable variables before `{method}`. Received: {self}"
            )

    def _is_of_policy(self, variable):
        return self._of_policy[self._get_variable_index(variable)]

    @property
    def variables(self) -> list[keras.Variable]:
        """The count of steps, then the variables of `weights`, `policy` and `warm_up`."""
        inner = (v for optimizer, _ in self._turns() for v in optimizer.variables)
        return [*self._variables, *inner]

    @property
    def learning_rate(self) -> Tensor:
        """That of `weights`."""
        return self.weights.learning_rate

    @learning_rate.setter
    def learning_rate(
        self, learning_rate: float | keras.optimizers.schedules.LearningRateSchedule
    ) -> None:
        self.weights.learning_rate = learning_rate

    @property
    def loss_scale_factor(self) -> float | None:
        """The first factor that an inner optimizer has, or `None`. Each scales its own turn."""
        factors = (optimizer.loss_scale_factor for optimizer in self._given())
        return next((factor for factor in factors if factor is not None), None)

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        # `LossScaleOptimizer` sets `None`, or gradients would be unscaled twice.
        for optimizer in self._given():
            optimizer.loss_scale_factor = factor

    def _given(self):
        return filter(None, (self.weights, self.policy, self.warm_up))

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Scales the loss as the inner optimizer that is on turn does."""
        scaled = [optimizer.scale_loss(loss) for optimizer, _ in self._turns()]
        if all(each is loss for each in scaled):
            return loss
        return ops.take(ops.stack(scaled), self._turn(self._iterations))

    def finalize_variable_values(self, var_list: Sequence[keras.Variable]) -> None:
        """Replaces variables by their moving averages, where an inner optimizer keeps them."""
        # Asked first, for when an error ends `fit` on JAX no variable may have a value.
        if not any(optimizer.use_ema for optimizer, _ in self._turns()):
            return
        only_warmed_up = self.warm_up is not None and not _has_stepped(self.weights)
        for optimizer in (self.warm_up if only_warmed_up else self.weights, self.policy):
            # Before the first step all averages are 0.
            if _has_stepped(optimizer):
                is_policy = optimizer is self.policy
                optimizer.finalize_variable_values(
                    [v for v in var_list if self._is_of_policy(v) == is_policy]
                )

    def exclude_from_weight_decay(
        self,
        var_list: Sequence[keras.Variable] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Excludes variables from the weight decay of all inner optimizers, before `build`."""
        for optimizer, _ in self._turns():
            optimizer.exclude_from_weight_decay(var_list, var_names)

    def set_weights(self, weights: Sequence[Tensor]) -> None:
        """Sets the values of `variables`."""
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        # Keras saves the inner optimizers, which are attributes, by themselves.
        store["iterations"] = ops.convert_to_numpy(self._iterations)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        if "iterations" not in store.keys():
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}': what was saved is the "
                "state of another kind of optimizer.",
                stacklevel=2,
            )
            return
        self._iterations.assign(store["iterations"])

    def get_config(self) -> Config:
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "weights": serialize(self.weights),
            "policy": serialize(self.policy),
            "pattern": self.pattern,
            "steps": list(self.steps),
            "warm_up": serialize(self.warm_up),
            "warm_up_steps": self.warm_up_steps,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        # Not by `keras.saving`: a stock optimizer saved under torch is to load on any backend.
        inner = {
            name: config[name] and keras.optimizers.deserialize(dict(config[name]), custom_objects)
            for name in ("weights", "policy", "warm_up")
        }
        return cls(**{**config, **inner})


def _check_optimizers(weights, policy, warm_up):
    wrappers = (keras.optimizers.LossScaleOptimizer, keras.optimizers.MultiOptimizer, Alternating)
    given = {"weights": weights, "policy": policy}
    if warm_up is not None:
        given["warm_up"] = warm_up
    for name, optimizer in given.items():
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise ValueError(f"`{name}` must be a Keras optimizer. Received: {name}={optimizer!r}")
        if isinstance(optimizer, wrappers):
            raise ValueError(
                f"`{name}` must be a single optimizer, not one that wraps others; "
                "LossScaleOptimizer goes around `Alternating`. "
                f"Received: {name}={optimizer!r}"
            )
    if len({id(optimizer) for optimizer in given.values()}) < len(given):
        names = ", ".join(f"`{name}`" for name in given)
        raise ValueError(
            f"{names} must be different objects, for each keeps a state of its own. "
            f"Received: {given}"
        )


def _checked_pattern(pattern):
    if not is_pattern(pattern):
        raise ValueError(
            "`pattern` must be a string that is a regular expression. "
            f"Received: pattern={pattern!r}"
        )
    return pattern


def _checked_steps(steps):
    if not isinstance(steps, (tuple, list)) or len(steps) != 2:
        raise ValueError(
            f"`steps` must be a pair (of weights, of policy). Received: steps={steps!r}"
        )
    return tuple(check_integer(f"steps[{place}]", count, 1) for place, count in enumerate(steps))


def _groups(variables, pattern):
    """Returns of each variable whether it is the policy's; raises if one group is empty."""
    paths = [path_of(variable) for variable in variables]
    of_policy = tuple(re.search(pattern, path) is not None for path in paths)
    if not any(of_policy) or all(of_policy):
        raise ValueError(
            "`pattern` must match some trainable variables and leave others to the weights. "
            f"Received: pattern={pattern!r}, which matches {'all' if any(of_policy) else 'none'}. "
            f"Known paths: {listed(paths)}"
        )
    return of_policy


def _have_gradient(grads, optimizer):
    if any(grad is not None for grad in grads):
        return True
    warnings.warn(
        f"No variable of the optimizer '{optimizer.name}' has a gradient: its turn changes none.",
        stacklevel=3,
    )
    return False


def _has_stepped(optimizer):
    return int(ops.convert_to_numpy(optimizer.iterations)) > 0
