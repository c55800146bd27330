"""What `import keras_mtl` costs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_import_costs_no_more_than_keras():
    """Of packages from outside the standard library, such as SciPy and Matplotlib."""
    code = """
import sys
import keras
before = set(sys.modules)
import keras_mtl
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    new = set(result.stdout.split()) - set(sys.stdlib_module_names)
    # Of keras itself only submodules may be new.
    assert new - {"keras"} == {"keras_mtl"}
