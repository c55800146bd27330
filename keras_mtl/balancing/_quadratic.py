"""Quadratic programs of as many numbers as there are tasks, by an interior point."""

from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing.balancing import Seen

STEPS = 25
"""At most. In float32 no direction of up to 24 gradients changes any more behind the twentieth."""
STILL = 1e-7
"""Of the largest number: what moves by less has arrived."""
PROXIMAL = 1e-5
"""Keeps the systems of singular matrices solvable. It slows a step down; it moves no solution."""
CENTRED = 1e-12
"""What products of a number and its slack end at: less is lost in the rounding of float32."""
SHORT = 0.99
"""The share of the way to the nearest bound that a step goes, at most."""
FLAT = 1e-3
"""Of the norm of a sum of gradients, in the sum of their norms: below, they cancel out."""


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
    found = lower + _interior(seen, product(seen.cosines, lower))
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
    found = _interior(seen, ops.zeros_like(prices)[None], prices)[0] * prices
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
        A tensor (T,), 0 of tasks without a say, and of all if the gradients cancel out.
    """
    norms = seen.norms * seen.mask
    total = ops.sum(norms)
    length = ops.sqrt(_square(seen.cosines, norms / ops.maximum(total, 1e-30))) * total
    vanishes = length <= FLAT * total
    scale = ops.where(vanishes, 1.0, length)
    # The dual problem: of the shares w with a sum of 1 those of the least `w · J g + radius |Jᵀw|`.
    linear = product(seen.cosines, norms / scale)
    found = _interior(seen, linear[None], _prices(seen), radius)
    found = radius * found / _length(seen.cosines, found)
    return ops.where(vanishes, 0.0, found[0] * scale / seen.norms)


def product(matrix: Tensor, vectors: Tensor) -> Tensor:
    """A symmetric matrix (T, T) times each of the vectors (..., T).

    Not by `matmul`, which many a GPU rounds to three digits.
    """
    return ops.sum(matrix * vectors[..., None, :], axis=-1)


def _square(cosines, vectors):
    square = ops.sum(vectors * product(cosines, vectors), axis=-1, keepdims=True)
    return ops.maximum(square, 0.0)


def _length(cosines, vectors):
    """The norms (K, 1) of weighted sums of unit gradients, of at least what is left by rounding."""
    least = FLAT * ops.sum(vectors, axis=-1, keepdims=True)
    return ops.maximum(ops.sqrt(_square(cosines, vectors)), ops.maximum(least, 1e-30))


def _prices(seen):
    """What a unit of each scaled weight takes of the sum of 1: at most 1, of the shortest."""
    shortest = ops.min(ops.where(seen.known, seen.norms, float("inf")))
    return seen.mask * ops.where(ops.isfinite(shortest), shortest, 0.0) / seen.norms


def _interior(seen, linear, prices=None, pull=None):
    """The x of at least 0 of the least `linear · x + xᵀC x / 2`, C the cosines.

    With a pull it is the least `linear · x + pull · √(xᵀC x)`, and with prices it is that of those
    with `x · prices = 1`. Newton's method goes for the x, their slacks, and what the prices are
    worth: the first guess of a step says how far the products of x and slacks may come down.

    Args:
        seen: of a step, with T tasks.
        linear: tensor (K, T) of K problems.
        prices: tensor (T,), or `None`.
        pull: a number, or `None`.

    Returns:
        x, a tensor (K, T), 0 of tasks without a say.
    """
    cosines, mask = seen.cosines, seen.mask
    unit = ops.eye(linear.shape[-1], dtype="float32")
    count = ops.maximum(seen.count, 1.0)

    def centre_of(both):
        x, slack = ops.split(both, 2, axis=-1)
        return ops.sum(mask * x * slack, axis=-1, keepdims=True) / count

    # x and slacks are side by side: what is done to both is then one operation, of which an eager
    # backend takes as long for few numbers as for many.
    def step(both, worth, going):
        x, slack = ops.split(both, 2, axis=-1)
        slope, curve = product(cosines, mask * x), cosines
        proximal = PROXIMAL
        if pull is not None:
            length = _length(cosines, mask * x)
            normal, by = mask * slope / length, pull / length
            slope = pull * normal
            curve = by[..., None] * (cosines - normal[..., None] * normal[..., None, :])
            proximal = PROXIMAL * by
        gap, ratio = slack - slope - linear, slack / x
        matrix = curve + unit * (ratio + proximal)[..., None]
        if prices is not None:
            gap = gap + worth * prices
            along = _solve(matrix, ops.broadcast_to(prices, x.shape))
            missing = 1.0 - ops.sum(x * prices, axis=-1, keepdims=True)
            rise = ops.sum(prices * along, axis=-1, keepdims=True)
            rise = ops.where(rise == 0, 1.0, rise)

        def move(aim):
            change = _solve(matrix, mask * (gap + aim))
            of_worth = 0.0 * worth
            if prices is not None:
                of_worth = (missing - ops.sum(prices * change, axis=-1, keepdims=True)) / rise
                change = change + of_worth * along
            change = ops.concatenate([change, mask * aim - ratio * change], axis=-1)
            reach = _reach(both, change)
            return reach * change, reach * of_worth

        centre = centre_of(both)
        left = centre_of(both + move(-slack)[0])
        aim = ops.maximum(centre * (left / ops.maximum(centre, CENTRED)) ** 3, CENTRED)
        change, of_worth = move(aim / x - slack)
        new = stepped(both, change, 1e-15)
        going = ops.logical_or(
            moves(x, ops.split(new, 2, axis=-1)[0], mask), ops.any(centre > 100 * CENTRED)
        )
        return new, stepped(worth, of_worth, -1e15), going

    start = 1.0 if prices is None else 1.0 / ops.maximum(ops.sum(prices), 1.0)
    # Tasks without a say stay where they start.
    x = ops.where(seen.known, start, 1.0) + ops.zeros_like(linear)
    both = ops.concatenate([x, ops.ones_like(linear)], axis=-1)
    state = both, ops.zeros_like(linear[:, :1]), ops.any(seen.known)
    both = ops.while_loop(is_going, step, state, maximum_iterations=STEPS)[0]
    return mask * both[:, : mask.shape[0]]


def is_going(*state: Tensor) -> Tensor:
    """The last of what a loop goes on with."""
    return state[-1]


def moves(old: Tensor, new: Tensor, mask: Tensor) -> Tensor:
    """Whether any of the numbers moves yet."""
    change, size = (ops.max(ops.abs(mask * x), axis=-1) for x in (new - old, new))
    return ops.any(change > STILL * size)


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
