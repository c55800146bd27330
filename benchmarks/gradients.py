"""Times `task_gradients` against a step of training of the same model.

A ResNet-18 (64², batch 16) is shared by three regressions. The gradients of all three take a
forward pass and three backward ones, where the step takes one of each. Every round asks both once,
in random order; the ratio is the median of the ratios of single rounds.

    KERAS_BACKEND=jax python -m benchmarks.gradients --rounds 51

Exit code 1 if the ratio misses its bar.
"""

import os
import sys

from benchmarks._report import finish, interleaved, parser_of, row
from benchmarks._workers import TUNED, Worker

TASKS, BAR = 3, 2.2


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    args = parser.parse_args()
    settings = {"tasks": TASKS, "size": 64, "batch": 16}
    with Worker("_gradients_worker", settings, TUNED) as worker:
        turns = {name: worker.turn(name) for name in ("step", "gradients")}
        rounds = interleaved(turns, args.rounds)
    case = f"ResNet-18, {TASKS} tasks, {os.environ.get('KERAS_BACKEND', 'tensorflow')}"
    over = "task_gradients to a training step"
    return finish([row(case, over, rounds, "gradients", "step", at_most=BAR)], args.json)


if __name__ == "__main__":
    sys.exit(main())
