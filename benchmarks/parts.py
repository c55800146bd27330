"""Times small parts against what one would take instead, on the backend in force.

- A cross-stitch unit of 2 to 24 towers (8 maps of 28²×64, forward and backward) to one multiply-add
  for each pair of towers.
- Non-maximum suppression of 1,000 boxes to TensorFlow's own.
- A mean IU of 8 label maps of 224² and 40 classes, an update, to `keras.metrics.MeanIoU`.

All take turns in one process; nothing is timed before both have agreed.

    KERAS_BACKEND=jax python -m benchmarks.parts

Exit code 1 if a ratio misses its bar.
"""

import sys

import keras
import numpy as np

import keras_mtl
from benchmarks._report import finish, interleaved, parser_of, row, turn_of
from benchmarks._training import training_function

BACKEND = keras.backend.backend()
BAR = 1.1


class Pairs(keras_mtl.layers.CrossStitch):
    """A unit in the plainest spelling."""

    def call(self, inputs):
        return [
            sum(self.alpha[i, j] * tower for j, tower in enumerate(inputs))
            for i in range(len(inputs))
        ]


def unit(towers):
    """Turns of the unit of so many towers, and of its plain spelling."""
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(8, 28, 28, 64)).astype("float32") for _ in range(towers)]
    layers = keras_mtl.layers.CrossStitch(), Pairs()
    for layer in layers:
        layer.build([each.shape for each in inputs])
    steps = [training_function(layer, inputs) for layer in layers]
    for ours, theirs in zip(*(step() for step in steps), strict=True):
        check(ours, theirs)
    return steps


def suppression():
    """Turns of both suppressions."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 500, (1000, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(20, 200, (1000, 2))], 1).astype(
        "float32"
    )
    scores = rng.random(1000).astype("float32")

    def ours():
        return keras_mtl.boxes.non_maximum_suppression(boxes, scores, 0.3)

    def theirs():
        return tf.image.non_max_suppression(boxes[:, [1, 0, 3, 2]], scores, 1000, 0.3)

    np.testing.assert_array_equal(ours(), theirs())
    return ours, theirs


def metric():
    """Turns of an update of both metrics."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 40, (8, 224, 224)).astype("int32")
    logits = rng.normal(size=(8, 224, 224, 40)).astype("float32")
    # On the device, as what a network has made of a batch.
    labels, logits = map(keras.ops.convert_to_tensor, (labels, logits))
    ours = keras_mtl.metrics.MeanIU(40)
    theirs = keras.metrics.MeanIoU(40, sparse_y_pred=False)

    def updates(metric):
        def update():
            metric.update_state(labels, logits)
            keras.ops.convert_to_numpy(metric.variables[0])  # Waits for it.

        return update

    for each in (ours, theirs):
        updates(each)()
    check(ours.result(), theirs.result())
    return updates(ours), updates(theirs)


def check(ours, theirs):
    ours, theirs = map(keras.ops.convert_to_numpy, (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--towers", nargs="+", type=int, default=(2, 3, 5, 10, 24))
    args = parser.parse_args()
    cases = [
        (f"unit of {towers}, {BACKEND}", "ours to multiply-adds", unit, (towers,), BAR)
        for towers in args.towers
    ]
    cases.append((f"mean IU, {BACKEND}", "ours to Keras'", metric, (), BAR))
    if BACKEND == "tensorflow":
        cases.append(("suppression", "ours (NumPy) to TensorFlow's", suppression, (), None))
    rows = []
    for case, what, made, arguments, bar in cases:
        ours, theirs = map(turn_of, made(*arguments))
        # Turns of some 20 ms at least; and Keras' metric takes seconds on PyTorch.
        seconds = theirs(1)
        count = args.rounds if seconds < 1 else min(args.rounds, 3)
        steps = max(1, round(0.02 / seconds))
        rounds = interleaved({"ours": ours, "theirs": theirs}, count, steps)
        rows.append(row(case, what, rounds, "ours", "theirs", at_most=bar))
    return finish(rows, args.json)


if __name__ == "__main__":
    sys.exit(main())
