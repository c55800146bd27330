"""Times the inference of pruned AdaShare models against the model that learned their policy.

DeepLab-ResNet-18, three tasks, eight images of 128×128, and heads that cost nothing, so that the
blocks count. The stem and its pooling, which MACs hardly count, are in all of them: it shows where
little else is left. The pruned model has to be as much faster as it has fewer multiplications.
Every round asks each model once, in random order; a ratio is the median of the ratios of single
rounds. Nothing is timed before a pruned model and the whole one have agreed.

    KERAS_BACKEND=jax python -m benchmarks.skip_policy --rounds 21
    KERAS_BACKEND=jax taskset -c 0 python -m benchmarks.skip_policy     # on one core

Threads that wait for each other make both sides many times slower, not equally, when other programs
keep the machine busy; one core is then the better measure.

Exit code 1 if a ratio misses its bar.
"""

import sys

import keras
import numpy as np

from benchmarks._report import finish, interleaved, parser_of, row, turn_of
from keras_mtl.applications import AdaShareDeepLab
from keras_mtl.search import cost, prune

TASKS, DEPTH, SIZE, BATCH = 3, 18, 128, 8
POLICIES = {
    # What the tasks execute.
    "all blocks": ["11111111"] * 3,
    "published (two tasks)": ["10111111", "11111011", "11111011"],
    "half, parted early": ["01101010", "10011010", "01010110"],
    "half, parted late": ["11110000"] * 2 + ["11111000"],
    "no block": ["00000000"] * 3,
}
BAR = 1.1


def main():
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    images = np.random.default_rng(0).uniform(0, 255, (BATCH, SIZE, SIZE, 3)).astype("float32")
    whole = AdaShareDeepLab(
        {f"task{number}": keras.layers.GlobalAveragePooling2D() for number in range(TASKS)},
        (SIZE, SIZE, 3),
        depth=DEPTH,
        seed=0,
    )
    models = {"whole": whole}
    for name, rows in POLICIES.items():
        models[name] = prune(whole, rows)
        check_same_function(whole, models[name], rows, images)
    steps = {
        name: lambda model=model: model.predict_on_batch(images) for name, model in models.items()
    }
    macs = {name: cost(model).macs for name, model in models.items()}
    turns = {name: turn_of(step) for name, step in steps.items()}
    return finish(compare(interleaved(turns, args.rounds), macs), args.json)


def check_same_function(whole, pruned, rows, images):
    """The whole model under that policy, and the pruned one, give the same features."""
    executed = np.array([[value == "1" for value in row] for row in rows])
    whole.get_layer("skip_policy").logits.assign(np.stack([executed, ~executed], -1) * 1.0)
    ours, theirs = whole.predict_on_batch(images), pruned.predict_on_batch(images)
    for task in whole.tasks:
        np.testing.assert_allclose(ours[task], theirs[task], rtol=1e-4, atol=1e-4)


def compare(rounds, macs):
    """A row for each policy: its time to that which its share of the MACs would be."""
    rows = []
    for name in POLICIES:
        share = macs[name] / macs["whole"]
        expected = [{"whole": share * each["whole"], name: each[name]} for each in rounds]
        case = f"{name}, {keras.backend.backend()}"
        rows.append(
            row(case, f"to {share:.3f} of all blocks", expected, name, "whole", at_most=BAR)
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
