"""Times a training step of the cross-stitched pair against what it has to beat.

- The two one-task networks of the same towers: the units should cost little (ratio ≤ 1.10).
- The same pair in plain PyTorch (`plain_torch_fcn.py`): choosing Keras should cost nothing
  (ratio ≤ 1.0 at 224², batch 4). Beside it stands the ratio to the same PyTorch program under an
  allocator that is told to keep its memory, which PyTorch's users can do and most do not. Each is
  timed in both memory formats and counts with the faster one.

Each contestant lives in a process of its own, which waits while another is timed; every round asks
each of them once, in random order, so that a change of the machine's speed hits all alike. A ratio
is the median of the ratios of single rounds. Nothing is timed before the PyTorch model has given
the outputs and losses of the Keras model on the same weights.

    python -m benchmarks.cross_stitch_step                     # about 10 minutes on 2 cores
    python -m benchmarks.cross_stitch_step --mini --backends jax --rounds 5

Exit code 1 if a ratio misses its bar.
"""

import argparse
import contextlib
import itertools
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks._report import BACKENDS
from benchmarks._workers import TUNED, Worker

PLAIN = ("plain", "plain tuned")
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
    report = {"settings": settings, "rounds": args.rounds, "backends": {}}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plain = {
            name: stack.enter_context(Worker("_plain_torch_worker", settings, environment))
            for name, environment in zip(PLAIN, ({}, TUNED), strict=True)
        }
        print("plain PyTorch:", plain["plain"]("about"))
        for backend in args.backends:
            with Worker("_keras_worker", settings, {"KERAS_BACKEND": backend}) as keras:
                print(f"\n{backend}:", keras("about"))
                weights = str(folder / "stitched.npz")
                keras("save", weights)
                for worker in plain.values():
                    check_same_function(worker, weights)
                rounds = interleaved_rounds(keras, plain, args.rounds, args.steps)
            report["backends"][backend] = summary = summarize(rounds)
            print_table(summary)
    missed = judge(report["backends"], is_the_bars_setting(args))
    report["passed"] = not missed
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n")
    return 1 if missed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    parser.add_argument("--json", metavar="FILE", help="where to write all figures")
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


def interleaved_rounds(keras, plain, rounds, steps):
    """Seconds a step of every contestant, one dict a round; two rounds more warm up.

    PyTorch runs in both memory formats: which is the faster one depends on the network, and is too
    close a race to be decided by a few steps beforehand.
    """
    turns = [(keras, name, name) for name in KERAS]
    for name, memory_format in itertools.product(PLAIN, MEMORY_FORMATS):
        turns.append((plain[name], memory_format, f"{name}, {memory_format}"))
    order, results = random.Random(0), []
    for _ in range(rounds + 2):
        order.shuffle(turns)
        results.append({key: worker("step", name, steps) for worker, name, key in turns})
    return results[2:]


def summarize(rounds):
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    one_task = [sum(each[task] for task in KERAS[1:]) for each in rounds]
    yardsticks = {"one-task pair": ("sum of both", one_task)}
    for name in PLAIN:
        _, best = min((medians[f"{name}, {each}"], each) for each in MEMORY_FORMATS)
        yardsticks[name] = best, [each[f"{name}, {best}"] for each in rounds]
    ratios = {}
    for name, (what, seconds) in yardsticks.items():
        each = [one["stitched"] / other for one, other in zip(rounds, seconds, strict=True)]
        ratios[name] = {
            "median": statistics.median(each),
            "range": [min(each), max(each)],
            "of": what,
        }
    milliseconds = {name: 1000 * value for name, value in sorted(medians.items())}
    return {"milliseconds": milliseconds, "ratios": ratios, "rounds": rounds}


def print_table(summary):
    print(f"{'step of':32} {'median ms':>10}")
    for name, value in summary["milliseconds"].items():
        print(f"{name:32} {value:10.1f}")
    print(f"{'stitched to':32} {'ratio':>10}   range")
    for name, ratio in summary["ratios"].items():
        low, high = ratio["range"]
        label = f"{name} ({ratio['of']})"
        print(f"{label:32} {ratio['median']:10.2f}   {low:.2f} to {high:.2f}")


def is_the_bars_setting(args):
    """Whether this is the network for which the bar against plain PyTorch is set."""
    return (args.size, args.batch, args.width, args.padding) == (224, 4, 1.0, 100)


def judge(summaries, plain_bar_holds):
    """Prints PASS or FAIL for each bar; returns those that were missed."""
    print()
    missed = []
    for backend, summary in summaries.items():
        for name, bar in (("one-task pair", ONE_TASK_BAR), ("plain", PLAIN_BAR)):
            ratio = summary["ratios"][name]["median"]
            if name == "plain" and not plain_bar_holds:
                verdict = "no bar for this network"
            else:
                verdict = f"{'PASS' if ratio <= bar else 'FAIL'} (bar {bar:.2f})"
                if ratio > bar:
                    missed.append((backend, name))
            print(f"{backend:10} stitched to {name:13} {ratio:.3f}  {verdict}")
    return missed


if __name__ == "__main__":
    sys.exit(main())
