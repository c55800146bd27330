"""`keras-mtl compare`: what should the tasks of your pictures share?"""

import contextlib
import dataclasses
import functools
import json
import math
import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from keras_mtl.cli._arguments import option
from keras_mtl.cli._errors import UsageError
from keras_mtl.cli._live import progress
from keras_mtl.cli._minutes import steps_within
from keras_mtl.cli._problem import declared_launcher, declared_study, study_of_rooms
from keras_mtl.cli._towers import SMALL, tower_of
from keras_mtl.datasets import LabelledImages
from keras_mtl.study import Study, local, processes
from keras_mtl.study.report import needed

OF_ALL = ("what", "data", "processes", "launcher", "plan", "json")
"""Options of studies that are declared elsewhere, too."""
OF_ROOMS = (*OF_ALL, "contenders", "steps", "minutes", "batch_size", "seeds", "folder")
"""Those of the example."""


@dataclasses.dataclass(frozen=True)
class Compare:
    """Compare ways in which the tasks of your pictures can share a network.

    Takes a folder of pictures and a table of their labels: a CSV with a column of file names and
    one for each task. Numbers make a regression, words or a few whole numbers a classification,
    words with semicolons between them attributes, and names of files maps, such as masks as PNG.
    An empty cell is a label that is missing. Or it takes a file, or module, that declares a
    `keras_mtl.Study`; `keras-mtl new problem.py` writes one to begin with. --data rooms is the
    example that comes along: segmentation and surface normals of rendered rooms.

    It prints what it takes the columns for, and how much it will train; then how far it is, the
    table, the answer in a sentence a task, and where the page is that shows all of it. A run that
    was stopped goes on where it was, also with more seeds or other contenders. For instance:

        keras-mtl compare photos --labels labels.csv
        keras-mtl compare photos --labels labels.csv --tower MobileNetV2 --size 128 --steps 2000
        keras-mtl compare photos --labels labels.csv --task stars:regression --plan
        keras-mtl compare problem.py
        keras-mtl compare package.module:study
        keras-mtl compare --data rooms --minutes 30
    """

    what: Annotated[tyro.conf.Positional[str], option("FOLDER|FILE|MODULE")] = ""
    """Folder of pictures, a file that declares a study, or a module and the name of a study in it.
    """
    data: Annotated[Literal["rooms"] | None, option("rooms", Literal["rooms"])] = None
    """The example instead of pictures of yours."""
    labels: Annotated[Path | None, option("TABLE", Path)] = None
    """Table of the labels of a folder's pictures; paths in it are from the folder on."""
    tower: Annotated[str, option("NETWORK")] = SMALL
    """A network of `keras.applications`, such as MobileNetV2; by default a small one."""
    weights: Annotated[str | None, option("imagenet|FILE", str)] = None
    """Weights that such a network starts from; drawn anew for each seed by default."""
    size: Annotated[tuple[int, ...], option("PIXELS")] = (96,)
    """Height and width that pictures are scaled to, or one number for both."""
    task: Annotated[tuple[str, ...], option("COLUMN:KIND")] = ()
    """What columns are, where it is not what is seen: regression, classification, attributes or
    map."""
    leave_out: Annotated[tuple[str, ...], option("COLUMN")] = ()
    """Columns that are no tasks."""
    split: Annotated[str | None, option("COLUMN", str)] = None
    """Column that says train, validation or test; by default one of the name "split", or, if there
    is none, 70, 15 and 15 % are drawn."""
    skip_broken: bool = False
    """Leave out rows whose files are missing or broken."""
    contenders: Annotated[tuple[str, ...], option("NAME")] = ()
    """Only these, such as "hard sharing" cross-stitch; by default all that fit."""
    steps: int = 600
    """Steps of each network."""
    minutes: Annotated[float | None, option("MINUTES", float)] = None
    """About so long for all networks, in place of --steps; one network is timed first."""
    batch_size: int = 16
    """Pictures a step."""
    seeds: int = 3
    """Number of seeds."""
    folder: Annotated[Path, option("FOLDER")] = Path("what_to_share")
    """Where networks, records and the page go."""
    processes: int = 1
    """So many networks are trained at once, each in a process of its own."""
    launcher: Annotated[str | None, option("MODULE:NAME", str)] = None
    """Function of yours that runs what is to be trained, as keras_mtl.study.local does."""
    plan: bool = False
    """Print which networks would be trained, and how long it would take, and stop."""
    json: bool = False
    """Print the answers and scores as JSON, for other programs."""

    def run(self):
        say = sys.stderr if self.json else sys.stdout
        launcher = self._launcher()
        study = self._study(say)
        plan = study.plan()
        if self.plan:
            print(plan, file=say)
            return
        print(f"{plan.summary}\n", file=say, flush=True)
        needed()  # What the page is made of: to miss it after the training would be late.
        page = (study.folder / "report.html").resolve()
        with contextlib.redirect_stdout(say):
            found = study.run(launcher, progress())
            print(f"\n{found}\n", flush=True)
            found.report(page)
        if self.json:
            print(json.dumps(_finite(_answers(found, page)), indent=1, allow_nan=False))
        print(f"All of it as a page: {page}", file=say)
        if self.data is not None:
            print("Of your own pictures: keras-mtl compare FOLDER --labels TABLE.csv", file=say)

    def _launcher(self):
        if self.launcher is None:
            return local if self.processes == 1 else processes(self.processes)
        if self.processes != 1:
            raise UsageError("--launcher or --processes: one of them says who trains networks")
        return declared_launcher(self.launcher)

    def _study(self, say):
        """What is to be compared, in whichever way that is said."""
        if self.data is not None:
            if self.what:
                raise UsageError(
                    f"--data {self.data} takes no folder, file or module. Received: {self.what}"
                )
            self._refuse(OF_ROOMS, f"a folder of pictures, not with --data {self.data}")
            return self._within_minutes(study_of_rooms, say)
        if not self.what:
            raise UsageError(
                "compare needs a folder of pictures, a file or module that declares a study, or "
                "--data rooms"
            )
        if Path(self.what).is_dir():
            return self._of_pictures(say)
        self._refuse(OF_ALL, f"a folder of pictures, and there is none of the name {self.what}")
        return declared_study(self.what)

    def _refuse(self, known, otherwise):
        """Refuses options that go with another way."""
        given = [
            option_of(field.name)
            for field in dataclasses.fields(self)
            if field.name not in known and getattr(self, field.name) != field.default
        ]
        if given:
            raise UsageError(f"{', '.join(given)} goes with {otherwise}")

    def _within_minutes(self, declare, say):
        """What is declared by options of a `Study`, with those of the command."""

        def declared(steps, folder):
            with _own_words():
                return declare(
                    steps=steps,
                    seeds=self.seeds,
                    batch_size=self.batch_size,
                    contenders=self.contenders or "auto",
                    folder=folder,
                )

        steps = self.steps
        if self.minutes is not None:
            if self.steps != Compare.steps:
                raise UsageError("--minutes or --steps: one of them says how long is trained")
            if not 0 < self.minutes < math.inf:
                raise UsageError(f"--minutes must be above 0: {self.minutes:g}")
            steps, known = steps_within(self.minutes, declared, self.folder)
            why = "as before" if known else "from the time that one takes here"
            print(f"{steps} steps for each network, {why}.\n", file=say, flush=True)
        return declared(steps, self.folder)

    def _of_pictures(self, say):
        if self.labels is None:
            raise UsageError("a folder of pictures needs --labels, a table of their labels")
        kinds = dict(_column_and_kind(each) for each in self.task)
        with _own_words():
            data = LabelledImages(
                self.labels,
                self.what,
                kinds=kinds,
                leave_out=self.leave_out,
                size=_height_and_width(self.size),
                split=self.split,
                skip_broken=self.skip_broken,
                verbose=int(sys.stdout.isatty() and not self.json),
            )
        print(f"{data}\n", file=say)
        for remark in data.remarks:
            print(f"Note: {remark}.", file=say)
        rows = [len(part[0]) for part in (data.train, data.validation, data.test)]
        print(
            "{} pictures to learn from, {} to choose by, {} to report on; {}×{} pixels.\n".format(
                *rows, *data.size
            ),
            file=say,
        )
        of_pixels = any(column.kind == "map" for column in data.columns.values())
        declare = functools.partial(
            Study,
            tower_of(self.tower, data.size, self.weights, pooled=not of_pixels),
            data.tasks,
            data.train,
            data.validation,
            data.test,
            weights="draw" if self.weights is None else "keep",
        )
        return self._within_minutes(declare, say)


