"""What benchmarks have in common that compare: turns, rows of ratios, and their bars."""

import argparse
import functools
import json
import random
import statistics
from pathlib import Path

from benchmarks._workers import seconds_of

BACKENDS = ("torch", "jax", "tensorflow")


def interleaved(turns, rounds, steps=1, warm_up=2):
    """Seconds a step of every contestant, one dict a round, each round in a random order.

    Args:
        turns: dict from a contestant's key to a function from a number of steps to the mean
            seconds of one, such as `Worker.turn(name)`.
        rounds: how many rounds count.
        steps: steps that a turn averages over.
        warm_up: rounds before, which do not count.
    """
    order, results = random.Random(0), []
    for _ in range(warm_up + rounds):
        keys = order.sample(list(turns), len(turns))
        results.append({key: turns[key](steps) for key in keys})
    return results[warm_up:]


def turn_of(step):
    """A turn of a function of this process."""
    return functools.partial(seconds_of, step)


def median_of(rounds, key):
    return statistics.median(each[key] for each in rounds)


def row(case, what, rounds, over, under, at_most=None, at_least=None, unit="ms"):
    """A row of the table: the ratio of two contestants, the median of those of single rounds.

    Args:
        case: what is timed, such as a network and a backend.
        what: what is divided by what, in words.
        rounds: as of `interleaved`.
        over, under: the keys of both.
        at_most, at_least: the bars, if there are any.
        unit: what both are shown in: "ms", of rounds in seconds, or the rounds' own, such as "MB".
    """
    ratios = [each[over] / each[under] for each in rounds]
    ratio = statistics.median(ratios)
    passed = None
    if at_most is not None or at_least is not None:
        passed = (at_most is None or ratio <= at_most) and (at_least is None or ratio >= at_least)
    return {
        "case": case,
        "what": what,
        "ratio": ratio,
        "range": [min(ratios), max(ratios)],
        "values": [median_of(rounds, key) * (1000 if unit == "ms" else 1) for key in (over, under)],
        "unit": unit,
        "at_most": at_most,
        "at_least": at_least,
        "passed": passed,
    }


def line(row):
    """A row as text."""
    low, high = row["range"]
    ours, theirs = row["values"]
    return (
        f"{row['case']:28} {row['what']:44} {row['ratio']:6.2f}   {low:5.2f} to {high:5.2f}"
        f"   {ours:8.1f} / {theirs:8.1f} {row['unit']}   {verdict(row)}"
    )


def verdict(row):
    """A row's bar, and whether it is met."""
    if row["passed"] is None:
        return ""
    bars = (("at most", row["at_most"]), ("at least", row["at_least"]))
    texts = [f"{word} {bar}" for word, bar in bars if bar is not None]
    return f"{'PASS' if row['passed'] else 'FAIL'} ({', '.join(texts)})"


def parser_of(description):
    """A parser with the option of all: where rows are written, for `python -m benchmarks`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", metavar="FILE", help="where to write all figures")
    return parser


def finish(rows, file=None):
    """Prints rows, and writes them to a file of JSON; the exit code, 1 if a bar is missed."""
    for each in rows:
        print(line(each), flush=True)
    if file:
        Path(file).write_text(json.dumps(rows, indent=1) + "\n")
    return int(any(each["passed"] is False for each in rows))
