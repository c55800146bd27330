"""The experiments of the papers: a file a paper, with its tables as data.

    import keras_mtl.recipes
    keras_mtl.recipes.load()["cross_stitch_table5"].run(preset="mini", seeds=3)

is what `keras-mtl train cross_stitch_table5 --preset mini --seeds 3` does.
"""

import importlib
import pkgutil


def load():
    """All recipes, of all files of this folder that have some.

    Returns:
        A dict from name to `Recipe`, in the order of the alphabet.
    """
    names = [each.name for each in pkgutil.iter_modules(__path__) if not each.name.startswith("_")]
    modules = [importlib.import_module(f"keras_mtl.recipes.{name}") for name in names]
    found = [recipe for module in modules for recipe in getattr(module, "RECIPES", ())]
    return {recipe.name: recipe for recipe in sorted(found, key=lambda each: each.name)}
