"""Times `task_gradients` against a step of training of the same model.

A ResNet-18 (64², batch 16) is shared by three regressions. The gradients of all three take a
forward pass and three backward ones, where the step takes one of each. Every round asks both once,
in random order; the ratio is the median of the ratios of single rounds.

    KERAS_BACKEND=jax python -m benchmarks.gradients --rounds 51

Exit code 1 if the ratio misses its bar.
"""

import argparse
import os
import random
import statistics
import sys

from benchmarks._workers import Worker
from benchmarks.cross_stitch_step import TUNED

BAR = 2.2


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=31)
    args = parser.parse_args()
    turns, order, rounds = ["step", "gradients"], random.Random(0), []
    with Worker("_gradients_worker", {"tasks": 3, "size": 64, "batch": 16}, TUNED) as worker:
        for _ in range(args.rounds + 2):  # Two more warm up.
            order.shuffle(turns)
            rounds.append({name: worker(name) for name in turns})
    ratio = statistics.median(each["gradients"] / each["step"] for each in rounds[2:])
    met = ratio <= BAR
    print(
        f"{os.environ.get('KERAS_BACKEND', 'tensorflow')}, {args.rounds} rounds: step "
        f"{1000 * statistics.median(each['step'] for each in rounds[2:]):.1f} ms, "
        f"task_gradients {ratio:.2f} of it (at most {BAR}) {'met' if met else 'missed'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
