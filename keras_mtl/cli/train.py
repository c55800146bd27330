"""`keras-mtl train`: a recipe, which trains networks and compares them."""

import dataclasses
import importlib
import runpy
import sys
from typing import Annotated

import tyro

from keras_mtl.cli._arguments import option
from keras_mtl.cli._console import console, table
from keras_mtl.cli._errors import UsageError
from keras_mtl.recipes._document_tables import recipe_names


@dataclasses.dataclass(frozen=True)
class Train:
    """Train the networks of a recipe, and score them: a table of a paper.

    What stands behind the recipe is its own; a run that was stopped goes on where it was. For
    instance:

        keras-mtl train
        keras-mtl train cross_stitch_table5 --help
        keras-mtl train cross_stitch_table5 --preset mini --rows one-task cross-stitch
    """

    recipe: Annotated[tyro.conf.Positional[str], option("RECIPE")]
    """Name of the recipe; without one, all are listed."""


def run_recipe(arguments):
    """Runs a recipe, the first of the words, with the others; lists recipes if there are none."""
    if not arguments or arguments[0] in ("-h", "--help"):
        return _list(with_help=bool(arguments))
    recipe, *options = arguments
    if recipe.startswith("-"):
        words = " ".join(arguments)
        raise UsageError(f"the recipe comes first: keras-mtl train RECIPE {words}")
    if recipe not in recipe_names():
        raise UsageError(f"there is no recipe {recipe}; `keras-mtl train` lists them")
    before = sys.argv
    sys.argv = [f"keras-mtl train {recipe}", *options]
    try:
        runpy.run_module(f"keras_mtl.recipes.{recipe}", run_name="__main__")
    finally:
        sys.argv = before
    return 0


def _list(with_help):
    if with_help:
        print("usage: keras-mtl train RECIPE [the recipe's own options]\n")
        print("\n".join(line[4:] for line in Train.__doc__.splitlines()[2:]).strip())
    listed = table("recipe", "what it trains")
    for name in recipe_names():
        module = importlib.import_module(f"keras_mtl.recipes.{name}")
        listed.add_row(name, module.__doc__.splitlines()[0])
    console().print(listed)
    print("keras-mtl train RECIPE --help tells of a recipe and its options.")
