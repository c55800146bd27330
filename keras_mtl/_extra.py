"""Packages that an extra brings, imported where they are used."""

import importlib
from types import ModuleType


def extra(what: str, name: str, *modules: str, hint: str = "") -> ModuleType:
    """Imports modules that need not be installed.

    Args:
        what: what needs them, as the start of the error's sentence.
        name: the extra that installs them.
        *modules: full names of the modules.
        hint: what the error says besides.

    Returns:
        The last of the modules.

    Raises:
        ImportError: one is missing.
    """
    try:
        return [importlib.import_module(module) for module in modules][-1]
    except ImportError as error:
        raise ImportError(
            f"{what}: install it with `pip install 'keras-mtl[{name}]'`{hint}."
        ) from error
