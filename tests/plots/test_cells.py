"""How numbers are written in cells."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from keras_mtl.plots._cells import write_numbers

pytestmark = pytest.mark.one_backend


def test_only_a_leading_zero_is_left_out():
    values = [0.5, -0.5, 0, -0.001, 0.999, -1, 10, -10.25, 100.04, np.nan]
    written = [".50", "−.50", ".00", ".00", "1.00", "−1.00", "10.00", "−10.25", "100.04"]
    axes = Figure().add_subplot()
    write_numbers(axes, np.array([values]), np.ones((1, len(values), 3)))
    assert [text.get_text() for text in axes.texts] == written
