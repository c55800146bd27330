"""Pictures of several sizes as one array."""

import numpy as np
import pytest

from keras_mtl.boxes import canvas
from keras_mtl.boxes.canvas import MEAN_COLOUR

pytestmark = pytest.mark.one_backend


def test_pictures_stand_at_the_top_left(rng):
    images = [rng.uniform(0, 255, (*size, 3)) for size in ((4, 6), (5, 2))]
    found = canvas(images, pad_to=(5, 7))
    assert found.shape == (2, 5, 7, 3) and found.dtype == "float32"
    for image, space in zip(images, found, strict=True):
        height, width, _ = image.shape
        np.testing.assert_allclose(space[:height, :width], image, rtol=1e-6)
        rest = np.ones((5, 7), bool)
        rest[:height, :width] = False
        assert (space[rest] == MEAN_COLOUR).all()


def test_pictures_of_one_size_fill_it(rng):
    images = rng.uniform(0, 255, (3, 4, 6, 3)).astype("float32")
    np.testing.assert_array_equal(canvas(images), images)


def test_what_does_not_fit_is_refused():
    images = [np.zeros((4, 6, 3)), np.zeros((5, 2, 3))]
    with pytest.raises(ValueError, match=r"`pad_to` must be given .*\[\(4, 6\), \(5, 2\)\]"):
        canvas(images)
    with pytest.raises(ValueError, match=r"`pad_to` must have room .*Received: \(4, 6\)"):
        canvas(images, pad_to=(4, 6))
