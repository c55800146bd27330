"""The mixin that gives every variable its own multiple of the learning rate."""

import math
import re
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import keras

from keras_mtl._types import Config
from keras_mtl.optimizers._paths import is_pattern, listed, path_of

# With SGD; five times the limit that cross-stitch units carry.
FASTEST = 0.5


class LearningRateMultipliers:
    """Optimizer mixin: each variable trains at a multiple of the learning rate.

    `with_learning_rate_multipliers` puts it in front of a Keras optimizer. In a cross-stitch
    network the stitches want 10² to 10³ times the rate of the network (Misra et al., *Cross-stitch
    Networks for Multi-task Learning*, CVPR 2016, §5.2). Scaling the gradients is no substitute:
    Adam and its kin divide the scale away again, and clipping would see it.

    The factor of a variable is, in this order,

    1. that of the first entry of `learning_rate_multipliers`, in the order of the dict, whose
       pattern is found (`re.search`) in `variable.path`;
    2. the one it carries, the plain attribute `variable.learning_rate_multiplier`, which a layer
       sets in its `build`;
    3. 1.

    A variable may also carry `variable.learning_rate_limit`, which its own rate, after the carried
    factor, does not exceed. It is meant for SGD: an optimizer whose step does not scale with the
    gradient, which is any other, keeps to a tenth of it. A carried factor above 1 without a limit
    is taken as it is, with a warning in `build` if it makes a rate above 0.5, or 0.05.

    A variable with factor `m` is updated exactly as by an optimizer of its own with the learning
    rate `m * learning_rate`, or the limit, whatever sets that rate: a number, a schedule, a
    callback. So weight decay, which Keras takes times the learning rate, follows. A variable that
    carries `variable.weight_decay_exempt = True` is left out of the decay, as one named to
    `exclude_from_weight_decay` is. Clipping comes before the factors and does not see them.

    A factor of 0 freezes: neither the variable nor its moments are touched, though its gradient is
    computed and counts in the global norm. Factors are read once, in the optimizer's `build`.

    Args:
        *args: Positional arguments of the optimizer.
        learning_rate_multipliers: Dict from regular expressions to finite factors of at least 0,
            or `None` for carried factors only.
        **kwargs: Keyword arguments of the optimizer.

    Raises:
        ValueError: In `__init__`, if a pattern is no regular expression or a factor is negative or
            not finite. In `build`, if a carried factor is, or if a pattern decides no variable: it
            is found in none, or earlier patterns take all those in which it is.
    """

    # Of the group whose weight decay is applied: factor and limit of its learning rate.
    _decay_scale = (1.0, math.inf)

    def __init__(
        self, *args: Any, learning_rate_multipliers: dict[str, float] | None = None, **kwargs: Any
    ) -> None:
        multipliers = _validated(learning_rate_multipliers)
        super().__init__(*args, **kwargs)
        self.learning_rate_multipliers = multipliers

    def build(self, variables: list[keras.Variable]) -> None:
        """Creates the optimizer's state and fixes the factor of each variable."""
        if self.built:
            return
        # The step of any other optimizer does not scale with the gradient, and adds up faster.
        strength = 1.0 if isinstance(self, keras.optimizers.SGD) else 0.1
        factors = _factors(variables, self.learning_rate_multipliers)
        limits = [strength * limit for limit in _limits(variables, self.learning_rate_multipliers)]
        exempt = [bool(getattr(v, "weight_decay_exempt", False)) for v in variables]
        super().build(variables)
        self._scales = tuple(zip(factors, limits, strict=True))
        self._decay_exempt = tuple(exempt)
        # Without multipliers and exemptions the stock methods run, unchanged.
        self._has_multipliers = any(scale != (1.0, math.inf) for scale in self._scales)
        self._has_own_decay = self._has_multipliers or any(exempt)
        self._warn_of_fast(variables, strength * FASTEST)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        # Keras has no public place for this. `update_step` would do on TensorFlow and JAX, but on
        # torch the fused optimizers never call it; here one fused update runs for each factor.
        if not self._has_multipliers:
            return super()._backend_update_step(grads, trainable_variables, learning_rate)
        for scale, positions in self._by_scale(trainable_variables):
            super()._backend_update_step(
                [grads[i] for i in positions],
                [trainable_variables[i] for i in positions],
                _scaled(learning_rate, *scale),
            )

    def _apply_weight_decay(self, variables):
        if not self._has_own_decay:
            return super()._apply_weight_decay(variables)
        # Excluded variables are dropped here already: torch's fused decay refuses an empty list.
        variables = [v for v in variables if self._use_weight_decay(v)]
        for scale, positions in self._by_scale(variables):
            self._decay_scale = scale
            try:
                super()._apply_weight_decay([variables[i] for i in positions])
            finally:
                # Not to what it was: tf.distribute interleaves replicas within `super()`.
                self._decay_scale = (1.0, math.inf)

    def _use_weight_decay(self, variable):
        # By index, since TensorFlow asks with its own variable, which carries no attribute.
        if self._decay_exempt[self._get_variable_index(variable)]:
            return False
        return super()._use_weight_decay(variable)

    def _get_current_learning_rate(self):
        return _scaled(super()._get_current_learning_rate(), *self._decay_scale)

    def _by_scale(self, variables):
        """Pairs of (factor, limit) and the positions of their variables, without the frozen."""
        groups = {}
        for position, variable in enumerate(variables):
            scale = self._scales[self._get_variable_index(variable)]
            groups.setdefault(scale, []).append(position)
        return [(scale, positions) for scale, positions in groups.items() if scale[0] != 0]

    def _warn_of_fast(self, variables, fastest):
        """Warns once of carried factors that make a rate above `fastest`."""
        carried = [
            (factor, path_of(variable))
            for (factor, limit), variable in zip(self._scales, variables, strict=True)
            if factor > 1
            and limit == math.inf
            and hasattr(variable, "learning_rate_multiplier")
            and _pattern_of(variable, self.learning_rate_multipliers) is None
        ]
        if not carried:
            return
        try:
            rate = float(keras.ops.convert_to_numpy(self.learning_rate))
        except (NotImplementedError, TypeError):
            return  # Built within a graph, where there is no number yet.
        factor = max(factor for factor, _ in carried)
        if factor * rate > fastest:
            warnings.warn(
                f"Variables learn at `learning_rate_multiplier` × learning rate = {factor:g} × "
                f"{rate:g} = {factor * rate:g}; above {fastest:g} alphas and gates tend to run "
                "away. Lower the multiplier or the rate, or give a cross-stitch unit "
                "`learning_rate_multiplier=None`, which limits it. "
                f"Received: {listed([path for each, path in carried if each == factor])}",
                stacklevel=3,
            )

    def get_config(self) -> Config:
        multipliers = dict(self.learning_rate_multipliers)
        return {**super().get_config(), "learning_rate_multipliers": multipliers}

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # Keras unpickles through a class method, so through the class, which pickle cannot find by
        # name if a factory made it. Any optimizer's method does: the saved config names the class.
        _, args = super().__reduce__()
        return keras.optimizers.Optimizer._unpickle_model, args


