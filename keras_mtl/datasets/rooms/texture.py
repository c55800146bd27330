"""Procedural surface patterns: how much of an object's second colour shows at a point."""

import numpy as np

from .vocabulary import TEXTURES

_LATTICE = 64


def pattern(texture, uv, lattice):
    """The share of the second colour.

    Args:
        texture: (n,) positions in `TEXTURES`.
        uv: (2, n) surface coordinates, in units of the pattern.
        lattice: (64, 64) uniform random numbers, for the noise.

    Returns:
        (n,) float32 in 0..1.
    """
    share = np.zeros(uv.shape[1], np.float32)
    for number, name in enumerate(TEXTURES):
        here = np.flatnonzero(texture == number)
        if len(here):
            share[here] = _PATTERNS[name](*uv[:, here], lattice)
    return share


def _value_noise(u, v, lattice):
    """Smoothly interpolated lattice noise in 0..1; repeats after 64 units."""
    column, row = np.floor(u), np.floor(v)
    s, t = u - column, v - row
    s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
    column, row = column.astype(np.int32) % _LATTICE, row.astype(np.int32) % _LATTICE
    next_column, next_row = (column + 1) % _LATTICE, (row + 1) % _LATTICE
    top = lattice[row, column] * (1 - s) + lattice[row, next_column] * s
    bottom = lattice[next_row, column] * (1 - s) + lattice[next_row, next_column] * s
    return top * (1 - t) + bottom * t


def _clouds(u, v, lattice):
    coarse = _value_noise(1.5 * u, 1.5 * v, lattice)
    return (coarse + 0.5 * _value_noise(3.15 * u, 3.15 * v, lattice)) / 1.5


def _plain(u, v, lattice):
    return 0.18 * _clouds(u, v, lattice)


def _checker(u, v, lattice):
    return (np.floor(u) + np.floor(v)) % 2


def _stripe(u, v, lattice):
    return np.floor(2 * u) % 2


def _wood(u, v, lattice):
    # Clouds stretched along u, with level lines as grain.
    grain = _value_noise(0.35 * u, 4 * v, lattice)
    fine = _value_noise(0.735 * u, 8.4 * v, lattice)
    return 0.5 + 0.5 * np.sin(14 * (grain + 0.5 * fine) / 1.5)


def _brick(u, v, lattice):
    row = np.floor(2 * v)
    return ((u + 0.5 * (row % 2)) % 1 < 0.06) | (2 * v % 1 < 0.1)


_PATTERNS = {
    "plain": _plain,
    "checker": _checker,
    "stripe": _stripe,
    "noise": _clouds,
    "wood": _wood,
    "brick": _brick,
}
