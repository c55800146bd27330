"""Table 5 of the cross-stitch paper: segmentation and surface normals.

Misra, Shrivastava, Gupta, Hebert: "Cross-stitch Networks for Multi-task Learning", CVPR 2016.

    python -m recipes.cross_stitch_table5 --preset mini --data rooms

trains a one-task network for each task, two for the ensemble, and a cross-stitched network that
starts from the one-task networks. From there on the one-task networks get the same further steps
as the stitched one. Prints the paper's columns and writes into the output folder `results.json`,
the networks, and three figures: predictions, sorted alphas, gain for each class. A run that was
stopped goes on where it was.

The small preset's rate, and the factor of 10 on its alphas, were chosen on the validation split.
On NYUv2 the paper reports 34.1° mean error and 19.3 mean IU for cross-stitch against 34.8° and
18.4 for one-task networks. `mini` takes some minutes on 2 cores; `paper` days on one GPU.
"""

import argparse
import dataclasses
import time

import numpy as np
from keras import ops

from keras_mtl import plots
from keras_mtl.layers import CrossStitch
from recipes._results import open_folder, provenance, write_json
from recipes._segmentation_and_normals import PRESETS, TASKS, Pair

COLUMNS = {
    # heading: (task, score, factor on the score)
    "mean": ("normals", "mean_angular_error", 1),
    "med.": ("normals", "median_angular_error", 1),
    "11.25": ("normals", "within_11.25", 100),
    "22.5": ("normals", "within_22.5", 100),
    "30": ("normals", "within_30", 100),
    "pixacc": ("segmentation", "pixel_accuracy", 100),
    "mIU": ("segmentation", "mean_iu", 100),
    "fwIU": ("segmentation", "frequency_weighted_iu", 100),
}
PAPER = {
    "one-task": (34.8, 19.0, 38.3, 53.5, 59.2, 46.6, 18.4, 33.1),
    "ensemble": (34.4, 18.5, 38.7, 54.2, 59.7, 48.2, 18.9, 33.8),
    "split conv4": (34.7, 19.1, 38.2, 53.4, 59.2, 47.8, 19.2, 33.8),
    "MTL-shared": (34.7, 18.9, 37.7, 53.5, 58.8, 45.9, 16.6, 30.1),
    "cross-stitch": (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0),
}
PICTURES = 5


def run(preset, data, seed, output):
    """Trains, evaluates, and returns the results, which it also writes into a folder."""
    started = time.monotonic()
    settings = PRESETS[preset]
    folder = open_folder(
        output,
        {
            "recipe": "cross_stitch_table5",
            "data": data,
            "seed": seed,
            "backend": provenance()["backend"],
            **dataclasses.asdict(settings),
        },
    )
    pair = Pair(settings, folder, seed)
    results = {
        "recipe": "cross_stitch_table5",
        "preset": preset,
        "data": data,
        "seed": seed,
        **provenance(),
        "rows": {},
    }
    networks = {}
    for row, train in (
        ("one-task", lambda: [pair.further(task) for task in TASKS]),
        ("cross-stitch", lambda: [pair.cross_stitched()]),
        (
            "ensemble",
            lambda: [*networks["one-task"], *(pair.further(task, member=1) for task in TASKS)],
        ),
    ):
        networks[row] = train()
        results["rows"][row] = {
            **pair.scores(networks[row]),
            "parameters": sum(model.count_params() for model in networks[row]),
        }
        write_json(folder / "results.json", results)
        print(format_row(row, results["rows"][row]), flush=True)
    stitched = networks["cross-stitch"][0]
    results["alphas"] = {
        layer.name: _alpha_summary(ops.convert_to_numpy(layer.alpha))
        for layer in stitched.layers
        if isinstance(layer, CrossStitch)
    }
    draw(pair, networks, results["rows"], folder)
    results["seconds"] = round(time.monotonic() - started, 1)
    write_json(folder / "results.json", results)
    return results


def format_table(results):
    """The paper's columns as text, with the paper's own rows for its preset."""
    heading = f"{'':14}" + "".join(f"{name:>8}" for name in COLUMNS)
    lines = [f"{results['data']}, preset {results['preset']}, {results['backend']}", heading]
    order = [row for row in PAPER if row in results["rows"]]
    lines += [format_row(row, results["rows"][row]) for row in order]
    if results["preset"] == "paper":
        lines += ["", "The paper, on NYUv2:"]
        lines += [_format(row, values) for row, values in PAPER.items()]
    return "\n".join(lines)


def format_row(row, scores):
    return _format(row, [factor * scores[task][key] for task, key, factor in COLUMNS.values()])


def draw(pair, networks, rows, folder):
    """Draws predictions, sorted alphas and gain for each class into the folder."""
    plt = plots.pyplot()
    images, truth = pair.test["image"][:PICTURES], pair.test
    maps = {}
    for task in TASKS:
        maps[f"{task}\ntruth"] = truth[task][:PICTURES]
        for row in ("one-task", "cross-stitch"):
            probabilities = pair.predict(networks[row], images.astype("float32"))[task]
            decoded = (
                probabilities.argmax(-1)
                if task == "segmentation"
                else ops.convert_to_numpy(pair.codebook.decode(probabilities))
            )
            maps[f"{task}\n{row}"] = decoded
    figure = plots.pixel_predictions(images, maps, num_classes=len(pair.class_names))
    figure.savefig(folder / "predictions.png", dpi=80)

    figure = plots.stitch_units(networks["cross-stitch"][0])
    figure.savefig(folder / "alphas.png", dpi=100)

    figure, axis = plt.subplots(figsize=(8, 4))
    ius = {row: np.array(rows[row]["segmentation"]["per_class_iu"], float) for row in rows}
    counts = np.bincount(pair.train["segmentation"].ravel(), minlength=256)
    plots.gain_per_class(
        axis,
        pair.class_names,
        ius["cross-stitch"] - ius["one-task"],
        counts[: len(pair.class_names)],
    )
    figure.tight_layout()
    figure.savefig(folder / "gain_per_class.png", dpi=100)
    plt.close("all")


def _alpha_summary(alpha):
    diagonal = np.eye(len(alpha), dtype=bool)
    return {
        "same_task_mean": float(alpha[diagonal].mean()),
        "different_task_mean": float(alpha[~diagonal].mean()),
        "mean": alpha.reshape(*alpha.shape[:2], -1).mean(-1).tolist(),
    }


def _format(row, values):
    return f"{row:14}" + "".join(f"{value:8.1f}" for value in values)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--data", choices=["rooms"], default="rooms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", help="folder; by default results/cross_stitch_table5/…")
    options = parser.parse_args(arguments)
    backend = provenance()["backend"]
    output = options.output or (
        f"results/cross_stitch_table5/{options.preset}-{options.data}-{backend}-{options.seed}"
    )
    results = run(options.preset, options.data, options.seed, output)
    print(f"\n{format_table(results)}\n\n{results['seconds']:.0f} s; all of it in {output}")


if __name__ == "__main__":
    main()
