"""Times a training step of a user's own networks, shared and stitched, against what they replace.

A ResNet-18 and a MobileNetV2 (width 1), written with the layers of Keras, and T linear classifiers
on the pooled features. SGD with momentum; three tasks, 96², batch 16. On each backend take turns:

- plain Keras: one functional model of T heads, without this library;
- ours, hard sharing: that network as a `Tower`, cut behind its four stages;
- ours, stitched: a tower a task, with a cross-stitch unit behind each of the four stages;
- plain PyTorch: both by hand, channels last, with the fused SGD.

Each contestant's process waits while another is timed; all have the same allocator, told to keep
its memory. Nothing is timed before the networks in plain PyTorch have given the outputs of the
Keras models, and their losses along three training steps.

    python -m benchmarks.towers                     # about 15 minutes on 2 cores
    python -m benchmarks.towers --backends torch --networks ResNet-18 --tasks 8 --size 64

Exit code 1 if a ratio misses its bar; the bars are those of three tasks, 96² and batch 16.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

from benchmarks._report import BACKENDS, finish, interleaved, parser_of, row
from benchmarks._workers import TUNED, Worker

NETWORKS = ("ResNet-18", "MobileNetV2")
HARD, STITCHED, PLAIN = "hard sharing", "stitched", "plain Keras"
# By network and backend, for ratios of ours to plain PyTorch: hard sharing, stitched.
AT_MOST = {
    ("ResNet-18", "torch"): (1.2, 1.2),
    ("MobileNetV2", "torch"): (1.5, 1.5),
    ("ResNet-18", "jax"): (1.5, None),
    ("ResNet-18", "tensorflow"): (1.05, None),
}
# Of plain Keras to ours.
AT_LEAST = {"torch": 1.5, "jax": 1.0, "tensorflow": 1.0}
DIFFERENCE = 1e-3


def main():
    args = parse_arguments()
    if args.threads:
        # Every library asks how many cores its process may use.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
        os.environ["OMP_NUM_THREADS"] = str(args.threads)
    print(f"{args.tasks} tasks, {args.size}², batch {args.batch}, {args.rounds} rounds")
    rows = []
    for network in args.networks:
        for backend in args.backends:
            rows += compare(network, backend, args)
    return finish(rows, args.json)


def parse_arguments():
    parser = parser_of(__doc__)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="steps that a round averages over")
    parser.add_argument("--threads", type=int, help="how many cores to use; all by default")
    parser.add_argument("--size", type=int, default=96, help="side of the image, in pixels")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=3)
    return parser.parse_args()


def compare(network, backend, args):
    """Times all of one network on one backend; returns the rows."""
    settings = {"network": network, "size": args.size, "batch": args.batch, "tasks": args.tasks}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = {**TUNED, "KERAS_BACKEND": backend}
        keras = stack.enter_context(Worker("_towers_keras_worker", settings, environment))
        torch = stack.enter_context(Worker("_towers_torch_worker", settings, TUNED))
        for name in (HARD, STITCHED):
            weights = str(folder / "weights.npz")
            keras("save", name, weights)
            difference = torch("load", name, weights)
            print(f"{network}, {backend}, {name}: difference to plain PyTorch {difference:.1e}")
            if not difference <= DIFFERENCE:
                raise SystemExit("Not the same function: there is nothing to compare.")
        turns = {("Keras", name): keras.turn(name) for name in (PLAIN, HARD, STITCHED)}
        turns |= {("PyTorch", name): torch.turn(name) for name in (HARD, STITCHED)}
        rounds = interleaved(turns, args.rounds, args.steps)
    case = f"{network}, {args.tasks} tasks, {args.size}², {backend}"
    has_bars = (args.tasks, args.size, args.batch) == (3, 96, 16)
    bars = AT_MOST.get((network, backend)) if has_bars else None
    rows = [
        row(
            case,
            f"ours, {name}, to plain PyTorch",
            rounds,
            ("Keras", name),
            ("PyTorch", name),
            at_most=bar,
        )
        for name, bar in zip((HARD, STITCHED), bars or (None, None), strict=True)
    ]
    rows.append(
        row(
            case,
            f"plain Keras to ours, {HARD}",
            rounds,
            ("Keras", PLAIN),
            ("Keras", HARD),
            at_least=AT_LEAST[backend] if has_bars else None,
        )
    )
    return rows


if __name__ == "__main__":
    sys.exit(main())
