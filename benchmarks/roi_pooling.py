"""Times `RoIPooling` and `RoIAlign`, forward and backward, against a hand-written loop in PyTorch.

128 regions of one 38×50×256 map, 6×6 bins: conv5 of CaffeNet on a 608×800 image. The loop over
regions around `torch.nn.functional.adaptive_max_pool2d`, which is what one writes by hand, runs in
the same process with as many threads, in both memory formats; pooling has to beat the faster one.
Every round asks each of them once, in random order; a ratio is the median of the ratios of single
rounds. Nothing is timed before the loop and the layer have agreed.

    KERAS_BACKEND=jax python -m benchmarks.roi_pooling --rounds 21
    KERAS_BACKEND=jax python -m benchmarks.roi_pooling --step     # share of a training step, too
    KERAS_BACKEND=jax taskset -c 0 python -m benchmarks.roi_pooling     # on one core

Threads that wait for each other make both sides many times slower, not equally, when other programs
keep the machine busy; one core is then the better measure.

Exit code 1 if a ratio misses its bar.
"""

import sys

import keras
import numpy as np
import torch

import keras_mtl
from benchmarks._report import finish, interleaved, median_of, parser_of, row
from benchmarks._workers import seconds_of, train_on

HEIGHT, WIDTH, CHANNELS, REGIONS, BINS, STRIDE = 38, 50, 256, 128, 6, 16
CALLS = 3
LOOPS = ("contiguous_format", "channels_last")
POOLING_BAR = 1.0
ALIGN_BAR = 0.5
STEP_BAR = 0.15


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--step", action="store_true", help="time a whole training step, too")
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    # As after a ReLU: half of the map are zeros.
    features = np.maximum(rng.normal(size=(1, HEIGHT, WIDTH, CHANNELS)), 0).astype("float32")
    boxes = random_boxes(rng)
    upstream = rng.normal(size=(1, REGIONS, BINS, BINS, CHANNELS)).astype("float32")
    settings = {"output_size": BINS, "spatial_scale": 1 / STRIDE, "data_format": "channels_last"}
    steps = {
        "RoIPooling": layer_step(
            keras_mtl.layers.RoIPooling(**settings), features, boxes, upstream
        ),
        "RoIAlign": layer_step(keras_mtl.layers.RoIAlign(**settings), features, boxes, upstream),
        **{f"loop, {each}": loop_step(each, features, boxes[0], upstream[0]) for each in LOOPS},
    }
    check_same_function(steps)
    if args.step:
        steps["training step"] = training_step(rng, boxes)
    print(f"{keras.backend.backend()}, {torch.get_num_threads()} threads, {args.rounds} rounds")
    turns = {name: turn_of(step) for name, step in steps.items()}
    return finish(compare(interleaved(turns, args.rounds, CALLS)), args.json)


def random_boxes(rng):
    """(1, REGIONS, 4), of sides between a cell and the image's."""
    size = np.array([WIDTH, HEIGHT]) * STRIDE
    sides = rng.uniform(STRIDE, size, (REGIONS, 2))
    corner = rng.uniform(size=(REGIONS, 2)) * (size - sides)
    return np.concatenate([corner, corner + sides], -1)[None].astype("float32")


def layer_step(layer, features, boxes, upstream):
    """A function that runs the layer forward and backward and returns outputs and gradient."""
    layer.build([features.shape, boxes.shape])
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        @jax.jit
        def step(features, boxes, upstream):
            outputs, backward = jax.vjp(lambda features: layer([features, boxes]), features)
            return outputs, *backward(upstream)

        arrays = [jax.numpy.asarray(each) for each in (features, boxes, upstream)]
        return lambda: jax.block_until_ready(step(*arrays))
    if backend == "tensorflow":
        import tensorflow as tf

        @tf.function
        def step(features, boxes, upstream):
            with tf.GradientTape() as tape:
                tape.watch(features)
                outputs = layer([features, boxes])
            gradient = tape.gradient(outputs, features, output_gradients=upstream)
            return outputs, tf.convert_to_tensor(gradient)

        arrays = [tf.constant(each) for each in (features, boxes, upstream)]
        return lambda: step(*arrays)
    features = torch.from_numpy(features).requires_grad_()
    boxes, upstream = torch.from_numpy(boxes), torch.from_numpy(upstream)

    def step():
        features.grad = None
        outputs = layer([features, boxes])
        outputs.backward(upstream)
        return outputs.detach(), features.grad

    return step


