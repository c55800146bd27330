"""A published comparison as data, and what it becomes when it is run."""

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from keras_mtl._files import file_of, whole_file
from keras_mtl.recipes._results import add_times, entry_of, provenance
from keras_mtl.recipes.options import Options
from keras_mtl.recipes.problems.problem import Problem
from keras_mtl.recipes.table import BASELINE, format_table, scored
from keras_mtl.sharing import CrossStitched
from keras_mtl.study import Contender, Progress
from keras_mtl.study.report import needed


@dataclasses.dataclass(frozen=True)
class Extra:
    """A row of networks that another row has trained, or that nothing has.

    Attributes:
        of: name of the row that it needs.
        score: function of a `Run`, a seed and the networks of that row that returns `(networks,
            scores)`: networks, and their scores as of `Study.scores`.
    """

    of: str
    score: Callable[..., tuple]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A table of a paper: rows of contenders on a problem, with the paper's own numbers.

    Attributes:
        name: what it is called.
        title: its question, in a line.
        source: the paper.
        text: what is compared, what the paper reports, and how long it takes.
        problem: the `Problem`.
        presets: dict from name to `Settings`.
        rows: dict from a row's name to a `Contender`, a function of `Settings`, data and tasks that
            returns one, or an `Extra`; "one-task" is the baseline.
        paper: dict from a row's name to the paper's numbers, in the order of the columns.
        also: `None`, or a function of a `Run` and a `keras_mtl.study.Row` that returns further
            scores of its networks, a dict by the tasks of the table; of an `Extra` they are those
            of the row that it needs.
        draw: `None`, or a function of a `Run` that draws figures of the first seed's networks.
        default_rows: names of the rows that are run if none are asked for; all if `None`.
        competing: names of the rows of which the best is marked.
        timed: whether the time of inference is measured, and MACs are also counted task by task.
    """

    name: str
    title: str
    source: str
    text: str
    problem: Problem
    presets: dict
    rows: dict
    paper: dict = dataclasses.field(default_factory=dict)
    also: Callable[..., dict] | None = None
    draw: Callable[..., None] | None = None
    default_rows: tuple | None = None
    competing: tuple = ()
    timed: bool = False

    def evaluate(self, model, preset="mini"):
        """The scores of a network on the test pictures that need no folder of files.

        Args:
            model: a network of the recipe, trained on the same data.
            preset: name of the `Settings` with which it was.

        Returns:
            A dict from task to a dict from heading to a number, as of the table.
        """
        problem, settings = self.problem, self.presets[preset]
        data = problem.load(problem.without_folder[0], settings)
        # An embedding does not name its tasks.
        tasks = getattr(model, "tasks", problem.default_tasks)
        with tempfile.TemporaryDirectory() as folder:
            options = {"contenders": [], "seeds": 1, "folder": folder}
            study = problem.study_of(settings, data, tasks, **options)
            return problem.by_heading(problem.entry(study.scores([model], study.test)))

    def run(self, *, plan=False, progress=Progress, **options):
        """Trains and scores what is not there yet; prints and writes the table, and a page.

        Args:
            plan: whether it ends when it has printed what is to be trained.
            progress: what tells how far it is, as of `Study.run`.
            **options: as of `Options`.

        Returns:
            A dict, as in `results.json`: of every row its size and, by seed, its scores.

        Raises:
            ValueError: an option is not among what the recipe has; it names the known ones.
        """
        options, settings = Options(**options).filled(self)
        print(f"{self.name}: networks and results go to {options.output}", flush=True)
        folders = options.data_dir or None, options.cache_dir or None
        run = Run(self, options, settings, self.problem.load(options.data, settings, *folders))
        if plan:
            print(run.study.plan())
            return run.results
        run.run(progress)
        return run.results


def stitched(after, start="one-task", **units):
    """The network stitched from the one-task networks, with the units of the settings but for some.

    Args:
        after: names of the stages with units behind them, or a function of `Settings`.
        start: as of `Contender`.
        **units: options of the units, as of `CrossStitched`.
    """

    def contender(settings, data, tasks):
        usual = {"alpha": settings.alpha, "learning_rate_multiplier": settings.alpha_rate}
        stages = after(settings) if callable(after) else after
        return Contender("cross-stitch", CrossStitched(stages, **{**usual, **units}), start)

    return contender


class Run:
    """A recipe on data: its `study`, and what that has found, as the table has it.

    Args:
        recipe: the `Recipe`.
        options: the `Options`, filled.
        settings, data: the `Settings`, and what `Problem.load` returns.
    """

    def __init__(self, recipe, options, settings, data):
        self.recipe, self.settings, self.data = recipe, settings, data
        self.tasks, self.wanted, folder = options.tasks, options.rows, Path(options.output)
        self.path = folder / recipe.name / "results.json"
        self.results = {
            "recipe": recipe.name,
            "preset": options.preset,
            "data": options.data,
            "tasks": list(options.tasks),
            "backend": provenance()["backend"],
            "settings": json.loads(json.dumps(dataclasses.asdict(settings))),
            "rows": {},
        }
        self._take_up()
        # The baseline is the recipe's own, also where it is not asked for.
        needed = dict.fromkeys([BASELINE, *map(self._of, self.wanted)])
        self.study = recipe.problem.study_of(
            settings,
            data,
            self.tasks,
            contenders=[self._contender(name) for name in needed],
            seeds=options.seeds,
            folder=folder / "study",
        )

    def run(self, progress=Progress):
        """Trains and scores what is not there yet; prints and writes the table, and a page.

        The page is of the networks of this run; those of others, with other rows, stand in the
        table alone.
        """
        needed()  # What the page is made of: to miss it after the training would be late.
        self.save()
        print(f"{self.study.plan().summary}\n", flush=True)
        found = self.study.run(progress=progress)
        self.write()
        if self.recipe.draw is not None:
            self.recipe.draw(self)
        print(*map(found.answer, [None, *found.study.tasks]), sep="\n")
        page = found.report(self.path.with_name("report.html"))
        print(f"\nAll of it as a page: {page.resolve()}")

    def row_of(self, row, seed=0):
        """What the study knows of a row: a `keras_mtl.study.Row`; `None` if it has not this row."""
        known = {(each.contender, each.seed): each for each in self.study.rows}
        return known.get((self._of(row), seed))

    def networks(self, row, seed=0):
        """The trained networks of a row: a list, in which each task is once at least."""
        networks, made = self.study.networks(self.row_of(row, seed)), self.recipe.rows[row]
        return made.score(self, seed, networks)[0] if isinstance(made, Extra) else networks

    def has(self, row, seed=0):
        """Whether this run has a row, and it has not failed."""
        return self.row_of(row, seed) is not None and str(seed) in scored(self.results, row)

    def write(self):
        """Brings the results up to date, writes and prints them."""
        shown = dict.fromkeys([BASELINE, *map(self._of, self.wanted), *self.wanted])
        for row in self.study.rows:
            for name in shown:
                if self._of(name) == row.contender:
                    self._add(name, row)
        rows = self.results["rows"]
        self.results["rows"] = {name: rows[name] for name in self.recipe.rows if name in rows}
        if self.recipe.timed:
            add_times(self)
        self.save()
        print(f"\n{format_table(self.recipe, self.results)}\n", flush=True)

    def save(self):
        """Writes the results, with the settings that they are of."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as unfinished:
            unfinished.write_text(json.dumps(self.results, indent=2) + "\n")

    def _take_up(self):
        """Adds what other runs have had, or raises a ValueError if that is of other settings."""
        if not self.path.exists():
            return
        with file_of("a recipe", self.path, "`output` must hold"):
            before = json.loads(self.path.read_text())
            rows = before["rows"]
            theirs = {**before.get("settings", {"settings": "of another version"})}
            theirs["backend"] = before["backend"]
        ours = {**self.results["settings"], "backend": self.results["backend"]}
        different = {name: value for name, value in theirs.items() if ours.get(name) != value}
        if different:
            raise ValueError(
                "`output` must be new, or hold a run of the same settings: "
                f"{ {name: ours.get(name) for name in different} }. Received: "
                f"{self.path.parents[1]} with {different}."
            )
        self.results["rows"] = rows

    def _of(self, name):
        """The row whose networks a row has."""
        made = self.recipe.rows[name]
        return made.of if isinstance(made, Extra) else name

    def _contender(self, name):
        made = self.recipe.rows[name]
        if not isinstance(made, Contender):
            made = made(self.settings, self.data, self.tasks)
        return dataclasses.replace(made, name=name)

    def _add(self, name, row):
        """Adds the scores of a row, as the table calls it, and seed."""
        record, made = self.study.record_of(row), self.recipe.rows[name]
        if not record:
            return  # A launcher need not have run all.
        if record.get("failed"):
            if isinstance(made, Extra):
                return
            entry = {"diverged": record["failed"], **provenance()}
        else:
            networks = self.study.networks(row)
            if isinstance(made, Extra):
                networks, scores = made.score(self, row.seed, networks)
                record = {**record, "test": scores, "validation": {}}
            entry = entry_of(self, row, record, networks)
        of_row = self.results["rows"].setdefault(name, {"seeds": {}})
        of_row["seeds"][str(row.seed)] = entry
        # Those of the row are the first seed's, whose pictures are drawn, too.
        for size in ("parameters", "macs"):
            if size in entry:
                of_row.setdefault(size, entry[size])
