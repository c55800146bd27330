"""Multi-Fashion: two overlapping articles of clothing, a task for each, on real photographs.

The benchmark of Sener & Koltun, NeurIPS 2018 (digits) and Lin et al., NeurIPS 2019 (clothing), for
the question of this library: what should the two tasks share?

    python -m recipes.multi_fashion --preset mini

trains LeNets under three sharings with several seeds: one-task (two networks), hard sharing (all
but the classifiers), and cross-stitch (two networks, stitched behind both pools and fc3). Prints
the accuracy on the test split for each task, mean ± standard deviation over the seeds, and writes
into the output folder `results.json`, the networks, and two figures: predictions of the first test
pictures, and sorted alphas of the first seed. A run that was stopped goes on where it was, and one
that has ended takes further `--seeds`.

The comparison is fair in that every row gives every task the same: the same pictures in the same
order, as many steps, at the same learning rates. Training has two parts, `epochs` at a constant
rate and `further_epochs` along a cosine to zero; in each part the momentum starts anew. The
cross-stitched network starts from the two one-task networks after their first part, and goes
through the second part only. It has twice the weights of hard sharing, as have the one-task
networks; their first part is counted once.

`mini` takes some minutes on 2 cores; `full` about an hour a seed.
"""

import argparse
import dataclasses
import time
import zlib

import keras
import numpy as np
from keras import ops

from keras_mtl import MultiTaskModel, plots
from keras_mtl.datasets import ArrayBatches, multi_fashion
from keras_mtl.optimizers import SGD
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import LeNet, Tower, lenet
from recipes._results import open_folder, provenance, write_json
from recipes._resumable_fit import resumable_fit

TASKS = ("top_left", "bottom_right")
ROWS = ("one-task", "hard sharing", "cross-stitch")
PICTURES = 10


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides what the networks learn."""

    train_images: int
    test_images: int
    batch_size: int
    epochs: int
    further_epochs: int
    # Both rates were chosen on pictures 50,000 to 55,000 of the training split, never on the test
    # split. The paper's factor of 100 on the alphas goes with its rate of 0.001; here it diverges,
    # as 10 does at a rate of 0.1.
    learning_rate: float = 0.03
    momentum: float = 0.9
    alpha: tuple = (0.9, 0.1)
    alpha_rate: float = 10.0
    stitches: tuple = ("pool1", "pool2", "fc3")


PRESETS = {
    "mini": Settings(
        train_images=6000, test_images=10_000, batch_size=64, epochs=6, further_epochs=6
    ),
    # 100 epochs of batches of 256, as Lin et al.
    "full": Settings(
        train_images=60_000, test_images=10_000, batch_size=256, epochs=50, further_epochs=50
    ),
}


class Networks:
    """The networks of all rows for one seed, trained into one folder.

    Args:
        settings: the `Settings`.
        train: the training split, as `multi_fashion.load` returns it.
        folder: where the networks are kept; those that are there already are not trained again.
        seed: integer seed of the weights and of the order of the pictures.
    """

    def __init__(self, settings, train, folder, seed):
        self.settings, self.train, self.folder, self.seed = settings, train, folder, seed

    def row(self, row):
        """The trained networks of a row; each task has its output in one of them."""
        if row == "one-task":
            return [self._second_part(self._one_task(task), f"one_task_{task}") for task in TASKS]
        if row == "hard sharing":
            model = self._first_part(self._build(Branched.hard_sharing(), TASKS), "hard_sharing")
            return [self._second_part(model, "hard_sharing")]
        sharing = CrossStitched(
            after=self.settings.stitches,
            alpha=self.settings.alpha,
            learning_rate_multiplier=self.settings.alpha_rate,
        )
        model = self._build(sharing, TASKS)
        model.initialize_from(*(self._one_task(task) for task in TASKS))
        return [self._second_part(model, "cross_stitch")]

    def _one_task(self, task):
        return self._first_part(self._build(Branched.independent(), [task]), f"one_task_{task}")

    def _build(self, sharing, tasks):
        net = LeNet(include_top=False, input_shape=self.train["image"].shape[1:], seed=self.seed)
        heads = {
            task: keras.layers.Dense(
                len(multi_fashion.CLASSES),
                kernel_initializer=keras.initializers.GlorotUniform(10 * self.seed + index),
            )
            for index, task in enumerate(TASKS)
            if task in tasks
        }
        return MultiTaskModel(Tower(net, lenet.STAGES), sharing, heads)

    def _first_part(self, model, name):
        settings = self.settings
        return self._fit(model, f"{name}_first", settings.learning_rate, settings.epochs, 0)

    def _second_part(self, model, name):
        epochs = self.settings.further_epochs
        steps = epochs * len(self._batches(model, 1))
        rate = keras.optimizers.schedules.CosineDecay(self.settings.learning_rate, steps)
        return self._fit(model, name, rate, epochs, 1)

    def _fit(self, model, name, learning_rate, epochs, part):
        model.compile(
            SGD(learning_rate, self.settings.momentum),
            loss={
                task: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                for task in model.tasks
            },
        )
        path = self.folder / f"{name}_{self.seed}.keras"
        return resumable_fit(model, self._batches(model, part), epochs, path, path.stem)

    def _batches(self, model, part):
        return ArrayBatches(
            self.train["image"],
            {task: self.train[task] for task in model.tasks},
            self.settings.batch_size,
            seed=2 * self.seed + part,
            drop_remainder=True,
        )


def run(preset, data_dir, seeds, output):
    """Trains, evaluates, and returns the results, which it also writes into a folder."""
    started = time.monotonic()
    settings = PRESETS[preset]
    train = multi_fashion.load("train", settings.train_images, data_dir=data_dir)
    test = multi_fashion.load("test", settings.test_images, data_dir=data_dir)
    folder = open_folder(
        output,
        {
            "recipe": "multi_fashion",
            "data": [_fingerprint(split) for split in (train, test)],
            "backend": provenance()["backend"],
            **dataclasses.asdict(settings),
        },
    )
    results = {"recipe": "multi_fashion", "preset": preset, **provenance()}
    results.update(rows={}, seeds={})
    for seed in seeds:
        networks = Networks(settings, train, folder, seed)
        results["seeds"][str(seed)] = scores = {}
        labels = {}
        for row in ROWS:
            models = networks.row(row)
            labels[row] = predict(models, test["image"])
            scores[row] = {
                "accuracy": {
                    task: float(np.mean(labels[row][task] == test[task])) for task in TASKS
                },
                "parameters": sum(model.count_params() for model in models),
            }
            results["rows"] = aggregate(results["seeds"])
            write_json(folder / "results.json", results)
        if seed == seeds[0]:
            stitched = models[0]
            draw(test, labels, stitched, folder)
        print(format_table(results), flush=True)
    results["seconds"] = round(time.monotonic() - started, 1)
    write_json(folder / "results.json", results)
    return results


def predict(models, images):
    """The labels that a row's networks give, as a dict from task to array (N,)."""
    labels = {}
    for model in models:
        logits = model.predict(images.astype("float32"), batch_size=500, verbose=0)
        labels.update({task: values.argmax(-1) for task, values in logits.items()})
    return labels


