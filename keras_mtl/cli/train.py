"""`keras-mtl train`: a recipe, which trains networks and compares them."""

import dataclasses
import time
from typing import Annotated

import tyro

from keras_mtl import recipes
from keras_mtl.cli._arguments import option
from keras_mtl.cli._console import console, table
from keras_mtl.cli._errors import UsageError
from keras_mtl.cli._live import progress
from keras_mtl.recipes.options import Options
from keras_mtl_command import did_you_mean


@dataclasses.dataclass(frozen=True)
class Train(Options):
    """Train the networks of a recipe, and score them: a table of a paper.

    Without a recipe all are listed; `keras-mtl train RECIPE --help` tells of one, with its rows and
    all its settings. It prints how much it will train, and then the scores, mean ± deviation over
    the seeds; `results.json`, figures and a page go into the output folder. A run that was stopped
    goes on where it was, also with other rows or more seeds. For instance:

        keras-mtl train
        keras-mtl train cross_stitch_table5 --help
        keras-mtl train cross_stitch_table5 --preset mini --rows one-task cross-stitch
        keras-mtl train cross_stitch_table5 --steps 100 --set rate=0.01 --plan
    """

    recipe: Annotated[tyro.conf.Positional[str], option("RECIPE")] = ""
    """Name of the recipe."""
    plan: bool = False
    """Print which networks would be trained, and how long it would take, and stop."""

    def run(self):
        if self == Train():
            _list()
            return
        if not self.recipe:
            raise UsageError("train needs a recipe: keras-mtl train RECIPE (alone it lists them)")
        found = named(self.recipe)
        try:
            self.filled(found)
        except ValueError as error:
            raise UsageError(f"{error} (see keras-mtl train {self.recipe} --help)") from error
        began = time.monotonic()
        options = dataclasses.asdict(self)
        del options["recipe"]
        found.run(progress=progress(), **options)
        if not self.plan:
            print(f"{time.monotonic() - began:.0f} s")


def named(name):
    """The recipe of a name."""
    if name not in (known := recipes.load()):
        hint = did_you_mean(name, known, "`keras-mtl train` lists them")
        raise UsageError(f"there is no recipe {name}; {hint}")
    return known[name]


def page(name):
    """Prints all that there is to say of a recipe: its text, its rows and its settings."""
    found = named(name)
    print(f"{found.title}\n\n{found.source}.\n\n{found.text}")
    problem = found.problem
    print(f"    keras-mtl train {name} --preset mini --seeds 3")
    for data in problem.data_sets[1:]:
        print(f"    keras-mtl train {name} --preset paper --data {data} --data-dir FOLDER")
    print()
    print(f"rows: {', '.join(found.rows)}")
    if found.default_rows:
        print(f"  by default: {', '.join(found.default_rows)}")
    print(f"tasks: {', '.join(problem.tasks)}\ndata: {', '.join(problem.data_sets)}\n")
    presets = {name: dataclasses.asdict(each) for name, each in found.presets.items()}
    settings = table("setting (--set)", *(f"--preset {name}" for name in presets))
    for field in next(iter(presets.values())):
        settings.add_row(field, *(str(each[field]) for each in presets.values()))
    console().print(settings)


def _list():
    listed = table("recipe", "what it trains")
    for name, each in recipes.load().items():
        listed.add_row(name, each.title)
    console().print(listed)
    print("keras-mtl train RECIPE --help tells of a recipe, its rows and its settings.")
