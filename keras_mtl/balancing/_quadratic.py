"""Quadratic programs of as many numbers as there are tasks, by an interior point."""

from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing.balancing import Seen

STEPS = 20
"""In float32 no gradient of up to 24 tasks changes any more behind the sixteenth."""
PROXIMAL = 1e-5
"""Keeps the systems of singular matrices solvable. It slows a step down; it moves no solution."""
CENTRED = 1e-12
"""What products of a number and its slack end at: less is lost in the rounding of float32."""
SHORT = 0.995
"""The share of the way to the nearest bound that a step goes, at most."""


def box(seen: Seen, lower: Tensor) -> Tensor:
    """The `v >= lower` by which the weighted sum of the gradients is shortest.

    Args:
        seen: of a step, with T tasks.
        lower: tensor (T,), or (K, T) of K problems, of at least 0.

    Returns:
        A tensor of the shape of `lower`; 0 of tasks without a say.
    """
    single = len(lower.shape) == 1
    # All is solved for the products of weights and norms: the matrix then has a unit diagonal.
    lower = ops.reshape(lower, (-1, lower.shape[-1])) * seen.mask * seen.norms
    scale = ops.max(lower, axis=-1, keepdims=True)
    lower = lower / ops.where(scale > 0, scale, 1.0)
    found = lower + _interior(seen, product(seen.cosines, lower), seen.mask)
    found = found * scale / seen.norms
    return found[0] if single else found


def simplex(seen: Seen) -> Tensor:
    """The shares, of at least 0 and with a sum of 1, by which the gradients' sum is shortest.

    Args:
        seen: of a step, with T tasks.

    Returns:
        A tensor (T,); 0 of tasks without a say.
    """
    prices = _prices(seen)
    start = seen.mask / ops.maximum(ops.sum(prices), 1.0)
    found = _interior(seen, ops.zeros_like(prices)[None], start, prices)[0] * prices
    return found / ops.maximum(ops.sum(found), 1e-30)


def ball(seen: Seen, radius: float) -> Tensor:
    """The x by which the sum of all gradients changes so that what the worst task gains is largest.

    Where `g` is the sum of the gradients and `x` weights them, that is of all `|Jᵀx|` of at most
    `radius · |g|` the one of the largest minimum of the products of the tasks' gradients and
    `g + Jᵀx`. Its `x` are of at least 0, and `|Jᵀx|` is the most that is allowed.

    Args:
        seen: of a step, with T tasks.
        radius: above 0.

    Returns:
        A tensor (T,), 0 of tasks without a say, and of all if there is none that is finite.
    """
    norms = seen.norms * seen.mask
    total = ops.sum(norms)
    length = ops.sqrt(_square(seen.cosines, norms / ops.maximum(total, 1e-30))) * total
    # If the gradients cancel out there is nothing to change.
    vanishes = length <= 1e-3 * total
    scale = ops.where(vanishes, 1.0, length)
    linear = product(seen.cosines, norms / scale)
    start = seen.mask * radius / ops.sqrt(ops.maximum(_square(seen.cosines, seen.mask), 1e-3))
    found = _interior(seen, linear[None], start, _prices(seen), radius)[0]
    found = ops.where(ops.isfinite(found), found, 0.0)
    # Gradients of which one mixture is zero have no solution; so it is kept from running away.
    least = ops.maximum(1e-3 * ops.sum(found), 1e-30)
    found = found * radius / ops.maximum(ops.sqrt(_square(seen.cosines, found)), least)
    return ops.where(vanishes, 0.0, found * scale / seen.norms)


def product(matrix: Tensor, vectors: Tensor) -> Tensor:
    """A symmetric matrix (T, T) times each of the vectors (..., T).

    Not by `matmul`, which many a GPU rounds to three digits.
    """
    return ops.sum(matrix * vectors[..., None, :], axis=-1)


def _square(cosines, vector):
    return ops.maximum(ops.sum(vector * product(cosines, vector)), 0.0)


