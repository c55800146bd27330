"""Times a training step of the cross-stitched pair against what it has to beat.

- The two one-task networks of the same towers: the units should cost little (ratio ≤ 1.10).
- The same pair in plain PyTorch (`plain_torch_fcn.py`): choosing Keras should cost nothing
  (ratio ≤ 1.0 at 224², batch 4). It is timed in both memory formats and counts with the faster one.

Each contestant lives in a process of its own, which waits while another is timed, all with the same
allocator, told to keep its memory; every round asks each of them once, in random order, so that a
change of the machine's speed hits all alike. A ratio is the median of the ratios of single rounds.
Nothing is timed before the PyTorch model has given the outputs and losses of the Keras model on the
same weights.

    python -m benchmarks.cross_stitch_step                     # about 10 minutes on 2 cores
    python -m benchmarks.cross_stitch_step --mini --backends jax --rounds 5

Exit code 1 if a ratio misses its bar.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

from benchmarks._report import BACKENDS, finish, interleaved, median_of, parser_of, row
from benchmarks._workers import TUNED, Worker

KERAS = ("stitched", "segmentation", "normals")
ONE_TASK_BAR = 1.10
PLAIN_BAR = 1.0
DIFFERENCE = 1e-3
MEMORY_FORMATS = ("contiguous_format", "channels_last")


def main():
    args = parse_arguments()
    settings = {
        "size": args.size,
        "batch": args.batch,
        "network": {
            "width": args.width,
            "stem_strides": args.stem_strides,
            "padding": args.padding,
            "rescale": args.rescale,
        },
    }
    print(f"{args.batch} images of {args.size}², {settings['network']}, {args.rounds} rounds")
    rows = []
    with contextlib.ExitStack() as stack:
        weights = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "weights.npz")
        plain = stack.enter_context(Worker("_plain_torch_worker", settings, TUNED))
        print("plain PyTorch:", plain("about"))
        for backend in args.backends:
            environment = {**TUNED, "KERAS_BACKEND": backend}
            with Worker("_keras_worker", settings, environment) as keras:
                print(f"{backend}:", keras("about"))
                keras("save", weights)
                check_same_function(plain, weights)
                turns = {name: keras.turn(name) for name in KERAS}
                # Which format is the faster one depends on the network, and is too close a race
                # to be decided by a few steps beforehand.
                turns |= {name: plain.turn(name) for name in MEMORY_FORMATS}
                rounds = interleaved(turns, args.rounds, args.steps)
            rows += compare(f"{'small' if args.mini else 'full'} pair, {backend}", rounds, args)
    return finish(rows, args.json)


def compare(case, rounds, args):
    """The rows of one backend."""
    is_the_bars_setting = (args.size, args.batch, args.width, args.padding) == (224, 4, 1.0, 100)
    best = min(MEMORY_FORMATS, key=lambda name: median_of(rounds, name))
    rounds = [{**each, "sum": sum(each[task] for task in KERAS[1:])} for each in rounds]
    what = f"stitched to plain PyTorch ({best})"
    return [
        row(case, "stitched to the two one-task steps", rounds, "stitched", "sum", ONE_TASK_BAR),
        row(case, what, rounds, "stitched", best, PLAIN_BAR if is_the_bars_setting else None),
    ]


def parse_arguments():
    parser = parser_of(__doc__)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--size", type=int, default=224, help="side of the image, in pixels")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--width", type=float, default=1.0, help="factor on the channels")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1, help="steps that a round averages over")
    parser.add_argument(
        "--mini",
        action="store_true",
        help="the small network of tests and demos: width 1/4, 96², batch 16; 5 steps a round",
    )
    # Unscaled, random weights make logits in the hundreds, whose `exp` underflows, which is slow
    # on PyTorch and happens to no trained network.
    parser.set_defaults(stem_strides=4, padding=100, rescale=1 / 64)
    args = parser.parse_args()
    if args.mini:
        args.width, args.size, args.batch, args.steps = 0.25, 96, 16, 5
        args.stem_strides, args.padding = 2, "same"
    return args


def check_same_function(plain, weights):
    difference = plain("load", weights)
    print(f"largest relative difference of logits and losses to plain PyTorch: {difference:.1e}")
    if not difference <= DIFFERENCE:
        raise SystemExit("Not the same function: there is nothing to compare.")


if __name__ == "__main__":
    sys.exit(main())
