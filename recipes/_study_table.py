"""A table whose networks are declared as a study before anything is trained."""

import dataclasses
import math

from keras_mtl.recipes._comparison import compared_scores
from keras_mtl.recipes._results import provenance
from keras_mtl.recipes._table import Table, learned
from keras_mtl.study.row import with_all_before


@dataclasses.dataclass(frozen=True)
class StudyTable(Table):
    """A `Table` of contenders: its rows are functions of settings, data and tasks that return one.

    Attributes:
        study: function of settings, data, tasks, contenders, a number of seeds and a folder that
            returns the `Study`.
    """

    study: object = None

    def models(self, row, networks):
        return _networks(
            self.study_of(networks, [row], networks.seed + 1, networks.folder.parent),
            row,
            networks.seed,
        )

    def study_of(self, run, rows, seeds, folder):
        """The study of some rows; `run` has settings, data and tasks."""
        contenders = [
            dataclasses.replace(self.rows[row](run.settings, run.data, run.tasks), name=row)
            for row in rows
        ]
        return self.study(run.settings, run.data, run.tasks, contenders, seeds, folder / "study")

    def _fill(self, run, seeds):
        wanted = self.study_of(run, run.wanted, seeds, run.folder)
        print(f"{wanted.plan()}\n", flush=True)
        wanted.run()
        # What other runs have had stays in the table.
        all_rows = [each for each in wanted.records.read() if each["kind"] == "row"]
        seeds = max([seeds, *(1 + each["seed"] for each in all_rows)])
        study = self.study_of(run, self.rows, seeds, run.folder)
        for of_row in study.rows:
            record = study.record_of(of_row)
            if record and of_row.contender in self.rows:
                entries = run.results["rows"].setdefault(of_row.contender, {"seeds": {}})
                entries["seeds"][str(of_row.seed)] = self._entry_of(study, of_row, record, entries)
        self._show(run)

    def _entry_of(self, study, of_row, record, entries):
        if record.get("failed"):
            return {"diverged": record["failed"], **provenance()}
        entry = {task: _scores(task, values) for task, values in record["test"].items()}
        of_validation = {
            task: _scores(task, values) for task, values in record["validation"].items()
        }
        compared = compared_scores(self.problem.headlines, of_validation)
        names = self.problem.headlines
        entry["validation"] = {task: {names[task]: value} for task, value in compared.items()}
        for size in ("parameters", "macs"):
            entry[size] = record[size]
            entries.setdefault(size, record[size])
        # Of networks that several rows start from in each of them.
        needed = with_all_before(of_row.networks)
        trained = [study.record_of(each)["seconds"] for each in needed]
        seconds = round(sum(trained) + record["seconds"], 1)
        models = _networks(study, of_row.contender, of_row.seed)
        return {**entry, **learned(models), "seconds": seconds, **provenance()}


def _networks(study, row, seed):
    (of_row,) = [each for each in study.rows if (each.contender, each.seed) == (row, seed)]
    return [study.network(each) for each in of_row.networks]


def _scores(task, values):
    """Scores by their own names, those of classes in a list."""
    scores, classes = {}, {}
    for name, value in values.items():
        name = name.removeprefix(f"{task}_")
        if name.startswith("iu_of_"):
            classes[int(name.removeprefix("iu_of_"))] = None if math.isnan(value) else value
        elif name != "loss":
            scores[name] = value
    of_classes = [value for _, value in sorted(classes.items())]
    return {**scores, **({"per_class_iu": of_classes} if classes else {})}
