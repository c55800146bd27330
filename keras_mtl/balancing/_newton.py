"""Weights that are fair by a power of what each task gains, by Newton's method."""

from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._quadratic import is_going, moves, product, stepped
from keras_mtl.balancing.balancing import Seen

STEPS = 25
RIDGE = 1e-7
"""Opposite gradients have no finite weights; with it they are a few thousand at most."""
PROXIMAL = 1e-6
"""Keeps the systems solvable. It slows a step down; it moves no solution."""
SHORT = 0.9


def fair(seen: Seen, alpha: float) -> Tensor:
    """The weights `w > 0` with `G w = w ** (-1 / alpha)`, G the inner products of the gradients.

    They minimise a convex function, so that there is one solution.

    Args:
        seen: of a step, with T tasks.
        alpha: above 0.

    Returns:
        A tensor (T,); tasks without a say have any that is finite.
    """
    mask = seen.mask
    unit = ops.eye(seen.losses.shape[0], dtype="float32")
    cosines = seen.cosines + RIDGE * unit
    # `v`, weights times norms, and `gain`, what each task gains for the norm of its gradient, are
    # unknowns of their own, which is what makes Newton's method reach the solution from afar:
    # `gain = C v`, and `gain ** alpha * v` is what it is where all gradients are orthogonal.
    norms = ops.log(seen.norms)
    typical = ops.sum(mask * norms) / ops.maximum(seen.count, 1.0)
    power = (1 - alpha) / (1 + alpha)
    logs = mask * power * (norms - typical)
    start = ops.exp(logs)

    def step(v, gain, going):
        miss = (1 + alpha) * logs - alpha * ops.log(gain) - ops.log(v)
        matrix = cosines + unit * (gain / (alpha * v) + PROXIMAL)
        push = gain * miss / alpha + gain - product(cosines, v)
        change = ops.solve(matrix, (mask * push)[:, None])[:, 0]
        change_of_gain = mask * gain * (miss - change / v) / alpha
        shrink = ops.maximum(ops.max(-change / v), ops.max(-change_of_gain / gain))
        reach = SHORT / ops.maximum(shrink, SHORT)
        new = stepped(v, reach * change, 1e-15)
        new_gain = stepped(gain, reach * change_of_gain, 1e-15)
        return new, new_gain, moves(v, new, mask)

    state = start, start, ops.any(seen.known)
    v = ops.while_loop(is_going, step, state, maximum_iterations=STEPS)[0]
    return v * ops.exp(power * typical) / seen.norms
