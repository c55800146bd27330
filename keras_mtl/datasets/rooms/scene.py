"""A furnished room as a list of boxes, cylinders and spheres, in metres, z up."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .vocabulary import CLASSES, COLORS, SHAPES, TEXTURES

COLOR_NAMES = tuple(COLORS)
SMALL, MEDIUM, LARGE = 0, 1, 2


class SceneObject(NamedTuple):
    """What is true of a whole object; the numbers are positions in the vocabulary's tuples."""

    class_id: int
    color: int
    texture: int
    shape: int
    size: int


class Camera(NamedTuple):
    """Where the picture is taken from: metres, degrees (field of view), radians (roll)."""

    eye: np.ndarray
    target: np.ndarray
    field_of_view: float
    roll: float


class Light(NamedTuple):
    """A lamp under the ceiling with a soft shadow: position in metres, RGB strength."""

    position: np.ndarray
    strength: np.ndarray


@dataclass
class Scene:
    """Everything the renderer needs; rows of the shape arrays are primitives.

    `boxes` (B, 7): centre x y z, half sizes x y z, yaw. `cylinders` (C, 5): x, y, bottom, top,
    radius. `spheres` (S, 4): centre x y z, radius. `owner`, `color`, `texture` and `glow` hold
    one entry per primitive in the order boxes, cylinders, spheres, wall, floor, ceiling.
    """

    room: np.ndarray
    objects: list
    boxes: np.ndarray
    cylinders: np.ndarray
    spheres: np.ndarray
    owner: np.ndarray
    color: np.ndarray
    texture: np.ndarray
    glow: np.ndarray
    camera: Camera
    lights: list
    ambient: float


class SceneBuilder:
    """Collects objects and the primitives they consist of; `build` makes the arrays."""

    def __init__(self, room):
        self.room = room
        self.objects = []
        self._rows = {"box": [], "cylinder": [], "sphere": [], "room": []}
        self._parts = {kind: [] for kind in self._rows}

    def add_object(self, name, color, texture="plain", shape="boxy", size=MEDIUM):
        """Starts an object of class `name`; returns its number, for its primitives."""
        if isinstance(color, str):
            color = COLOR_NAMES.index(color)
        self.objects.append(
            SceneObject(
                CLASSES.index(name), color, TEXTURES.index(texture), SHAPES.index(shape), size
            )
        )
        return len(self.objects) - 1

    def _add(self, kind, owner, row, color, texture, glow):
        # A part may differ from its object, as a bed's wooden frame does from its blanket.
        thing = self.objects[owner]
        color = thing.color if color is None else color
        texture = thing.texture if texture is None else TEXTURES.index(texture)
        self._rows[kind].append(row)
        self._parts[kind].append((owner, color, texture, glow))

    def box(self, owner, center, half, yaw=0.0, color=None, texture=None, glow=0.0):
        self._add("box", owner, (*center, *half, yaw), color, texture, glow)

    def cylinder(self, owner, x, y, bottom, top, radius, color=None, texture=None, glow=0.0):
        self._add("cylinder", owner, (x, y, bottom, top, radius), color, texture, glow)

    def sphere(self, owner, center, radius):
        self._add("sphere", owner, (*center, radius), None, None, 0.0)

    def room_surface(self, owner):
        self._add("room", owner, (), None, None, 0.0)

    def build(self, camera, lights, ambient):
        """Returns the finished `Scene`."""

        def rows(kind, width):
            return np.array(self._rows[kind], np.float32).reshape(-1, width)

        parts = [part for kind in self._rows for part in self._parts[kind]]
        owner, color, texture, glow = zip(*parts, strict=True)
        return Scene(
            room=np.array(self.room, np.float32),
            objects=self.objects,
            boxes=rows("box", 7),
            cylinders=rows("cylinder", 5),
            spheres=rows("sphere", 4),
            owner=np.array(owner),
            color=np.array(color),
            texture=np.array(texture),
            glow=np.array(glow, np.float32),
            camera=camera,
            lights=lights,
            ambient=ambient,
        )
