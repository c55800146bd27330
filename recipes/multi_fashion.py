"""Multi-Fashion: two overlapping articles of clothing, a task for each, on real photographs.

The benchmark of Sener & Koltun, NeurIPS 2018 (digits) and Lin et al., NeurIPS 2019 (clothing), for
the question of this library: what should the two tasks share?

    python -m recipes.multi_fashion --preset mini

trains LeNets under three sharings with several seeds: one-task (two networks), hard sharing (all
but the classifiers), and cross-stitch (two networks, stitched behind both pools and fc3). Prints
the accuracy on the test split for each task, mean ± standard deviation over the seeds, and writes
into the output folder `results.json`, the networks, and two figures: predictions of the first test
pictures, and sorted alphas of the first seed. A run that was stopped goes on where it was, and one
that has ended can be called with more `--seeds` behind its own.

The comparison is fair in that every row gives every task the same: the same pictures in the same
order, as many steps, at the same learning rates, its loss with weight 1. Training has two parts,
`epochs` at a constant rate and `further_epochs` along a cosine to zero; in each part the momentum
starts anew. The cross-stitched network starts from the two one-task networks after their first
part, and goes through the second part only. It is as large as the two one-task networks and its
alphas; hard sharing is half as large. The seeds vary the weights and the order of the training
pictures, not the pictures.

`mini` takes some minutes on 2 cores; `full` one to two hours a seed.
"""

import argparse
import dataclasses
import time
import zlib

import numpy as np

from keras_mtl import plots
from keras_mtl.datasets import multi_fashion
from keras_mtl.recipes._multi_fashion_networks import PRESETS, ROWS, TASKS, Networks
from keras_mtl.recipes._results import open_folder, provenance, write_json

PICTURES = 10


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
            draw(test, labels, models[0], folder)  # the last row's: the cross-stitched network
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
    figure, axes = plt.subplots(2, columns, figsize=(2.4 * columns, 6.4))
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
    figure.subplots_adjust(left=0.02, right=0.98, top=0.93, bottom=0.15, hspace=0.5)
    figure.savefig(folder / "predictions.png", dpi=80)

    figure = plots.stitch_units(stitched)
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
