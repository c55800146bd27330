"""Times the inference of modulated and folded models against the models without gates.

The paper's network for retrieval (150×150) and MobileNetV2 (96×96) with gates behind six layers,
each for eight images. A folded model has the layers of the one without gates, and must be as fast.
Every round asks each model once, in random order; a ratio is the median of the ratios of single
rounds. Nothing is timed before folded and modulated model have agreed.

    KERAS_BACKEND=jax python -m benchmarks.modulation --rounds 51
    KERAS_BACKEND=jax taskset -c 0 python -m benchmarks.modulation     # on one core

Exit code 1 if the time of a folded model misses its bar.
"""

import argparse
import random
import statistics
import sys

import keras
import numpy as np

from benchmarks._workers import seconds_of
from keras_mtl import fold, modulate
from keras_mtl.towers import ResidualEmbedding

TASKS, BATCH, TASK = 7, 8, 3
BAR = 1.03


def residual_embedding():
    """The paper's network and the layers behind which it has gates."""
    return ResidualEmbedding((150, 150, 3), seed=0), ["block3", "block4", "embedding"]


def mobile_net():
    """MobileNetV2, and layers with gates: before and behind ReLU, and behind a sum."""
    net = keras.applications.MobileNetV2((96, 96, 3), weights=None, classes=10)
    bottlenecks = [f"block_{number}_project_BN" for number in (3, 6, 10, 13)]
    return net, [*bottlenecks, "block_12_add", "Conv_1_bn"]


NETWORKS = {"the paper's network": residual_embedding, "MobileNetV2": mobile_net}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=31)
    args = parser.parse_args()
    missed = [name for name, build in NETWORKS.items() if not is_fast(name, build, args.rounds)]
    return 1 if missed else 0


def is_fast(name, build, rounds):
    """Prints the times of one network; returns whether the folded one meets the bar."""
    plain, after = build()
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH, *plain.input_shape[1:])).astype("float32")
    gated = modulate(plain, TASKS, after)
    for layer in after:
        gate = gated.get_layer(f"gate_{layer}").gate
        gate.assign(rng.uniform(0.5, 1.5, gate.shape))
    folded = fold(gated, TASK)
    tasks = np.full(BATCH, TASK, "int32")
    steps = {
        "plain": lambda: plain.predict_on_batch(images),
        "modulated": lambda: gated.predict_on_batch([images, tasks]),
        "folded": lambda: folded.predict_on_batch(images),
    }
    np.testing.assert_allclose(steps["folded"](), steps["modulated"](), rtol=1e-4, atol=1e-5)
    times = {step: [] for step in steps}
    for number in range(rounds + 1):
        for step in random.sample(list(steps), len(steps)):
            seconds = seconds_of(steps[step], 1)
            if number:  # the first round compiles
                times[step].append(seconds)
    ratio = {
        step: statistics.median(
            ours / theirs for ours, theirs in zip(times[step], times["plain"], strict=True)
        )
        for step in ("modulated", "folded")
    }
    met = ratio["folded"] <= BAR
    print(
        f"{keras.backend.backend()}, {rounds} rounds, {name}: "
        f"plain {1000 * statistics.median(times['plain']):.1f} ms, "
        f"modulated {ratio['modulated']:.3f} of it, folded {ratio['folded']:.3f} "
        f"(at most {BAR}) {'met' if met else 'missed'}",
        flush=True,
    )
    return met


if __name__ == "__main__":
    sys.exit(main())
