"""What all tables share: the command, rows over seeds, resuming, and the text."""

import argparse
import dataclasses
import json
import math
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_mtl import MultiTaskModel
from keras_mtl.recipes._gain import compared_scores, gain
from keras_mtl.recipes._results import open_folder, provenance, write_json
from keras_mtl.recipes._resumable_fit import Diverged
from keras_mtl.recipes._timing import inference_times

BASELINE = "one-task"


@dataclasses.dataclass(frozen=True)
class Problem:
    """Tasks on one kind of data: how they are learned, and by what they are scored.

    Attributes:
        folder: where its networks go, below `results/`.
        presets: dict from name to `Settings`.
        data_sets: names of the data sets.
        load: function of such a name, `Settings` and a folder of files (or `None`) that returns
            the data.
        networks: the `Networks` of such data.
        tasks: names of all tasks.
        pair: names of those that the paper has, which are the default.
        columns: dict from task to a dict from heading to a score and the factor on it.
        headlines: dict from task to the score, or a tuple of those, by which networks are compared.
        lower_is_better: the tasks of which that score is an error; of tuples, the scores.
        paper_data: the data of the paper's numbers.
        checkpoints: whether its networks can start from published weights.
        timed: whether the time of inference is measured, and MACs are also counted task by task.
    """

    folder: str
    presets: dict
    data_sets: tuple
    load: object
    networks: type
    tasks: tuple
    pair: tuple
    columns: dict
    headlines: dict
    lower_is_better: tuple
    paper_data: str
    timed: bool = False
    checkpoints: bool = True


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the paper, as data.

    Attributes:
        problem: the `Problem`.
        recipe: name of the module.
        rows: dict from a row's name to a function of `Networks` that returns the row's
            trained networks; in each of them are some of the tasks.
        paper: dict from a row's name to the paper's numbers, in the order of the columns.
        draw: `None`, or a function of `(table, networks, results, folder)` that draws figures of
            the first seed's networks.
        default_rows: names of the rows that are run if none are asked for; all if `None`.
        competing: names of the rows of which the best is marked.
        rectified: names of the rows whose normals are turned into a Manhattan frame.
    """

    problem: Problem
    recipe: str
    rows: dict
    paper: dict
    draw: object = None
    default_rows: tuple | None = None
    competing: tuple = ()
    rectified: tuple = ()

    def run(
        self,
        preset,
        data="rooms",
        tasks=None,
        seeds=1,
        rows=None,
        output=None,
        data_dir=None,
        weights=None,
    ):
        """Trains and scores what is not there yet; returns the results, which it also writes.

        Args:
            preset: name of the `Settings`.
            data: name of the data set.
            tasks: names of the tasks; the preset's, or the paper's, if `None`.
            seeds: number of seeds, counted from 0.
            rows: names of the rows; the default ones if `None`.
            output: folder, shared by all tables; by default one below `results/`.
            data_dir: folder of the data set's files, if it has any.
            weights: file of weights that the networks start from in place of random ones, as of
                the application.

        Returns:
            A dict, as in `results.json`: of every row its size and, by seed, its scores.
        """
        problem, backend = self.problem, keras.backend.backend()
        settings = problem.presets[preset]
        tasks = tuple(tasks or settings.tasks or problem.pair)
        if data != "rooms" and data_dir is None:
            raise SystemExit(f"--data {data} needs --data-dir, the folder of its files.")
        if weights is not None:
            network = {**settings.network, "weights": weights}
            settings = dataclasses.replace(settings, network=network)
        loaded = problem.load(data, settings, data_dir)
        name = [preset, data, backend, *([] if tasks == problem.pair else tasks)]
        name = "-".join([*name, *([] if weights is None else ["from", Path(weights).stem])])
        folder = open_folder(
            output or f"results/{problem.folder}/{name}",
            {
                "data": data,
                "tasks": list(tasks),
                "backend": backend,
                **dataclasses.asdict(settings),
            },
        )
        print(f"{self.recipe}: networks and results go to {folder}", flush=True)
        path = folder / self.recipe / "results.json"
        path.parent.mkdir(exist_ok=True)
        results = {
            "recipe": self.recipe,
            "preset": preset,
            "data": data,
            "tasks": list(tasks),
            "backend": backend,
            "rows": json.loads(path.read_text())["rows"] if path.exists() else {},
        }
        wanted = list(rows or self.default_rows or self.rows)
        for seed in range(seeds):
            networks = problem.networks(settings, loaded, tasks, folder / f"seed_{seed}", seed)
            for row in wanted:
                of_row = results["rows"].setdefault(row, {"seeds": {}})
                if str(seed) in of_row["seeds"]:
                    print(f"seed {seed}, {row}: known", flush=True)
                    continue
                of_row["seeds"][str(seed)] = self._entry(networks, row, of_row)
                results["rows"] = {
                    each: results["rows"][each] for each in self.rows if each in results["rows"]
                }
                write_json(path, results)
                print(f"\n{format_table(self, results)}\n", flush=True)
        first = problem.networks(settings, loaded, tasks, folder / "seed_0", 0)
        if problem.timed:
            self._add_times(first, results)
            write_json(path, results)
            print(f"\n{format_table(self, results)}\n", flush=True)
        if self.draw is not None:
            self.draw(self, first, results, path.parent)
        return results

    def _entry(self, networks, row, of_row):
        started = time.monotonic()
        try:
            models = self.rows[row](networks)
        except Diverged as error:
            print(error, flush=True)
            return {"diverged": str(error), **provenance()}
        entry = networks.scores(models, **({"rectified": True} if row in self.rectified else {}))
        costs = [networks.cost(model) for model in models]
        entry["parameters"] = sum(each.parameters for each in costs)
        entry["macs"] = sum(each.macs for each in costs)
        # Those of the row are the first seed's, whose pictures are drawn, too.
        of_row.setdefault("parameters", entry["parameters"])
        of_row.setdefault("macs", entry["macs"])
        if self.problem.timed:
            task_macs = sum(networks.task_macs(model) for model in models)
            of_row.setdefault("task_macs", task_macs)
        of_tasks = [model for model in models if isinstance(model, MultiTaskModel)]
        units = {
            stage: _alpha_summary(unit) for model in of_tasks for stage, unit in model.units.items()
        }
        if units:
            entry["alphas"] = units
        trees = [model.get_config()["sharing"]["config"].get("tree") for model in of_tasks]
        if any(trees):
            entry["trees"] = [tree for tree in trees if tree is not None]
        # Of a run that was stopped, only what came after; networks that other rows had trained
        # already are not counted again.
        return {**entry, "seconds": round(time.monotonic() - started, 1), **provenance()}

    def _add_times(self, networks, results):
        """The time of inference of every row, its networks one after the other, in ms an image."""
        models = {
            row: self.rows[row](networks) for row in results["rows"] if "0" in scored(results, row)
        }
        for row, milliseconds in inference_times(models, networks.test_images()).items():
            results["rows"][row]["inference_ms"] = milliseconds

    def main(self, doc, arguments=None):
        """The command line of the recipe."""
        parser = argparse.ArgumentParser(
            description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        problem = self.problem
        parser.add_argument("--preset", choices=problem.presets, default="mini")
        parser.add_argument("--data", choices=problem.data_sets, default="rooms")
        parser.add_argument("--data-dir", help="folder of the data set's files")
        if problem.checkpoints:
            parser.add_argument(
                "--weights", help="file that towers start from, of ImageNet, say; none by default"
            )
        parser.add_argument("--tasks", choices=problem.tasks, nargs="+")
        parser.add_argument("--seeds", type=_positive, default=1, help="number of seeds (1)")
        parser.add_argument(
            "--rows", choices=self.rows, nargs="+", metavar="ROW", help="only these"
        )
        parser.add_argument(
            "--output",
            help=f"folder; by default one below results/{problem.folder}",
        )
        options = parser.parse_args(arguments)
        started = time.monotonic()
        results = self.run(**vars(options))
        print(f"\n{format_table(self, results)}\n\n{time.monotonic() - started:.0f} s")


def cells(table, results):
    """The table of some results as a heading and rows of text.

    Returns:
        `(heading, rows)`: a list of strings, and a dict from row name to such a list. Scores are
        mean ± sample deviation over the seeds that a row has; the mean relative gain is over the
        one-task networks of the same seeds.
    """
    of_task = table.problem.columns
    tasks = [task for task in of_task if task in results["tasks"]]
    columns = [(task, *spec) for task in tasks for spec in of_task[task].values()]
    heading = [name for task in tasks for name in of_task[task]]
    heading += ["gain in %", "Δα", "parameters", "M MACs"]
    heading += ["M MACs by task", "ms"] if table.problem.timed else []
    heading.append("seeds")
    rows = {}
    for row, of_row in results["rows"].items():
        entries = of_row["seeds"].values()
        if any("diverged" in entry for entry in entries):
            count = sum("diverged" in entry for entry in entries)
            rows[row] = [f"diverged with {count} of {len(entries)} seeds"]
            continue
        line = [
            _mean_and_deviation(
                [factor * entry[task][key] for entry in entries if key in entry[task]]
            )
            for task, key, factor in columns
        ]
        gains = seed_gains(table, results, row)
        line.append(_mean_and_deviation(gains, "+"))
        moved = [
            np.mean([unit["moved"] for unit in entry["alphas"].values()])
            for entry in entries
            if "alphas" in entry
        ]
        line.append(f"{np.mean(moved):.3f}" if moved else "")
        line += [f"{size(of_row, 'parameters'):,.0f}", f"{size(of_row, 'macs') / 1e6:,.0f}"]
        if table.problem.timed:
            line.append(f"{of_row['task_macs'] / 1e6:,.0f}")
            line.append(f"{of_row['inference_ms']:.1f}" if "inference_ms" in of_row else "")
        line.append(str(len(entries)))
        rows[row] = line
    return heading, rows


def size(of_row, key):
    """Parameters or MACs of a row, the mean over its seeds, whose networks may differ in size."""
    return np.mean([entry.get(key, of_row[key]) for entry in of_row["seeds"].values()])


def seed_gains(table, results, row):
    """Mean relative gain in % of a row over the one-task networks, for each seed that both have."""
    baseline = scored(results, BASELINE)
    if row == BASELINE:
        return []
    problem = table.problem
    return [
        gain(problem.headlines, problem.lower_is_better, entry, baseline[seed])
        for seed, entry in scored(results, row).items()
        if seed in baseline
    ]


def scored(results, row):
    """The entries of a row by seed: those that are there and have not diverged."""
    entries = results["rows"].get(row, {"seeds": {}})["seeds"]
    return {seed: entry for seed, entry in entries.items() if "diverged" not in entry}


def headline(table, entry):
    """The score of each task by which networks are compared, or a dict of several."""
    return compared_scores(table.problem.headlines, entry)


def best_row(table, results):
    """Name of the best of the competing rows by mean relative gain, or `None`."""
    gains = {
        row: np.mean(seed_gains(table, results, row))
        for row in table.competing
        if seed_gains(table, results, row)
    }
    finite = {row: gain for row, gain in gains.items() if math.isfinite(gain)}
    return max(finite, key=finite.get) if finite else None


def format_table(table, results):
    """The table as text, with the paper's own rows for its preset."""
    heading, rows = cells(table, results)
    best = best_row(table, results)
    lines = [[f"{row} (best)" if row == best else row, *line] for row, line in rows.items()]
    text = f"{table.recipe}: {results['data']}, preset {results['preset']}, {results['backend']}\n"
    text += _aligned([["", *heading], *lines])
    problem = table.problem
    if results["preset"] == "paper" and table.paper and set(problem.pair) == set(results["tasks"]):
        lines = [[row, *(f"{value:.1f}" for value in line)] for row, line in table.paper.items()]
        columns = heading[: len(lines[0]) - 1]
        text += f"\n\nThe paper, on {problem.paper_data}:\n" + _aligned([["", *columns], *lines])
    return text


def format_markdown(table, results):
    """The table as Markdown."""
    heading, rows = cells(table, results)
    best = best_row(table, results)
    lines = [["", *heading], ["---"] * (1 + len(heading))]
    for row, line in rows.items():
        lines.append([f"**{row}** (best)" if row == best else row, *line])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _aligned(lines):
    widths = [
        max(len(line[column]) for line in lines if column < len(line) > 2)
        for column in range(max(map(len, lines)))
    ]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in lines
    )


def _mean_and_deviation(values, sign=""):
    if not values:
        return ""
    text = f"{np.mean(values):{sign}.1f}"
    return text if len(values) < 2 else f"{text} ± {np.std(values, ddof=1):.1f}"


def _alpha_summary(unit):
    alpha = ops.convert_to_numpy(unit.alpha)
    alpha = alpha.reshape(*alpha.shape[:2], -1)
    same, different = unit.initial_alpha
    start = np.where(np.eye(len(alpha)), same, different / (len(alpha) - 1))
    return {
        "moved": float(np.abs(alpha - start[..., None]).mean()),
        "mean": alpha.mean(-1).tolist(),
    }


def _positive(text):
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, received {value}")
    return value
