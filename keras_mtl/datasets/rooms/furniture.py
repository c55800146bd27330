"""One function per piece of furniture: finds a place, adds the object and its primitives.

Sizes are half extents in metres. Colours are drawn alike for every class, so that a colour tells
nothing about the class.
"""

import numpy as np

from .scene import COLOR_NAMES, LARGE, MEDIUM, SMALL
from .vocabulary import TEXTURES

#                    plain checker stripe noise wood brick
ANY_TEXTURE = (0.35, 0.10, 0.15, 0.20, 0.15, 0.05)
FABRIC = (0.40, 0.05, 0.20, 0.35, 0.00, 0.00)
WOODEN = (0.35, 0.00, 0.05, 0.10, 0.50, 0.00)
PRINTED = (0.05, 0.20, 0.20, 0.40, 0.00, 0.15)
CARPET = (0.10, 0.20, 0.30, 0.35, 0.00, 0.05)
PAINTED = (0.50, 0.00, 0.00, 0.00, 0.50, 0.00)

CORNERS = ((-1, -1), (-1, 1), (1, -1), (1, 1))


class Furnisher:
    """Adds furniture to a `SceneBuilder` at the places a `FloorPlan` gives."""

    def __init__(self, rng, builder, plan):
        self.rng = rng
        self.builder = builder
        self.plan = plan
        self._num_rugs = 0

    def color(self):
        return int(self.rng.integers(len(COLOR_NAMES)))

    def texture(self, weights=ANY_TEXTURE):
        return TEXTURES[self.rng.choice(len(TEXTURES), p=weights)]

    def _new(self, name, weights=ANY_TEXTURE, shape="boxy", size=MEDIUM):
        return self.builder.add_object(name, self.color(), self.texture(weights), shape, size)

    @staticmethod
    def _at(pose, dx, dy):
        """World x, y of a point given in the furniture's own frame."""
        x, y, yaw = pose
        return x + np.cos(yaw) * dx - np.sin(yaw) * dy, y + np.sin(yaw) * dx + np.cos(yaw) * dy

    def _box(self, owner, pose, dx, dy, z, half, **look):
        self.builder.box(owner, (*self._at(pose, dx, dy), z), half, pose[2], **look)

    def small_thing(self, x, y, z, clearance=1.0):
        """Clutter standing at height `z`: a box, a vase, a ball or a little lamp.

        Nothing is taller than `clearance`, or it would grow through the board above it.
        """
        rng, builder = self.rng, self.builder
        lamp_share = 0.10 if clearance > 0.45 else 0.0
        weights = (0.45 - lamp_share / 2, 0.28, 0.27 - lamp_share / 2, lamp_share)
        kind = rng.choice(("box", "ball", "vase", "lamp"), p=weights)
        size = rng.uniform(0.05, min(0.14, clearance / 3.3))
        if kind == "box":
            height = size * rng.uniform(0.5, 1.6)
            owner = self._new("box", size=SMALL)
            half = (size, size * rng.uniform(0.5, 1.2), height)
            builder.box(owner, (x, y, z + height), half, rng.uniform(0, np.pi))
        elif kind == "ball":
            owner = self._new("ball", shape="round", size=SMALL)
            builder.sphere(owner, (x, y, z + size), size)
        elif kind == "vase":
            owner = self._new("vase", shape="cylindrical", size=SMALL)
            shoulder = z + 2.4 * size
            builder.cylinder(owner, x, y, z, shoulder, 0.55 * size)
            builder.cylinder(owner, x, y, shoulder, z + 3 * size, 0.3 * size)
        else:
            owner = builder.add_object("lamp", self.color(), "plain", "cylindrical", SMALL)
            builder.cylinder(owner, x, y, z, z + 0.25, 0.02)
            builder.cylinder(owner, x, y, z + 0.25, z + 0.42, 0.11, glow=1.0)

    def small_thing_on_floor(self):
        place = self.plan.stand_anywhere(0.12)
        if place is not None:
            self.small_thing(place[0], place[1], 0.0)

    def rug(self):
        rng = self.rng
        owner = self._new("rug", CARPET, size=LARGE)
        x = rng.uniform(-0.25, 0.25) * self.plan.width
        y = rng.uniform(-0.25, 0.25) * self.plan.depth
        # Every further rug lies a little higher: two in one plane would flicker.
        half_height = 0.006 * (1 + self._num_rugs)
        self._num_rugs += 1
        half = (rng.uniform(0.5, 1.2), rng.uniform(0.4, 0.9), half_height)
        self.builder.box(owner, (x, y, half_height), half, rng.uniform(0, np.pi))

    def table(self):
        rng = self.rng
        half_x, half_y = rng.uniform(0.35, 0.8), rng.uniform(0.3, 0.5)
        height, is_round = rng.uniform(0.4, 0.8), rng.random() < 0.25
        pose = self.plan.stand_anywhere(half_y if is_round else np.hypot(half_x, half_y))
        if pose is None:
            return
        shape = "cylindrical" if is_round else "boxy"
        owner = self._new("table", WOODEN, shape, LARGE)
        if is_round:
            self.builder.cylinder(owner, *pose[:2], height - 0.04, height, half_y)
            self.builder.cylinder(owner, *pose[:2], 0.0, height - 0.04, 0.05)
            half_x = half_y = 0.7 * half_y
        else:
            self._box(owner, pose, 0, 0, height - 0.02, (half_x, half_y, 0.02))
            leg = (height - 0.04) / 2
            for sx, sy in CORNERS:
                dx, dy = sx * (half_x - 0.05), sy * (half_y - 0.05)
                self._box(owner, pose, dx, dy, leg, (0.025, 0.025, leg))
        for _ in range(rng.poisson(2.0)):
            dx, dy = rng.uniform(-0.7, 0.7, 2) * (half_x, half_y)
            self.small_thing(*self._at(pose, dx, dy), height)

    def chair(self):
        rng = self.rng
        half, height = rng.uniform(0.2, 0.26), rng.uniform(0.38, 0.5)
        pose = self.plan.stand_anywhere(half * 1.42)
        if pose is None:
            return
        owner = self._new("chair")
        self._box(owner, pose, 0, 0, height, (half, half, 0.025))
        self._box(owner, pose, 0, half - 0.02, height + 0.275, (half, 0.02, 0.25))
        leg = (height - 0.025) / 2
        for sx, sy in CORNERS:
            dx, dy = sx * (half - 0.03), sy * (half - 0.03)
            self._box(owner, pose, dx, dy, leg, (0.018, 0.018, leg))

    def sofa(self):
        rng = self.rng
        half = rng.uniform(0.6, 1.1)
        pose = self.plan.stand_at_wall(half, 0.42)
        if pose is None:
            return
        owner = self._new("sofa", FABRIC, size=LARGE)
        self._box(owner, pose, 0, 0, 0.21, (half, 0.4, 0.21))
        self._box(owner, pose, 0, 0.31, 0.5, (half - 0.01, 0.1, 0.32))
        for side in (-1, 1):
            # The arms stand out by a centimetre, so that no two faces share a plane.
            self._box(owner, pose, side * (half - 0.07), 0, 0.33, (0.08, 0.41, 0.28))
        for _ in range(rng.poisson(0.9)):
            x, y = self._at(pose, rng.uniform(-half + 0.25, half - 0.25), 0.12)
            pillow = self._new("pillow", FABRIC, size=SMALL)
            yaw = pose[2] + rng.normal(0, 0.3)
            self.builder.box(pillow, (x, y, 0.57), (0.17, 0.06, 0.15), yaw)

    def bed(self):
        rng = self.rng
        half = rng.uniform(0.45, 0.85)
        pose = self.plan.stand_at_wall(half, 1.0)
        if pose is None:
            return
        owner = self._new("bed", FABRIC, size=LARGE)
        frame = {"color": self.color(), "texture": "wood"}
        self._box(owner, pose, 0, 0, 0.15, (half, 0.95, 0.15), **frame)
        self._box(owner, pose, 0, 0.95, 0.45, (half + 0.02, 0.04, 0.45), **frame)
        self._box(owner, pose, 0, -0.03, 0.38, (half - 0.02, 0.9, 0.1))
        for dx in (0.0,) if half < 0.6 else (-0.45 * half, 0.45 * half):
            pillow = self._new("pillow", FABRIC, size=SMALL)
            self._box(pillow, pose, dx, 0.68, 0.54, (0.25, 0.16, 0.07))

    def shelf(self):
        rng = self.rng
        half, height = rng.uniform(0.3, 0.6), rng.uniform(0.8, 2.0)
        pose = self.plan.stand_at_wall(half, 0.17)
        if pose is None:
            return
        owner = self._new("shelf", WOODEN, size=LARGE)
        for side in (-1, 1):
            self._box(owner, pose, side * half, 0, height / 2, (0.02, 0.16, height / 2))
        self._box(owner, pose, 0, 0.15, height / 2, (half, 0.009, height / 2 - 0.01))
        num_gaps = int(height / 0.38)
        for level in range(num_gaps + 1):
            z = 0.04 + level * (height - 0.06) / num_gaps
            self._box(owner, pose, 0, 0, z, (half, 0.155, 0.015))
            if level < num_gaps:
                for _ in range(rng.poisson(1.4)):
                    dx = rng.uniform(-half + 0.12, half - 0.12)
                    self.small_thing(*self._at(pose, dx, -0.02), z + 0.015, clearance=0.33)

    def floor_lamp(self):
        pose = self.plan.stand_anywhere(0.2)
        if pose is None:
            return
        owner = self.builder.add_object("lamp", self.color(), "plain", "cylindrical", MEDIUM)
        height = self.rng.uniform(1.2, 1.7)
        x, y, _ = pose
        self.builder.cylinder(owner, x, y, 0.0, 0.03, 0.14)
        self.builder.cylinder(owner, x, y, 0.03, height, 0.018)
        self.builder.cylinder(owner, x, y, height, height + 0.28, 0.18, glow=1.0)

    def _hang(self, half_width, z, half_height, thickness):
        low, high = z - half_height, z + half_height
        pose = self.plan.hang(half_width, low, high, thickness)
        return pose, (half_width, thickness, half_height)

    def picture(self):
        rng = self.rng
        z, half_width, half_height = rng.uniform((1.3, 0.15, 0.15), (1.7, 0.5, 0.4))
        pose, half = self._hang(half_width, z, half_height, 0.02)
        if pose is not None:
            self._box(self._new("picture", PRINTED), pose, 0, 0, z, half)

    def window(self):
        half_width, half_height = self.rng.uniform((0.35, 0.4), (0.8, 0.65))
        pose, half = self._hang(half_width, 1.45, half_height, 0.02)
        if pose is not None:
            owner = self.builder.add_object("window", "white", size=LARGE)
            self._box(owner, pose, 0, 0, 1.45, half, glow=1.0)

    def door(self):
        pose, half = self._hang(0.42, 1.0, 1.0, 0.03)
        if pose is not None:
            self._box(self._new("door", PAINTED, size=LARGE), pose, 0, 0, 1.0, half)