def _validated(multipliers):
    """Returns `multipliers` as a dict of str to float, or raises a `ValueError`."""
    if multipliers is None:
        return {}
    if not isinstance(multipliers, dict):
        raise ValueError(
            "Argument `learning_rate_multipliers` must be a dict from regular expressions to "
            f"factors, or None. Received: learning_rate_multipliers={multipliers}"
        )
    for pattern in multipliers:
        if not is_pattern(pattern):
            raise ValueError(
                "A key of `learning_rate_multipliers` must be a string that is a regular "
                f"expression. Received: {pattern!r}"
            )
    return {
        pattern: _valid_factor(factor, f"`learning_rate_multipliers[{pattern!r}]`")
        for pattern, factor in multipliers.items()
    }


def _valid_factor(factor, source):
    if not isinstance(factor, Real) or not math.isfinite(factor) or factor < 0:
        raise ValueError(f"{source} must be a finite number of at least 0. Received: {factor!r}")
    return float(factor)


def _scaled(rate, factor, limit):
    # Without either the rate passes as it is: the same numbers as without multipliers.
    if factor != 1.0:
        rate = keras.ops.multiply(rate, factor)
    return rate if limit == math.inf else keras.ops.minimum(rate, limit)


def _pattern_of(variable, multipliers):
    """The first pattern that is found in the variable's path, or `None`."""
    path = path_of(variable)
    return next((pattern for pattern in multipliers if re.search(pattern, path)), None)


def _limits(variables, multipliers):
    """The carried limit of each variable; infinite where it has none, or a pattern decides."""
    return [
        math.inf
        if _pattern_of(variable, multipliers) is not None
        else float(getattr(variable, "learning_rate_limit", math.inf))
        for variable in variables
    ]


def _factors(variables, multipliers):
    """Returns the factor of each variable; raises on a pattern that decides none."""
    factors = []
    deciding = set()
    for variable in variables:
        pattern = _pattern_of(variable, multipliers)
        if pattern is not None:
            deciding.add(pattern)
            factors.append(multipliers[pattern])
        else:
            carried = getattr(variable, "learning_rate_multiplier", 1.0)
            source = f"`learning_rate_multiplier`, carried by the variable '{path_of(variable)}',"
            factors.append(_valid_factor(carried, source))
    for pattern in multipliers:
        if pattern not in deciding:
            _raise_idle(pattern, [path_of(v) for v in variables])
    return factors


def _raise_idle(pattern, paths):
    found = [path for path in paths if re.search(pattern, path)]
    if found:
        problem = "decides no variable: an earlier pattern matches each one that it matches"
        hint = "Put the narrower pattern first. It matches"
    else:
        problem = "matches no trainable variable"
        hint = "Known paths"
    raise ValueError(
        f"The pattern {pattern!r} of `learning_rate_multipliers` {problem}. "
        f"{hint}: {listed(found or paths)}"
    )
