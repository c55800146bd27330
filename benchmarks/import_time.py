"""What `import keras_mtl` costs beside `import keras`, each in fresh processes, in turn.

    python -m benchmarks.import_time

Fails if the median ratio is above 1.1.
"""

import statistics
import subprocess
import sys
import time

ROUNDS = 9
BAR = 1.10


def seconds(module):
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", f"import {module}"], check=True, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def main():
    for module in ("keras", "keras_mtl"):
        seconds(module)  # the first import compiles and fills the disk cache
    rounds = [(seconds("keras"), seconds("keras_mtl")) for _ in range(ROUNDS)]
    keras, ours = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(ours / keras for keras, ours in rounds)
    verdict = "PASS" if ratio <= BAR else "FAIL"
    print(
        f"import keras {keras:.2f} s, keras_mtl {ours:.2f} s, ratio {ratio:.3f} ≤ {BAR} {verdict}"
    )
    return ratio > BAR


if __name__ == "__main__":
    sys.exit(main())
