"""What each ray meets: the point, the normal and the place on the primitive's surface."""

from dataclasses import dataclass

import numpy as np

from .intersect import bounding_corners, primitives, room_distance


@dataclass
class Surface:
    """The visible surface, one column per ray.

    `distance` (n,) metres; `point`, `normal` (3, n) in the world frame; `part` (n,) the number
    of the primitive (as in `Scene.owner`); `uv` (2, n) metres along the surface, for textures.
    """

    distance: np.ndarray
    point: np.ndarray
    normal: np.ndarray
    part: np.ndarray
    uv: np.ndarray


def visible_surface(scene, rays):
    """Casts the camera's rays into the scene; returns a `Surface` of size² columns."""
    size = rays.size
    directions = rays.directions.reshape(3, -1)
    distance, axis = room_distance(scene.room, rays.eye, directions)
    nearest = distance.reshape(size, size)
    part = np.full((size, size), -1, np.int32)
    windows = rays.windows(bounding_corners(scene))
    for number, (distance_to, row) in enumerate(primitives(scene)):
        if windows[number] is None:
            continue
        rows, columns = windows[number]
        found = distance_to(row, rays.eye, rays.directions[:, rows, columns])
        here = nearest[rows, columns]
        closer = found < here
        here[closer] = found[closer]
        part[rows, columns][closer] = number

    distance, part = nearest.ravel(), part.ravel()
    point = rays.eye[:, None] + distance * directions
    surface = Surface(distance, point, np.zeros_like(point), part, np.zeros_like(point[:2]))
    num_boxes, num_round = len(scene.boxes), len(scene.boxes) + len(scene.cylinders)
    num_primitives = num_round + len(scene.spheres)
    _on_room(surface, part < 0, axis, directions, num_primitives)
    _on_boxes(surface, (part >= 0) & (part < num_boxes), scene.boxes)
    _on_cylinders(surface, (part >= num_boxes) & (part < num_round), scene.cylinders, num_boxes)
    is_sphere = (part >= num_round) & (part < num_primitives)
    _on_spheres(surface, is_sphere, scene.spheres, num_round)
    # At a silhouette rounding can turn a normal away from the camera by a hair.
    away = (surface.normal * directions).sum(0) > 0
    surface.normal[:, away] *= -1
    return surface


def _on_room(surface, mask, axis, directions, first_room_part):
    here = np.flatnonzero(mask)
    axis = axis[here]
    sign = np.sign(directions[axis, here])
    surface.normal[axis, here] = -sign
    x, y, z = surface.point[:, here]
    surface.uv[0, here] = np.where(axis == 0, y, x)
    surface.uv[1, here] = np.where(axis == 2, y, z)
    # The last three parts are wall, floor, ceiling.
    surface.part[here] = first_room_part + np.where(axis < 2, 0, np.where(sign < 0, 1, 2))


def _on_boxes(surface, mask, boxes):
    here = np.flatnonzero(mask)
    rows = boxes[surface.part[here]].T
    cos, sin = np.cos(rows[6]), np.sin(rows[6])
    x, y, z = surface.point[:, here] - rows[:3]
    local = np.stack((cos * x + sin * y, cos * y - sin * x, z))
    # The face is the one whose plane the point lies in.
    axis = (np.abs(local) / rows[3:6]).argmax(0)
    sign = np.sign(local[axis, np.arange(len(axis))])
    normal_x, normal_y = np.where(axis == 0, sign, 0), np.where(axis == 1, sign, 0)
    surface.normal[0, here] = cos * normal_x - sin * normal_y
    surface.normal[1, here] = sin * normal_x + cos * normal_y
    surface.normal[2, here] = np.where(axis == 2, sign, 0)
    surface.uv[0, here] = np.where(axis == 0, local[1], local[0])
    surface.uv[1, here] = np.where(axis == 2, local[1], local[2])


def _on_cylinders(surface, mask, cylinders, first):
    here = np.flatnonzero(mask)
    cx, cy, bottom, top, radius = cylinders[surface.part[here] - first].T
    x, y, z = surface.point[0, here] - cx, surface.point[1, here] - cy, surface.point[2, here]
    from_axis = np.hypot(x, y)
    to_caps = np.minimum(np.abs(z - bottom), np.abs(z - top))
    is_side = np.abs(from_axis - radius) < to_caps
    cap = np.where(z > (bottom + top) / 2, 1, -1)
    from_axis = np.maximum(from_axis, 1e-6)
    surface.normal[0, here] = np.where(is_side, x / from_axis, 0)
    surface.normal[1, here] = np.where(is_side, y / from_axis, 0)
    surface.normal[2, here] = np.where(is_side, 0, cap)
    surface.uv[0, here] = np.where(is_side, np.arctan2(y, x) * radius, x)
    surface.uv[1, here] = np.where(is_side, z - bottom, y)


def _on_spheres(surface, mask, spheres, first):
    here = np.flatnonzero(mask)
    rows = spheres[surface.part[here] - first].T
    local = surface.point[:, here] - rows[:3]
    surface.normal[:, here] = local / np.sqrt((local * local).sum(0))
    surface.uv[0, here] = np.arctan2(local[1], local[0]) * rows[3]
    surface.uv[1, here] = local[2]
