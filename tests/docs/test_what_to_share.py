"""The script that gives one network four ways of sharing is short, and runs on every backend."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "what_to_share.py"

# It starts the backends itself.
pytestmark = pytest.mark.cross_backend


def lines_of_code(text):
    """Lines that hold more than a docstring or a comment."""
    docstring = ast.parse(text).body[0]
    lines = text.splitlines()[docstring.end_lineno :]
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def test_it_is_short():
    assert len(lines_of_code(SCRIPT.read_text())) <= 25


@pytest.mark.parametrize(
    "backend",
    [
        "torch",
        # Where every network is compiled for its one step.
        pytest.param("jax", marks=pytest.mark.slow),
        pytest.param("tensorflow", marks=pytest.mark.slow),
    ],
)
def test_it_trains_four_networks(backend):
    result = subprocess.run(
        [sys.executable, SCRIPT],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    found = re.findall(r"(\w+) +([\d,]+) parameters, loss (\d+\.\d\d)\n", result.stdout)
    assert [name for name, *_ in found] == ["stitched", "branched", "skipping", "modulated"]
    sizes = {name: int(size.replace(",", "")) for name, size, _ in found}
    assert sizes["stitched"] > sizes["branched"] > sizes["skipping"]
    # All that one network and two heads hold, and gates of 32 and of 96 channels for two tasks.
    assert sizes["modulated"] == 2_257_984 + 1281 * 6 + 2 * (32 + 96)
