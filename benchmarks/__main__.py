"""Runs the benchmarks one after the other and writes one table of what they found.

    python -m benchmarks                                    # what `make bench` does
    python -m benchmarks --only towers parts --backends torch

Half an hour on two idle cores. The table stands in a folder, as `bench.md` and `bench.json`, with
the processor, the cores and the versions; `docs/speed.md` is written from it. All programs have the
same allocator, told to keep its memory. `convolution`, layer by layer, is run by itself.

Exit code 1 if a ratio misses its bar, 2 if a benchmark failed.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks._report import BACKENDS, line, verdict
from benchmarks._workers import TUNED

ROOT = Path(__file__).parents[1]
FEW = ("--networks", "ResNet-18", "--rounds", "3", "--steps", "1")
# How a benchmark is told of backends: once for each, all together, or not at all.
EACH, TOGETHER, NONE = "each", "together", "none"
SUITE = (
    ("towers", ("--rounds", "5", "--steps", "1"), TOGETHER),
    ("towers", (*FEW, "--tasks", "2"), TOGETHER),
    ("towers", (*FEW, "--tasks", "24", "--size", "64", "--batch", "4"), TOGETHER),
    ("towers", (*FEW, "--size", "512", "--batch", "1"), TOGETHER),
    ("cross_stitch_step", ("--rounds", "5"), TOGETHER),
    ("cross_stitch_step", ("--mini", "--rounds", "5"), TOGETHER),
    ("gradients", ("--rounds", "9"), EACH),
    ("balancing", ("--tasks", "3", "--rounds", "5"), TOGETHER),
    ("import_time", ("--rounds", "3"), TOGETHER),
    ("parts", ("--rounds", "9"), EACH),
    ("roi_pooling", ("--rounds", "5", "--step"), EACH),
    ("modulation", ("--rounds", "9"), EACH),
    ("skip_policy", ("--rounds", "5"), EACH),
    ("branching", ("--rounds", "3"), NONE),
    ("reading", ("--rounds", "3"), NONE),
)
PACKAGES = ("keras", "torch", "jax", "tensorflow", "numpy")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = list(dict.fromkeys(name for name, *_ in SUITE))
    parser.add_argument("--only", nargs="+", choices=known, default=known)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / "bench")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    about, rows, failed = machine(), [], []
    print(about)
    for name, options, told in SUITE:
        if name not in args.only:
            continue
        runs = [(each,) for each in args.backends] if told == EACH else [tuple(args.backends)]
        for backends in runs:
            started = time.perf_counter()
            chosen = ("--backends", *backends) if told == TOGETHER else ()
            found = rows_of(name, (*options, *chosen), backends[0])
            print(f"{name} {' '.join(backends)}: {time.perf_counter() - started:.0f} s", flush=True)
            failed += [name] * (found is None)
            for each in found or ():
                print(f"  {line(each)}", flush=True)
                rows.append({"benchmark": name, **each})
            # What has been found stays if the run is stopped.
            (args.folder / "bench.json").write_text(
                json.dumps({"machine": about, "rows": rows}, indent=1) + "\n"
            )
            (args.folder / "bench.md").write_text(table(about, rows))
    missed = [each for each in rows if each["passed"] is False]
    print(f"{len(rows)} rows, {len(missed)} bars missed, failed: {failed}; {args.folder}/bench.md")
    return 2 if failed else int(bool(missed))


def rows_of(name, options, backend):
    """The rows of a benchmark, `None` if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *options, "--json", str(file)],
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, **TUNED, "KERAS_BACKEND": backend},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        return json.loads(file.read_text()) if file.exists() else None


def machine():
    """The processor, the cores that may be used, and the versions."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [each.partition(":")[2].strip() for each in lines if each.startswith("model name")]
        processor = names[0] if names else processor
    versions = {"python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in PACKAGES}
    cores = len(os.sched_getaffinity(0))
    return {"processor": processor, "cores": cores, "versions": versions}


def table(about, rows):
    """All rows as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        f"{about['processor']}, {about['cores']} cores; {versions}.",
        "",
        "| benchmark | case | ratio of | median | range | values | bar |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in rows:
        low, high = each["range"]
        ours, theirs = each["values"]
        lines.append(
            f"| {each['benchmark']} | {each['case']} | {each['what']} | {each['ratio']:.2f} "
            f"| {low:.2f}–{high:.2f} | {ours:.1f} / {theirs:.1f} {each['unit']} "
            f"| {verdict(each)} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