def aggregate(seeds):
    """Mean and standard deviation over the seeds that have a row.

    Args:
        seeds: dict from seed to a dict from row to its accuracies and parameters.

    Returns:
        A dict from row to the parameters and, for each task and the tasks' `average`, the mean
        accuracy and its sample standard deviation (`None` with one seed).
    """
    rows = {}
    for row in ROWS:
        done = [scores[row] for scores in seeds.values() if row in scores]
        if not done:
            continue
        values = {task: [each["accuracy"][task] for each in done] for task in TASKS}
        values["average"] = np.mean([values[task] for task in TASKS], axis=0)
        rows[row] = {"parameters": done[0]["parameters"], "seeds": len(done)} | {
            name: {
                "mean": float(np.mean(of_seeds)),
                "std": float(np.std(of_seeds, ddof=1)) if len(done) > 1 else None,
            }
            for name, of_seeds in values.items()
        }
    return rows


def format_table(results):
    """Test accuracies in % as text, mean ± standard deviation over the seeds."""
    columns = (*TASKS, "average")
    seeds = ", ".join(results["seeds"])
    lines = [
        f"Multi-Fashion, preset {results['preset']}, {results['backend']}, seeds {seeds}: "
        "test accuracy in %",
        f"{'':14}" + "".join(f"{name:>15}" for name in columns) + f"{'parameters':>13}",
    ]
    for row, scores in results["rows"].items():
        cells = [
            f"{100 * scores[name]['mean']:.2f}"
            + ("" if scores[name]["std"] is None else f" ± {100 * scores[name]['std']:.2f}")
            for name in columns
        ]
        cells = "".join(f"{cell:>15}" for cell in cells)
        lines.append(f"{row:14}{cells}{scores['parameters']:>13,}")
    return "\n".join(lines)


def draw(test, labels, stitched, folder):
    """Draws the first test pictures with all rows' predictions, and the sorted alphas."""
    plt = plots.pyplot()
    columns = PICTURES // 2
    figure, axes = plt.subplots(2, columns, figsize=(2.9 * columns, 8))
    for index, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if index >= len(test["image"]):
            continue
        axis.imshow(test["image"][index, ..., 0], cmap="gray_r")
        truth = {task: test[task][index] for task in TASKS}
        lines = {"truth": truth} | {
            row: {task: labels[row][task][index] for task in TASKS} for row in labels
        }
        for line, (row, answers) in enumerate(lines.items()):
            words = " / ".join(multi_fashion.CLASSES[answers[task]] for task in TASKS)
            axis.text(
                0.0,
                -0.05 - 0.09 * line,
                f"{row}: {words}",
                transform=axis.transAxes,
                fontsize=8,
                verticalalignment="top",
                color="black" if answers == truth else "red",
            )
    figure.suptitle("top left / bottom right; red: at least one of the two is wrong", fontsize=10)
    figure.savefig(folder / "predictions.png", dpi=80)

    units = [layer for layer in stitched.layers if layer.name.startswith("stitch_")]
    figure, axes = plt.subplots(1, len(units), figsize=(3.5 * len(units), 3.5), squeeze=False)
    for axis, unit in zip(axes[0], units, strict=True):
        plots.sorted_alphas(axis, ops.convert_to_numpy(unit.alpha), TASKS)
        axis.set_title(unit.name.removeprefix("stitch_"))
    axes[0, 0].set_ylabel("alpha")
    axes[0, 0].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(folder / "alphas.png", dpi=100)
    plt.close("all")


def _fingerprint(split):
    checksum = 0
    for name in ("image", *TASKS):
        checksum = zlib.crc32(np.ascontiguousarray(split[name]), checksum)
    return checksum


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--data-dir", help="folder of Fashion-MNIST's files; see the data set")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", help="folder; by default results/multi_fashion/…")
    options = parser.parse_args(arguments)
    output = options.output or (f"results/multi_fashion/{options.preset}-{provenance()['backend']}")
    results = run(options.preset, options.data_dir, options.seeds, output)
    print(f"\n{format_table(results)}\n\n{results['seconds']:.0f} s; all of it in {output}")


if __name__ == "__main__":
    main()
