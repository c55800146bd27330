"""The experiments of the papers: a file a paper, with its tables as data.

    import keras_mtl.recipes
    keras_mtl.recipes.load()["cross_stitch_table5"].run("mini", seeds=3)

is what `keras-mtl train cross_stitch_table5 --preset mini --seeds 3` does.
"""

import importlib

PAPERS = ("cross_stitch", "ada_share", "branched", "modulation", "multi_fashion")


def load():
    """All recipes: a dict from name to `Recipe`, in the order of the alphabet."""
    modules = [importlib.import_module(f"keras_mtl.recipes.{paper}") for paper in PAPERS]
    found = {recipe.name: recipe for module in modules for recipe in module.RECIPES}
    return dict(sorted(found.items()))
