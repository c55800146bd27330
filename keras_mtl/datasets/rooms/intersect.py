"""Where rays meet boxes, upright cylinders and spheres; all in float32.

Rays are `origin + t * direction`, given component first: `origin` three scalars or arrays,
`direction` (3, ...) of unit length, so that t is a distance in metres. A miss is t = inf; a
primitive that the ray starts in is a miss too.
"""

import numpy as np

# Nearer hits are rounding errors of the surface that a shadow ray starts on.
MIN_DISTANCE = np.float32(1e-3)

# Added to the parts of a direction before dividing by them: a ray parallel to a face then meets
# its plane very far away, rather than at 0 / 0. No other ray changes by more than its rounding.
_TINY = np.float32(1e-12)


def _entry(near, far, *conditions):
    hit = (near <= far) & (near > MIN_DISTANCE)
    for condition in conditions:
        hit &= condition
    return np.where(hit, near, np.float32(np.inf))


def box_distance(box, origin, direction):
    """Distances to a box (7,): centre x y z, half sizes x y z, yaw. The slab method."""
    cx, cy, cz, half_x, half_y, half_z, yaw = box
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y, z = origin[0] - cx, origin[1] - cy, origin[2] - cz
    inverse_x = 1 / (cos * direction[0] + sin * direction[1] + _TINY)
    inverse_y = 1 / (cos * direction[1] - sin * direction[0] + _TINY)
    inverse_z = 1 / (direction[2] + _TINY)
    middle_x = -(cos * x + sin * y) * inverse_x
    middle_y = -(cos * y - sin * x) * inverse_y
    middle_z = -z * inverse_z
    span_x = np.abs(inverse_x) * half_x
    span_y = np.abs(inverse_y) * half_y
    span_z = np.abs(inverse_z) * half_z
    near = np.maximum(np.maximum(middle_x - span_x, middle_y - span_y), middle_z - span_z)
    far = np.minimum(np.minimum(middle_x + span_x, middle_y + span_y), middle_z + span_z)
    return _entry(near, far)


def cylinder_distance(cylinder, origin, direction):
    """Distances to an upright closed cylinder (5,): x, y, bottom, top, radius."""
    cx, cy, bottom, top, radius = cylinder
    x, y, z = origin[0] - cx, origin[1] - cy, origin[2]
    dx, dy = direction[0] + _TINY, direction[1] + _TINY
    a = dx * dx + dy * dy
    b = x * dx + y * dy
    discriminant = b * b - a * (x * x + y * y - radius * radius)
    root = np.sqrt(np.maximum(discriminant, 0))
    inverse_z = 1 / (direction[2] + _TINY)
    to_bottom, to_top = (bottom - z) * inverse_z, (top - z) * inverse_z
    near = np.maximum((-b - root) / a, np.minimum(to_bottom, to_top))
    far = np.minimum((-b + root) / a, np.maximum(to_bottom, to_top))
    return _entry(near, far, discriminant > 0)


def sphere_distance(sphere, origin, direction):
    """Distances to a sphere (4,): centre x y z, radius."""
    x, y, z = origin[0] - sphere[0], origin[1] - sphere[1], origin[2] - sphere[2]
    b = x * direction[0] + y * direction[1] + z * direction[2]
    discriminant = b * b - (x * x + y * y + z * z) + sphere[3] ** 2
    root = np.sqrt(np.maximum(discriminant, 0))
    return _entry(-b - root, -b + root, discriminant > 0)


def room_distance(room, origin, direction):
    """Distances (n,) from inside the room to its shell, and the axis 0..2 that is met first."""
    width, depth, height = room
    low = np.array((-width / 2, -depth / 2, 0), np.float32)
    high = np.array((width / 2, depth / 2, height), np.float32)
    direction = direction + _TINY
    walls = np.where(direction > 0, high[:, None], low[:, None])
    distances = (walls - np.array(origin, np.float32)[:, None]) / direction
    axis = distances.argmin(0)
    return distances[axis, np.arange(len(axis))], axis


def primitives(scene):
    """Yields (distance function, row) for every primitive, in the order of `scene.owner`."""
    for row in scene.boxes:
        yield box_distance, row
    for row in scene.cylinders:
        yield cylinder_distance, row
    for row in scene.spheres:
        yield sphere_distance, row


def bounding_corners(scene):
    """(P, 8, 3) corners of a box around every primitive, in the order of `primitives`."""
    boxes, cylinders, spheres = scene.boxes, scene.cylinders, scene.spheres
    middle = (cylinders[:, 2] + cylinders[:, 3]) / 2
    centers = np.concatenate(
        (boxes[:, :3], np.column_stack((cylinders[:, :2], middle)), spheres[:, :3])
    )
    radius, half_height = cylinders[:, 4], (cylinders[:, 3] - cylinders[:, 2]) / 2
    halves = np.concatenate(
        (
            boxes[:, 3:6],
            np.column_stack((radius, radius, half_height)),
            np.repeat(spheres[:, 3:4], 3, axis=1),
        )
    )
    yaw = np.zeros(len(centers), np.float32)
    yaw[: len(boxes)] = boxes[:, 6]
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    signs = np.stack(np.meshgrid((-1, 1), (-1, 1), (-1, 1)), -1).reshape(8, 3)
    x, y, z = np.moveaxis(halves[:, None] * signs.astype(np.float32), -1, 0)
    rotated = np.stack((cos * x - sin * y, sin * x + cos * y, z), -1)
    return rotated + centers[:, None]
