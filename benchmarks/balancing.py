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

import argparse
import contextlib
import random
import statistics
import sys

from benchmarks._report import BACKENDS
from benchmarks._workers import TUNED, Worker

FEATURES_BAR = 1.05
WEIGHTS_BAR = 2.1
OURS = ("plain", "features", "weights")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--tasks", nargs="+", type=int, default=(2, 3, 5))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="steps that a round averages over")
    args = parser.parse_args()
    missed = []
    for tasks in args.tasks:
        for backend in args.backends:
            missed += of_backend(backend, tasks, args.rounds, args.steps)
    return 1 if missed else 0


def of_backend(backend, tasks, rounds, steps):
    """Times all on one backend, prints their ratios, and returns the bars that are missed."""
    settings = {"tasks": tasks, "size": 64, "batch": 16}
    with contextlib.ExitStack() as stack:
        environment = {**TUNED, "KERAS_BACKEND": backend}
        ours = stack.enter_context(Worker("_balancing_keras_worker", settings, environment))
        turns = [(("keras_mtl", name), name, ours) for name in OURS]
        if backend == "torch":
            by_hand = stack.enter_context(Worker("_balancing_torch_worker", settings, TUNED))
            turns += [(tuple(name.split(": ")), name, by_hand) for name in by_hand("known")]
        order, results = random.Random(0), []
        for _ in range(rounds + 2):  # Two more warm up.
            order.shuffle(turns)
            results.append({key: worker("step", name, steps) for key, name, worker in turns})
    missed = []
    print(f"\n{backend}, {tasks} tasks{'ms':>31}{'ratio':>8}   range")
    for who, name in sorted(results[0], key=lambda each: (each[0], each[1] != "plain", each[1])):
        seconds = statistics.median(each[who, name] for each in results[2:])
        ratios = [each[who, name] / each[who, "plain"] for each in results[2:]]
        ratio = statistics.median(ratios)
        bar = {"features": FEATURES_BAR, "weights": WEIGHTS_BAR if tasks == 3 else None}.get(name)
        verdict = ""
        if who == "keras_mtl" and bar is not None:
            verdict = f"{'PASS' if ratio <= bar else 'FAIL'} (bar {bar})"
            missed += [(backend, tasks, name)] * (ratio > bar)
        print(
            f"  {who:10} {name:22} {1000 * seconds:10.1f}{ratio:8.2f}   "
            f"{min(ratios):.2f} to {max(ratios):.2f}  {verdict}",
            flush=True,
        )
    return missed


if __name__ == "__main__":
    sys.exit(main())