def _column_and_kind(text):
    column, colon, kind = text.rpartition(":")
    if not colon:
        raise UsageError(f"--task must be a column and its kind, such as age:regression: {text}")
    return column, kind


def _height_and_width(size):
    if len(size) not in (1, 2) or min(size) < 8:
        raise UsageError(f"--size must be one or two numbers of pixels from 8: {size}")
    return size[0], size[-1]


def option_of(name):
    """An argument as an option."""
    return f"--{name.replace('_', '-')}"


@contextlib.contextmanager
def _own_words():
    """Within it errors name options, not the arguments that they are."""
    try:
        yield
    except ValueError as error:
        text = str(error).replace("`kinds`", "--task").replace("=True`", "`")
        for field in dataclasses.fields(Compare):
            text = text.replace(f"`{field.name}`", option_of(field.name))
        raise UsageError(text) from error


def _finite(content):
    """Of what goes to JSON, which has no other numbers: `None` in place of those."""
    if isinstance(content, dict):
        return {name: _finite(each) for name, each in content.items()}
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _answers(found, page):
    """What a program wants to know."""
    return {
        "best": found.best(),
        "best_of_tasks": {task: found.best(task) for task in found.study.tasks},
        "gains": {
            name: {"mean": gap.mean, "low": gap.low, "high": gap.high, "p": gap.p}
            for name, gap in found.differences().items()
        },
        "scores": {
            name: {seed: record["test"] for seed, record in of_seeds.items()}
            for name, of_seeds in found.scores.items()
        },
        "failed": found.failed,
        "page": str(page),
    }
