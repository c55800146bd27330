"""Where things may stand and hang without running into each other."""

import numpy as np


class FloorPlan:
    """Free places in a room of `width` x `depth` metres, its centre at (0, 0).

    Footprints are circles: crude, but overlaps of circles' rims are what makes chairs stand
    half under tables.
    """

    def __init__(self, rng, width, depth):
        self.rng = rng
        self.width = width
        self.depth = depth
        self._circles = []
        self._on_walls = []

    def _wall_pose(self, wall, along, distance):
        """x, y and the yaw that turns local +y towards wall 0..3 (north, south, east, west)."""
        half_width, half_depth = self.width / 2, self.depth / 2
        return (
            (along, half_depth - distance, 0.0),
            (along, distance - half_depth, np.pi),
            (half_width - distance, along, -np.pi / 2),
            (distance - half_width, along, np.pi / 2),
        )[wall]

    def _half_length(self, wall):
        return (self.width if wall < 2 else self.depth) / 2

    def is_free(self, x, y, radius, overlap=0.75):
        """Whether a circle touches no other, when all are shrunk to `overlap` of their radii."""
        return all(
            (x - cx) ** 2 + (y - cy) ** 2 > (overlap * (radius + r)) ** 2
            for cx, cy, r in self._circles
        )

    def _first_free(self, draw, radius, attempts=12):
        for _ in range(attempts):
            x, y, yaw = draw()
            if self.is_free(x, y, radius):
                self._circles.append((x, y, radius))
                return x, y, yaw
        return None

    def stand_anywhere(self, radius):
        """A free (x, y, yaw) at least `radius` from the walls, or None if the room is full."""
        x_max, y_max = self.width / 2 - radius, self.depth / 2 - radius

        def draw():
            x, y = self.rng.uniform(-x_max, x_max), self.rng.uniform(-y_max, y_max)
            return x, y, self.rng.uniform(0, 2 * np.pi)

        return self._first_free(draw, radius)

    def stand_at_wall(self, half_width, half_depth):
        """A free (x, y, yaw) with the back (local +y) at a wall, or None."""

        def draw():
            wall = self.rng.integers(4)
            along = self.rng.uniform(-1, 1) * (self._half_length(wall) - half_width)
            # Nobody puts furniture perfectly straight; the gap keeps the corners off the wall.
            turn = np.clip(self.rng.normal(0, 0.05), -0.12, 0.12)
            gap = 0.01 + half_width * abs(np.sin(turn))
            x, y, yaw = self._wall_pose(wall, along, half_depth + gap)
            return x, y, yaw + turn

        return self._first_free(draw, max(0.8 * half_width, half_depth))

    def hang(self, half_width, low, high, thickness, attempts=6):
        """A free (x, y, yaw) on a wall between the heights `low` and `high`, or None.

        Things on one wall may not overlap: they lie in one plane, so their surfaces would
        flicker through each other.
        """
        for _ in range(attempts):
            wall = self.rng.integers(4)
            along = self.rng.uniform(-1, 1) * (self._half_length(wall) - half_width)
            left, right = along - half_width, along + half_width
            if all(
                wall != w or right < lt or left > rt or high < lo or low > hi
                for w, lt, rt, lo, hi in self._on_walls
            ):
                self._on_walls.append((wall, left, right, low, high))
                return self._wall_pose(wall, along, thickness)
        return None
