"""Times `Conv2D`, sped up by `keras_mtl.speed_up`, against Keras': forward and backward, by layer.

The layers are those of the CaffeNet-FCN, full (224², batch 4) and small (96², batch 16), but for
conv1, which both spell alike. Both are asked in turn, and checked against each other first.

    KERAS_BACKEND=jax python -m benchmarks.convolution --rounds 9
"""

import argparse
import statistics

import keras
import numpy as np

import keras_mtl
from benchmarks._training import training_function
from benchmarks._workers import seconds_of
from keras_mtl.towers import CaffeNet

NETWORKS = {
    "full": (4, {"input_shape": (224, 224, 3), "padding": 100}),
    "mini": (
        16,
        {"input_shape": (96, 96, 3), "padding": "same", "width": 0.25, "stem_strides": 2},
    ),
}


def layers_of(network):
    """The distinct convolutions of a CaffeNet-FCN, each with the shape of its input."""
    batch, options = NETWORKS[network]
    net = CaffeNet(include_top=False, fully_convolutional=True, **options)
    for layer in net.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name != "conv1":
            yield layer, (batch, *layer.input.shape[1:])


def compare(layer, shape, rounds):
    """Median milliseconds of the layer, fast and plain, and the median ratio of both."""
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    steps = []
    for spelling in (keras_mtl.speed_up, lambda each: each):
        each = keras.layers.Conv2D.from_config(layer.get_config())
        each.build(shape)
        each.set_weights(layer.get_weights())
        steps.append(training_function(spelling(each), [inputs]))
    for fast, plain in zip(*(step() for step in steps), strict=True):
        fast, plain = keras.ops.convert_to_numpy(fast), keras.ops.convert_to_numpy(plain)
        np.testing.assert_allclose(fast, plain, atol=1e-4 * np.abs(plain).max())
    # Turns of at least some 20 ms, so that the clock and the change-over do not count.
    count = max(1, round(0.02 / max(seconds_of(steps[0], 1), 1e-4)))
    times = [[seconds_of(step, count) for step in steps] for _ in range(rounds)]
    fast, plain = (1000 * statistics.median(each) for each in zip(*times, strict=True))
    return fast, plain, statistics.median(fast / plain for fast, plain in times)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    print(f"{keras.backend.backend()}, forward + backward, median of {args.rounds} rounds, ms")
    print(f"{'layer':12}{'input':>20}{'kernel':>22} groups{'fast':>9}{'plain':>9}  ratio")
    for network in args.networks:
        for layer, shape in layers_of(network):
            fast, plain, ratio = compare(layer, shape, args.rounds)
            name, kernel = f"{network} {layer.name}", tuple(layer.kernel.shape)
            print(
                f"{name:12}{str(shape):>20}{str(kernel):>22}{layer.groups:7}"
                f"{fast:9.1f}{plain:9.1f}{ratio:7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
