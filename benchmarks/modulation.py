"""Times the inference of modulated and folded models against the models without gates.

The paper's network for retrieval (150×150) and MobileNetV2 (96×96) with gates behind six layers,
each for eight images. A folded model has the layers of the one without gates, and must be as fast.
Every round asks each model once, in random order; a ratio is the median of the ratios of single
rounds. Nothing is timed before folded and modulated model have agreed.

    KERAS_BACKEND=jax python -m benchmarks.modulation --rounds 51
    KERAS_BACKEND=jax taskset -c 0 python -m benchmarks.modulation     # on one core

Exit code 1 if the time of a folded model misses its bar.
"""

import sys

import keras
import numpy as np

from benchmarks._report import finish, interleaved, parser_of, row, turn_of
from keras_mtl import fold, modulate, speed_up
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
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    args = parser.parse_args()
    rows = [each for name, build in NETWORKS.items() for each in compare(name, build, args.rounds)]
    return finish(rows, args.json)


def compare(name, build, rounds):
    """The rows of one network."""
    plain, after = build()
    speed_up(plain)  # As what is made of it is.
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
    turns = {name: turn_of(step) for name, step in steps.items()}
    results = interleaved(turns, rounds)
    case = f"{name}, {keras.backend.backend()}"
    return [
        row(case, "with gates to plain", results, "modulated", "plain"),
        row(case, "folded to plain", results, "folded", "plain", at_most=BAR),
    ]


if __name__ == "__main__":
    sys.exit(main())
