"""What a start costs, in fresh processes that take turns: seconds, and memory at its peak.

`import keras_mtl` beside `import keras`; and a program up to the end of its first training step of
a ResNet-18 with three classifiers (96², batch 16), with and without this library.

    python -m benchmarks.import_time
    python -m benchmarks.import_time --backends torch --rounds 5

Exit code 1 if a ratio misses its bar.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks._report import BACKENDS, finish, parser_of, row

BARS = {"import": 1.1, "first step": None}
PROGRAMS = {
    ("import", "Keras"): ["-c", "import keras"],
    ("import", "ours"): ["-c", "import keras_mtl"],
    ("first step", "Keras"): ["-m", "benchmarks._first_step", "plain"],
    ("first step", "ours"): ["-m", "benchmarks._first_step", "ours"],
}


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rows = []
    for backend in args.backends:
        results = [
            {key: cost(words, backend) for key, words in PROGRAMS.items()}
            for _ in range(args.rounds + 1)
        ][1:]  # The first import compiles, and fills the cache of the disk.
        for program, bar in BARS.items():
            for index, (name, unit) in enumerate((("time", "ms"), ("memory", "MB"))):
                rounds = [{key: each[key][index] for key in PROGRAMS} for each in results]
                pair = (program, "ours"), (program, "Keras")
                what = f"{program}, {name}: ours to Keras"
                rows.append(row(backend, what, rounds, *pair, at_most=bar, unit=unit))
    return finish(rows, args.json)


def cost(words, backend):
    """Seconds and megabytes of a process."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words],
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=Path(__file__).parents[1],
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words} failed on {backend}.")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