def _prices(seen):
    """What a unit of each scaled weight takes of the sum of 1: at most 1, of the shortest."""
    shortest = ops.min(ops.where(seen.known, seen.norms, float("inf")))
    return seen.mask * ops.where(ops.isfinite(shortest), shortest, 0.0) / seen.norms


def _interior(seen, linear, start, prices=None, radius=None):
    """Finds `x >= 0` and `s = C x + linear - level · prices >= 0` with `x · s = 0`, C the cosines.

    Without prices the level is 0; with them the sum of `x · prices` is 1, or with a radius `xᵀC x`
    its square. That is a predictor and a corrector of Mehrotra in each step, all in float32.

    Args:
        seen: of a step, with T tasks.
        linear: tensor (K, T) of K problems.
        start: tensor (T,), where x starts.
        prices: tensor (T,), or `None`.
        radius: a number, or `None`.

    Returns:
        x, a tensor (K, T).
    """
    cosines, mask = seen.cosines, seen.mask
    unit = ops.eye(linear.shape[-1], dtype="float32")
    count = ops.maximum(seen.count, 1.0)
    # Tasks without a say stay where they start.
    start = ops.where(seen.known, start, 1.0)
    x, slack = start + ops.zeros_like(linear), ops.ones_like(linear)

    def step(_, state):
        x, slack, level = state
        of_x = mask * product(cosines, x)
        gap = slack - of_x - linear
        matrix = cosines + unit * (slack / x + PROXIMAL)[..., None]
        if prices is not None:
            gap = gap + level * prices
            along = _solve(matrix, ops.broadcast_to(prices, x.shape))
            row, missing = prices, 1.0 - ops.sum(x * prices, axis=-1, keepdims=True)
            if radius is not None:
                missing = 0.5 * (radius**2 - ops.sum(x * of_x, axis=-1, keepdims=True))
                row = of_x
            rise = ops.sum(row * along, axis=-1, keepdims=True)
            rise = ops.where(rise == 0, 1.0, rise)

        def move(aim):
            change = _solve(matrix, mask * (gap + aim))
            change_of_level = ops.zeros_like(level)
            if prices is not None:
                change_of_level = missing - ops.sum(row * change, axis=-1, keepdims=True)
                change_of_level = change_of_level / rise
                change = change + change_of_level * along
            change_of_slack = mask * aim - slack / x * change
            reach = ops.minimum(_reach(x, change), _reach(slack, change_of_slack))
            return change, change_of_slack, change_of_level, reach

        centre = ops.sum(mask * x * slack, axis=-1, keepdims=True) / count
        d_x, d_slack, _, reach = move(-slack)
        left = mask * (x + reach * d_x) * (slack + reach * d_slack)
        left = ops.sum(left, axis=-1, keepdims=True) / count
        target = centre * (left / ops.maximum(centre, CENTRED)) ** 3
        target = ops.maximum(target, CENTRED)
        d_x, d_slack, d_level, reach = move((target - d_x * d_slack) / x - slack)
        return (
            stepped(x, reach * d_x, 1e-15),
            stepped(slack, reach * d_slack, 1e-15),
            stepped(level, reach * d_level, -1e15),
        )

    level = ops.zeros_like(linear[:, :1])
    x, _, _ = ops.fori_loop(0, STEPS, step, (x, slack, level))
    return mask * x


def _solve(matrix, vectors):
    return ops.solve(matrix, vectors[..., None])[..., 0]


def stepped(numbers: Tensor, change: Tensor, least: float) -> Tensor:
    """Numbers behind a step, of which none is too large for float32, nor NaN.

    TensorFlow and PyTorch would end the training at the next system of equations.
    """
    new = numbers + change
    return ops.clip(ops.where(ops.isfinite(new), new, numbers), least, 1e15)


def _reach(x, change):
    """How far the change may go, of at most 1, (K, 1): x stays above 0."""
    far = ops.where(change < 0, x / ops.maximum(-change, 1e-30), 1e30)
    return ops.minimum(SHORT * ops.min(far, axis=-1, keepdims=True), 1.0)
