"""Times a training step with a balancing against the same step without.

A ResNet-18 (64², batch 16) is shared by 2, 3 and 5 regressions. On each backend the step of a
`MultiTaskModel` without balancing, with MGDA at the features, and with PCGrad at the weights take
turns; on PyTorch beside them the same network by hand, under TorchJD's PCGrad (sequential, and by
vmap, its default) and LibMTL's MGDA at the features (`rep_grad`) and PCGrad, if those libraries
are installed. A ratio is to the plain step of the same framework.

Every round asks each of them once, in random order, in processes of their own, so that a change of
the machine's speed hits all alike; ratios are medians of those of single rounds.

    python -m benchmarks.balancing                        # about 10 minutes on 2 cores
    python -m benchmarks.balancing --tasks 3 --backends torch

Exit code 1 if a ratio of ours misses its bar: 1.05 at the features, and 2.1 at the weights of three
tasks.
"""

import contextlib
import sys

from benchmarks._report import BACKENDS, finish, interleaved, parser_of, row
from benchmarks._workers import TUNED, Worker

FEATURES_BAR = 1.05
WEIGHTS_BAR = 2.1
OURS = ("plain", "features", "weights")


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--tasks", nargs="+", type=int, default=(2, 3, 5))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="steps that a round averages over")
    args = parser.parse_args()
    rows = []
    for tasks in args.tasks:
        for backend in args.backends:
            rows += of_backend(backend, tasks, args.rounds, args.steps)
    return finish(rows, args.json)


def of_backend(backend, tasks, rounds, steps):
    """Times all on one backend; returns the rows."""
    settings = {"tasks": tasks, "size": 64, "batch": 16}
    with contextlib.ExitStack() as stack:
        environment = {**TUNED, "KERAS_BACKEND": backend}
        ours = stack.enter_context(Worker("_balancing_keras_worker", settings, environment))
        turns = {("keras_mtl", name): ours.turn(name) for name in OURS}
        if backend == "torch":
            by_hand = stack.enter_context(Worker("_balancing_torch_worker", settings, TUNED))
            turns |= {tuple(name.split(": ")): by_hand.turn(name) for name in by_hand("known")}
        results = interleaved(turns, rounds, steps)
    bars = {"features": FEATURES_BAR, "weights": WEIGHTS_BAR if tasks == 3 else None}
    return [
        row(
            f"{tasks} tasks, {backend}",
            f"{who}, {name} to plain",
            results,
            (who, name),
            (who, "plain"),
            bars.get(name) if who == "keras_mtl" else None,
        )
        for who, name in sorted(turns)
        if name != "plain"
    ]


if __name__ == "__main__":
    sys.exit(main())
