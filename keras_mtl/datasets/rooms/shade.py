"""Colours and light: ambient, point lamps with soft shadows, highlights, glowing parts."""

import numpy as np

from .intersect import bounding_corners, primitives
from .texture import pattern
from .vocabulary import CLASSES, COLORS, NUM_ROOM_CLASSES, TEXTURES

_REFLECTANCE = np.array(list(COLORS.values()), np.float32)
_SHINY = (TEXTURES.index("plain"), TEXTURES.index("wood"))
_DAYLIGHT = np.array((0.8, 0.9, 1.0), np.float32)
_LAMPLIGHT = np.array((0.9, 0.8, 0.55), np.float32)

# A lamp is a disc of this radius (metres): what makes the shadows soft.
_LAMP_RADIUS = 0.12


def shade(scene, surface, directions, rng):
    """Returns linear RGB (3, n) of the surface seen along `directions` (3, n)."""
    owner, texture = scene.owner[surface.part], scene.texture[surface.part]
    class_id = np.array([thing.class_id for thing in scene.objects])[owner]
    lattice = rng.random((64, 64), dtype=np.float32)
    albedo = _albedo(scene, surface, owner, class_id, texture, lattice, rng)

    facing_up = 0.5 + 0.5 * surface.normal[2]
    ambient = scene.ambient * (0.55 + 0.45 * facing_up) * _corner_darkening(scene, surface)
    rgb = albedo * ambient.astype(np.float32)
    shininess = np.where(np.isin(texture, _SHINY), 0.25, 0.03).astype(np.float32)
    corners = bounding_corners(scene)
    for light in scene.lights:
        to_light = light.position.astype(np.float32)[:, None] - surface.point
        squared_distance = (to_light * to_light).sum(0)
        to_light /= np.sqrt(squared_distance)
        cosine = np.maximum((surface.normal * to_light).sum(0), 0)
        halfway = to_light - directions
        halfway /= np.sqrt((halfway * halfway).sum(0))
        highlight = np.maximum((surface.normal * halfway).sum(0), 0) ** 40 * shininess
        lit = (cosine > 0) & ~_in_shadow(scene, surface, light, cosine > 0, corners, rng)
        strength = lit * 2.6 / (1 + 0.5 * squared_distance)
        rgb += (albedo * cosine + highlight) * strength * light.strength.astype(np.float32)[:, None]
    return _add_glow(scene, surface, class_id, rgb, lattice)


def _albedo(scene, surface, owner, class_id, texture, lattice, rng):
    # Every object has its own shade of its colour, its own second colour, scale and offset.
    count = len(scene.objects)
    jitter = rng.normal(0, 0.05, (3, count)).astype(np.float32)
    darker = rng.uniform(0.35, 0.8, count).astype(np.float32)
    tint = rng.uniform(0, 0.25, (3, count)).astype(np.float32)
    scale = rng.uniform(0.6, 1.6, count).astype(np.float32)
    offset = rng.uniform(0, 64, (2, count)).astype(np.float32)

    first = np.clip(_REFLECTANCE[scene.color[surface.part]].T + jitter[:, owner], 0.02, 1)
    second = np.clip(first * darker[owner] + tint[:, owner], 0.02, 1)
    is_large_pattern = class_id < NUM_ROOM_CLASSES
    frequency = np.where(is_large_pattern, np.float32(3), np.float32(9)) * scale[owner]
    share = pattern(texture, surface.uv * frequency + offset[:, owner], lattice)
    return first + (second - first) * share


def _corner_darkening(scene, surface):
    """A cheap stand-in for ambient occlusion: corners of the room get less light."""
    width, depth, height = scene.room
    x, y, z = surface.point
    to_x, to_y = width / 2 - np.abs(x), depth / 2 - np.abs(y)
    to_z = np.minimum(z, height - z)
    # The nearest surface is often the point's own: the second nearest counts.
    second = np.maximum(np.minimum(to_x, to_y), np.minimum(np.maximum(to_x, to_y), to_z))
    return np.clip(0.55 + 1.4 * second, 0, 1)


def _in_shadow(scene, surface, light, candidates, corners, rng):
    """(n,) whether something stands between the surface and a random point of the lamp.

    Everything in the room is below the lamps, so seen from the lamp a primitive covers a bounded
    range of slopes: only the rays inside it need the exact test.
    """
    lamp = light.position.astype(np.float32)
    blocked = np.zeros(len(surface.part), bool)
    # The surface's own primitive must not shadow it: start a little above it.
    start = surface.point + np.float32(2e-3) * surface.normal
    rays = np.flatnonzero(candidates & (lamp[2] - start[2] > 0.05))
    start = start[:, rays]
    drop = lamp[2] - start[2]
    slope_x, slope_y = (start[0] - lamp[0]) / drop, (start[1] - lamp[1]) / drop

    angle = rng.random(len(rays), dtype=np.float32) * np.float32(2 * np.pi)
    radius = np.float32(_LAMP_RADIUS) * np.sqrt(rng.random(len(rays), dtype=np.float32))
    to_lamp = np.stack(
        (
            lamp[0] + radius * np.cos(angle) - start[0],
            lamp[1] + radius * np.sin(angle) - start[1],
            drop,
        )
    )
    length = np.sqrt((to_lamp * to_lamp).sum(0))
    to_lamp /= length

    below = lamp[2] - corners[..., 2]
    slopes = (corners[..., :2] - lamp[:2]) / below[..., None]
    margin = _LAMP_RADIUS / below.min(1)[:, None]
    low, high = slopes.min(1) - margin, slopes.max(1) + margin
    hidden = np.zeros(len(rays), bool)
    for number, (distance_to, row) in enumerate(primitives(scene)):
        near = np.flatnonzero(
            (slope_x > low[number, 0])
            & (slope_x < high[number, 0])
            & (slope_y > low[number, 1])
            & (slope_y < high[number, 1])
        )
        if len(near):
            found = distance_to(row, start[:, near], to_lamp[:, near])
            hidden[near[found < length[near]]] = True
    blocked[rays] = hidden
    return blocked


def _add_glow(scene, surface, class_id, rgb, lattice):
    glow = scene.glow[surface.part] > 0
    pane = np.flatnonzero(glow & (class_id == CLASSES.index("window")))
    clouds = pattern(np.full(len(pane), TEXTURES.index("noise")), 3 * surface.uv[:, pane], lattice)
    rgb[:, pane] = _DAYLIGHT[:, None] * (0.8 + 0.5 * clouds)
    lampshade = np.flatnonzero(glow & (class_id == CLASSES.index("lamp")))
    rgb[:, lampshade] += 0.6 * _LAMPLIGHT[:, None]
    return rgb
