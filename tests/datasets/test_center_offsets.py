"""Vectors to the centres of instances: they lead there, and only instances have any."""

import numpy as np
import pytest
from scipy import ndimage

from keras_mtl.datasets import center_offsets

pytestmark = pytest.mark.one_backend


def drawn(rng, shape=(5, 11, 17), count=6):
    """Instances in pieces of any form, each picture with its own."""
    return rng.integers(0, count + 1, shape).astype("uint16")


def test_every_pixel_points_to_the_centre_of_its_instance(rng):
    instances = drawn(rng)
    instances[2] *= instances[2] != 3  # a gap in the numbers
    offsets = center_offsets(instances)
    assert offsets.shape == (5, 11, 17, 2) and offsets.dtype == np.float32
    rows_columns = np.stack(np.mgrid[:11, :17], axis=-1)
    for picture, of_picture in zip(instances, offsets, strict=True):
        goals = rows_columns + 17 * of_picture.astype("float64")
        for instance in np.unique(picture[picture > 0]):
            center = ndimage.center_of_mass(picture == instance)
            reached = goals[picture == instance]
            np.testing.assert_allclose(reached, np.tile(center, (len(reached), 1)), atol=1e-5)
    np.testing.assert_array_equal(np.isnan(offsets), np.stack([instances == 0] * 2, axis=-1))


def test_rows_first_in_longer_sides_of_the_picture():
    instances = np.zeros((1, 4, 10), int)
    instances[0, 1:4, 2:7] = 1  # its centre is row 2, column 4
    offsets = center_offsets(instances)[0]
    np.testing.assert_allclose(offsets[1, 2], [0.1, 0.2])
    np.testing.assert_allclose(offsets[3, 6], [-0.1, -0.2])
    np.testing.assert_array_equal(offsets[2, 4], 0)
    upright = center_offsets(instances.transpose(0, 2, 1))[0]
    np.testing.assert_array_equal(upright, offsets.transpose(1, 0, 2)[..., ::-1])


def test_numbers_of_instances_are_only_names(rng):
    instances = drawn(rng)
    names = np.array([0, 26_001, 4, 255, 1, 65_535, 2])
    np.testing.assert_array_equal(center_offsets(names[instances]), center_offsets(instances))


def test_pictures_do_not_mix(rng):
    instances = drawn(rng)
    for number, alone in enumerate(instances):
        np.testing.assert_array_equal(
            center_offsets(alone[None])[0], center_offsets(instances)[number]
        )


@pytest.mark.parametrize("kind", ["uint8", "uint64", "int32"])
def test_types_of_integers(rng, kind):
    instances = drawn(rng)
    np.testing.assert_array_equal(center_offsets(instances.astype(kind)), center_offsets(instances))


def test_nothing_there():
    assert np.isnan(center_offsets(np.zeros((2, 3, 4), "uint8"))).all()
    assert center_offsets(np.zeros((0, 3, 4), "uint8")).shape == (0, 3, 4, 2)


def test_refuses():
    for wrong in (np.ones((2, 3, 4)), np.ones((3, 4), int), np.ones((2, 3, 4), bool)):
        with pytest.raises(ValueError, match="`instances` must be integers of shape .* Received"):
            center_offsets(wrong)
    with pytest.raises(ValueError, match=r"`instances` must be 0 .* Received: -1"):
        center_offsets(np.array([[[0, -1]]]))