def loop_step(memory_format, features, boxes, upstream):
    """The same by hand; its arrays are channels-first, in either order in memory."""
    memory_format = getattr(torch, memory_format)
    features = (
        torch.from_numpy(features).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
    )
    features.requires_grad_()
    boxes = torch.from_numpy(boxes)
    upstream = (
        torch.from_numpy(upstream).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
    )

    def step():
        features.grad = None
        corners = (boxes / STRIDE).round().int().tolist()
        outputs = torch.cat(
            [
                torch.nn.functional.adaptive_max_pool2d(
                    features[:, :, top : bottom + 1, left : right + 1], BINS
                )
                for left, top, right, bottom in corners
            ]
        )
        outputs.backward(upstream)
        return outputs.detach().permute(0, 2, 3, 1)[None], features.grad.permute(0, 2, 3, 1)

    return step


def check_same_function(steps):
    """But for the few bins whose edge Caffe's float32 moves; the loop computes in integers."""
    ours = steps["RoIPooling"]()
    for loop in LOOPS:
        for one, other in zip(ours, steps[f"loop, {loop}"](), strict=True):
            one, other = keras.ops.convert_to_numpy(one), other.cpu().numpy()
            same = np.isclose(one, other, atol=1e-4).mean()
            if not same > 0.95:
                raise SystemExit(f"Only {same:.1%} agree: there is nothing to compare.")


def training_step(rng, boxes):
    """A step of the whole stitched detector, as `fit` takes it."""
    model = keras_mtl.applications.CrossStitchFastRCNN(
        20, 64, (HEIGHT * STRIDE, WIDTH * STRIDE, 3), rescale=1 / 64, seed=0
    )
    model.compile(
        keras_mtl.optimizers.SGD(1e-6, momentum=0.9),
        loss={
            "detection_classes": keras_mtl.losses.DetectionCrossentropy(),
            "detection_boxes": keras_mtl.losses.SmoothL1(),
            "attributes": keras_mtl.losses.AttributesCrossentropy(),
        },
    )
    pixels = rng.uniform(0, 255, (1, HEIGHT * STRIDE, WIDTH * STRIDE, 3)).astype("float32")
    classes = rng.integers(0, 21, (1, REGIONS)).astype("int32")
    offsets = rng.normal(size=(1, REGIONS, 4))
    targets = {
        "detection_classes": classes,
        "detection_boxes": np.concatenate([classes[..., None], offsets], -1).astype("float32"),
        "attributes": rng.integers(0, 2, (1, REGIONS, 64)).astype("float32"),
    }

    return lambda: train_on(model, {"image": pixels, "rois": boxes}, targets)


def turn_of(step):
    """A turn, after one call that ends what the turn before left to do.

    PyTorch's threads, for one, wait busily for a while.
    """

    def turn(count):
        step()
        return seconds_of(step, count)

    return turn


def compare(rounds):
    """The rows of the ratios."""
    case = f"regions, {keras.backend.backend()}"
    loop = min((f"loop, {each}" for each in LOOPS), key=lambda name: median_of(rounds, name))
    pairs = (
        ("RoIPooling", loop, POOLING_BAR),
        ("RoIAlign", "RoIPooling", ALIGN_BAR),
        # Each tower pools once.
        ("both, twice", "training step", STEP_BAR),
    )
    rounds = [
        {**each, "both, twice": 2 * (each["RoIPooling"] + each["RoIAlign"])} for each in rounds
    ]
    return [
        row(case, f"{ours} to {theirs}", rounds, ours, theirs, at_most=bar)
        for ours, theirs, bar in pairs
        if theirs in rounds[0]
    ]


if __name__ == "__main__":
    sys.exit(main())
