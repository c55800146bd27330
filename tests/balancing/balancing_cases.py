"""All methods that look at gradients, what each promises, and what each is in NumPy."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from scipy.optimize import minimize, nnls, root

from keras_mtl import balancing

# From Jacobians, whose rows are the tasks' gradients, and losses to weights, in double precision.
# Quadratic programs are solved by the active sets of SciPy, from the Jacobian.


def norms_of(jacobian):
    return np.linalg.norm(jacobian, axis=1)


def lifted(jacobian, lower):
    """`v >= lower` of the shortest sum."""
    return lower + nnls(jacobian.T, -(jacobian.T @ lower))[0]


def equal_weights(jacobian, losses):
    return np.ones(len(jacobian))


def mgda(jacobian, losses):
    # With a row of ones that are to sum to 1: the shares are the same as of the shortest mixture.
    count = len(jacobian)
    scaled = jacobian / norms_of(jacobian).min()
    shares = nnls(np.vstack([scaled.T, np.ones(count)]), [0.0] * jacobian.shape[1] + [1.0])[0]
    return count * shares / shares.sum()


def upgrad(jacobian, losses):
    return sum(lifted(jacobian, lower) for lower in np.eye(len(jacobian)))


def dual_projection(jacobian, losses):
    return lifted(jacobian, np.ones(len(jacobian)))


def cagrad(c, rescale, jacobian, losses):
    count = len(jacobian)
    jacobian = jacobian / np.linalg.norm(jacobian.mean(0))
    mean = jacobian.mean(0)

    def objective(shares):
        mixture = shares @ jacobian
        norm = np.linalg.norm(mixture)
        return mixture @ mean + c * norm, jacobian @ (mean + c * mixture / norm)

    sums_to_one = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}
    shares = minimize(
        objective,
        np.full(count, 1 / count),
        jac=True,
        bounds=[(0, 1)] * count,
        constraints=sums_to_one,
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 1000},
    ).x
    weights = 1 + count * c * shares / np.linalg.norm(shares @ jacobian)
    return weights / (1 + c**2) if rescale else weights


def fair(alpha, jacobian, losses):
    whole = jacobian @ jacobian.T
    own = np.diag(np.diag(whole))

    def miss(logs, gramian):
        return logs + alpha * np.log(np.maximum(gramian @ np.exp(logs), 1e-12))

    def slope(logs, gramian):
        return (
            np.eye(len(logs)) + alpha * gramian * np.exp(logs) / (gramian @ np.exp(logs))[:, None]
        )

    # From gradients that do not conflict to these, so that each start is close to the solution.
    logs = -2 * alpha / (1 + alpha) * np.log(norms_of(jacobian))
    for share in 1 - np.geomspace(1, 1e-3, 30):
        logs = root(miss, logs, share * whole + (1 - share) * own, jac=slope).x
    found = root(miss, logs, whole, jac=slope, tol=1e-13)
    assert np.abs(found.fun).max() < 1e-9
    return np.exp(found.x)


def imtl_grad(jacobian, losses):
    weights = np.linalg.solve(jacobian @ jacobian.T, norms_of(jacobian))
    total, size = weights.sum(), np.abs(weights).sum()
    return len(jacobian) * weights / (total if total > 0.01 * size else size)


def con_fig(jacobian, losses):
    norms = norms_of(jacobian)
    direction = np.linalg.pinv(jacobian / norms[:, None]) @ np.ones(len(jacobian))
    direction /= np.linalg.norm(direction)
    update = np.sum(jacobian @ direction) * direction
    return np.linalg.lstsq(jacobian.T, update, rcond=None)[0]


def aligned_mtl(jacobian, losses):
    left, values, _ = np.linalg.svd(jacobian, full_matrices=False)
    return left @ np.diag(values.min() / values) @ left.T @ np.ones(len(jacobian))


def db_mtl(jacobian, losses):
    of_logs = jacobian / losses[:, None]
    return norms_of(of_logs).max() / norms_of(of_logs) / losses


class InPairs:
    """PCGrad, and GradVac with a `beta`, gradient by gradient, in the order that is drawn there."""

    def __init__(self, beta=None):
        self.beta = beta
        self.seeds = keras.random.SeedGenerator(SEED)
        self.average = None

    def __call__(self, jacobian, losses):
        count = len(jacobian)
        drawn = ops.convert_to_numpy(keras.random.uniform((count, count), seed=self.seeds))
        average = np.zeros((count, count)) if self.average is None else self.average
        new, weights = average.copy(), np.eye(count)
        for i in range(count):
            gradient = jacobian[i].copy()
            for j in np.argsort(drawn[i], kind="stable"):
                if i == j:
                    continue
                other, aim = jacobian[j], average[i, j]
                size = np.linalg.norm(gradient)
                cosine = gradient @ other / size / np.linalg.norm(other)
                if cosine < aim:
                    share = aim * np.sqrt(1 - cosine**2) - cosine * np.sqrt(1 - aim**2)
                    share *= size / np.linalg.norm(other) / np.sqrt(1 - aim**2)
                    gradient += share * other
                    weights[i, j] += share
                new[i, j] += (self.beta or 0) * (cosine - new[i, j])
        if self.beta is not None:
            self.average = new
        return weights.sum(0)


class GradNorm:
    def __init__(self, alpha, rate):
        self.alpha, self.rate, self.first = alpha, rate, None

    def __call__(self, jacobian, losses):
        if self.first is None:
            self.first, self.weights = losses, np.ones(len(losses))
        weights, ratio = self.weights, losses / self.first
        mean = norms_of(weights[:, None] * jacobian).mean()
        aim = mean * (ratio / ratio.mean()) ** self.alpha

        def distance(weights):
            return np.abs(norms_of(weights[:, None] * jacobian) - aim).sum()

        steps = 1e-7 * np.eye(len(losses))
        slopes = np.array([distance(weights + h) - distance(weights - h) for h in steps]) / 2e-7
        new = np.maximum(weights - self.rate * slopes / norms_of(jacobian).mean(), 0)
        self.weights = new * len(new) / new.sum()
        return weights


SEED = 11


class Case(NamedTuple):
    """A method in the table.

    Attributes:
        make: of no arguments, makes the balancing.
        reference: of no arguments, makes what turns Jacobians, step by step, and losses to weights.
        no_conflict: whether no loss may rise along the direction.
        degree: of the weights, in the scale of all gradients.
        drawn: whether the order of tasks is drawn.
        alone: of the norm and the loss of a task, its weight if no other has a say.
    """

    make: Callable[[], Any]
    reference: Callable[[], Any]
    no_conflict: bool = False
    degree: float = 0.0
    drawn: bool = False
    alone: Callable[[float, float], float] = lambda norm, loss: 1.0


def fair_case(alpha, make):
    degree = -2 * alpha / (1 + alpha)
    reference = partial(partial, fair, alpha)
    return Case(make, reference, True, degree, alone=lambda norm, loss: norm**degree)


def of(function, *arguments):
    """What makes a reference that has no state."""
    return partial(partial, function, *arguments)


CASES = {
    "EqualWeights": Case(balancing.EqualWeights, of(equal_weights)),
    "MGDA": Case(balancing.MGDA, of(mgda), True),
    "UPGrad": Case(balancing.UPGrad, of(upgrad), True),
    "DualProjection": Case(balancing.DualProjection, of(dual_projection), True),
    "CAGrad": Case(balancing.CAGrad, of(cagrad, 0.5, True)),
    "CAGrad-1": Case(partial(balancing.CAGrad, 1.0, rescale=False), of(cagrad, 1, False), True),
    "NashMTL": fair_case(1.0, balancing.NashMTL),
    "FairGrad-0.5": fair_case(0.5, partial(balancing.FairGrad, 0.5)),
    "FairGrad-2": fair_case(2.0, partial(balancing.FairGrad, 2)),
    "IMTLGrad": Case(balancing.IMTLGrad, of(imtl_grad), True),
    "ConFIG": Case(balancing.ConFIG, of(con_fig), True),
    "AlignedMTL": Case(balancing.AlignedMTL, of(aligned_mtl)),
    "PCGrad": Case(partial(balancing.PCGrad, SEED), InPairs, drawn=True),
    "GradVac": Case(partial(balancing.GradVac, 0.4, SEED), partial(InPairs, 0.4), drawn=True),
    "GradNorm": Case(
        partial(balancing.GradNorm, 1.2, 0.05), partial(GradNorm, 1.2, 0.05), drawn=False
    ),
    "DBMTL": Case(balancing.DBMTL, of(db_mtl), alone=lambda norm, loss: 1 / loss),
}


class Compiled:
    """A method as it is in `fit`: compiled, and made once for each number of tasks."""

    def __init__(self, case, count):
        self.method = case.make()
        self.method.watch([f"task_{number}" for number in range(count)])
        self.variables = self.method.non_trainable_variables
        self.at_first = [ops.convert_to_numpy(variable) for variable in self.variables]
        backend = keras.backend.backend()
        if backend == "jax":
            import jax

            stateless = jax.jit(lambda state, *seen: self.method.stateless_call([], state, *seen))
            self.run = partial(self._with_state, stateless)
        elif backend == "tensorflow":
            import tensorflow as tf

            self.run = tf.function(lambda *seen: self.method(*seen))
        else:
            self.run = self.method

    def _with_state(self, stateless, *seen):
        weights, state = stateless([variable.value for variable in self.variables], *seen)
        for variable, value in zip(self.variables, state, strict=True):
            variable.assign(value)
        return weights

    def __call__(self, jacobian, losses=None):
        losses = np.ones(len(jacobian)) if losses is None else losses
        seen = [ops.convert_to_tensor(x, "float32") for x in (losses, jacobian @ jacobian.T)]
        weights = ops.convert_to_numpy(self.run(*seen))
        assert weights.dtype == "float32"
        return weights.astype("float64")


@cache
def _compiled(name, count):
    return Compiled(CASES[name], count)


def weigher(name, count):
    """A function from Jacobian and losses to weights, at the first of its steps."""
    compiled = _compiled(name, count)
    for variable, value in zip(compiled.variables, compiled.at_first, strict=True):
        variable.assign(value)
    return compiled


def jacobian_of(rng, kind, count, columns=None):
    jacobian = rng.normal(size=(count, columns or 3 * count + 2))
    if kind == "conflicting":
        jacobian -= rng.uniform(1.5, 2) * jacobian.mean(0)
    if kind == "scaled":
        jacobian *= np.exp(rng.normal(size=(count, 1)))
    return jacobian
