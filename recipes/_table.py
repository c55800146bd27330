"""A table: rows of trained networks, scored over seeds; stopped runs go on."""

import dataclasses
import json
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_mtl import MultiTaskModel
from keras_mtl.layers import CrossStitch
from keras_mtl.recipes._command import run_command
from keras_mtl.recipes._comparison import scored
from keras_mtl.recipes._format import format_table
from keras_mtl.recipes._problem import Problem
from keras_mtl.recipes._results import open_folder, provenance, write_json
from keras_mtl.recipes._resumable_fit import Diverged
from keras_mtl.recipes._timing import inference_times


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run of a table is about, and what it has found so far."""

    settings: object
    data: object
    tasks: tuple
    folder: Path
    path: Path
    """Of the file of results."""
    results: dict
    wanted: list
    """Names of rows."""


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
        data=None,
        tasks=None,
        seeds=1,
        rows=None,
        output=None,
        data_dir=None,
        cache_dir=None,
        weights=None,
    ):
        """Trains and scores what is not there yet; returns the results, which it also writes.

        Args:
            preset: name of the `Settings`.
            data: name of the data set; the problem's first if `None`.
            tasks: names of the tasks; the preset's, or the paper's, if `None`.
            seeds: number of seeds, counted from 0.
            rows: names of the rows; the default ones if `None`.
            output: folder, shared by all tables; by default one below `results/`.
            data_dir: folder of the data set's files, if it has any.
            cache_dir: folder for what is made of them, as of the data set's `load`.
            weights: file of weights that the networks start from in place of random ones, as of
                the application.

        Returns:
            A dict, as in `results.json`: of every row its size and, by seed, its scores.
        """
        run = self._open(preset, data, tasks, rows, output, data_dir, cache_dir, weights)
        self._fill(run, seeds)
        first = self._networks(run, 0)
        if self.problem.timed:
            self._add_times(first, run.results)
            self._show(run)
        if self.draw is not None:
            self.draw(self, first, run.results, run.path.parent)
        return run.results

    def models(self, row, networks):
        """The trained networks of a row."""
        return self.rows[row](networks)

    def _open(self, preset, data, tasks, rows, output, data_dir, cache_dir, weights):
        problem, backend = self.problem, keras.backend.backend()
        settings = problem.presets[preset]
        tasks = tuple(tasks or settings.tasks or problem.pair)
        data = data or problem.data_sets[0]
        if data not in problem.without_folder and data_dir is None:
            raise SystemExit(f"--data {data} needs --data-dir, the folder of its files.")
        if weights is not None:
            network = {**settings.network, "weights": weights}
            settings = dataclasses.replace(settings, network=network)
        loaded = problem.load(data, settings, data_dir, cache_dir)
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
            "rows": {},
        }
        wanted = list(rows or self.default_rows or self.rows)
        return Run(settings, loaded, tasks, folder, path, results, wanted)

    def _fill(self, run, seeds):
        """Trains and scores what is wanted, and not in the results yet."""
        if run.path.exists():
            run.results["rows"] = json.loads(run.path.read_text())["rows"]
        for seed in range(seeds):
            networks = self._networks(run, seed)
            for row in run.wanted:
                of_row = run.results["rows"].setdefault(row, {"seeds": {}})
                if str(seed) in of_row["seeds"]:
                    print(f"seed {seed}, {row}: known", flush=True)
                    continue
                of_row["seeds"][str(seed)] = self._entry(networks, row, of_row)
                self._show(run)

    def _networks(self, run, seed):
        folder = run.folder / f"seed_{seed}"
        return self.problem.networks(run.settings, run.data, run.tasks, folder, seed)

    def _show(self, run):
        """Writes and prints the results, the rows in their order."""
        rows = run.results["rows"]
        run.results["rows"] = {row: rows[row] for row in self.rows if row in rows}
        write_json(run.path, run.results)
        print(f"\n{format_table(self, run.results)}\n", flush=True)

    def _entry(self, networks, row, of_row):
        started = time.monotonic()
        try:
            models = self.models(row, networks)
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
        entry |= learned(models)
        # Of a run that was stopped, only what came after; networks that other rows had trained
        # already are not counted again.
        return {**entry, "seconds": round(time.monotonic() - started, 1), **provenance()}

    def _add_times(self, networks, results):
        """The time of inference of every row, its networks one after the other, in ms an image."""
        models = {
            row: self.models(row, networks)
            for row in results["rows"]
            if "0" in scored(results, row)
        }
        for row, milliseconds in inference_times(models, networks.test_images()).items():
            results["rows"][row]["inference_ms"] = milliseconds

    def main(self, doc, arguments=None):
        """The command line of the recipe."""
        run_command(self, doc, arguments)


def learned(models):
    """What networks have learned to share, as far as a table shows it."""
    of_tasks = [model for model in models if isinstance(model, MultiTaskModel)]
    units = {
        stage: _alpha_summary(unit)
        for model in of_tasks
        for stage, unit in model.units.items()
        if isinstance(unit, CrossStitch)
    }
    trees = [model.get_config()["sharing"]["config"].get("tree") for model in of_tasks]
    trees = [tree for tree in trees if tree is not None]
    return ({"alphas": units} if units else {}) | ({"trees": trees} if trees else {})


def _alpha_summary(unit):
    alpha = ops.convert_to_numpy(unit.alpha)
    alpha = alpha.reshape(*alpha.shape[:2], -1)
    same, different = unit.initial_alpha
    start = np.where(np.eye(len(alpha)), same, different / (len(alpha) - 1))
    return {
        "moved": float(np.abs(alpha - start[..., None]).mean()),
        "mean": alpha.mean(-1).tolist(),
    }
