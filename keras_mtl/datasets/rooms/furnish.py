"""Draws a random furnished room."""

import numpy as np

from .floor_plan import FloorPlan
from .furniture import Furnisher
from .scene import LARGE, Camera, Light, SceneBuilder


def furnish(rng):
    """Returns a random `Scene`: room, furniture, camera and lamps.

    Args:
        rng: A `numpy.random.Generator`; the scene is a pure function of its state.
    """
    width, depth = rng.uniform(3.2, 6.5, 2)
    height = rng.uniform(2.3, 3.1)
    builder = SceneBuilder((width, depth, height))
    _add_room(rng, builder)
    plan = FloorPlan(rng, width, depth)
    furnisher = Furnisher(rng, builder, plan)

    for _ in range(rng.poisson(0.8)):
        furnisher.rug()
    # The frequencies are uneven on purpose: real label distributions have long tails.
    large = (
        furnisher.table,
        furnisher.chair,
        furnisher.sofa,
        furnisher.bed,
        furnisher.shelf,
        furnisher.floor_lamp,
    )
    for kind in rng.choice(6, size=rng.integers(3, 9), p=(0.24, 0.34, 0.12, 0.08, 0.12, 0.10)):
        large[kind]()
    for _ in range(rng.poisson(1.4)):
        furnisher.small_thing_on_floor()
    # Doors first: they need a free strip of wall from the floor up.
    if rng.random() < 0.6:
        furnisher.door()
    for _ in range(rng.poisson(0.8)):
        furnisher.window()
    for _ in range(rng.poisson(1.6)):
        furnisher.picture()

    camera = _draw_camera(rng, plan)
    lights = _draw_lights(rng, (width, depth, height))
    return builder.build(camera, lights, ambient=rng.uniform(0.16, 0.34))


def _add_room(rng, builder):
    # The room's own surfaces keep to paler colours, or most pictures would be too dark; they
    # share them with one another and with the furniture.
    def surface(name, colors, color_weights, textures, texture_weights):
        color = str(rng.choice(colors, p=color_weights))
        texture = str(rng.choice(textures, p=texture_weights))
        builder.room_surface(builder.add_object(name, color, texture, size=LARGE))

    surface(
        "wall",
        ("white", "beige", "yellow", "grey", "blue", "pink", "green"),
        (0.35, 0.22, 0.08, 0.10, 0.10, 0.08, 0.07),
        ("plain", "noise", "stripe", "brick"),
        (0.50, 0.25, 0.15, 0.10),
    )
    surface(
        "floor",
        ("brown", "beige", "grey", "white", "red", "green"),
        (0.22, 0.22, 0.22, 0.18, 0.08, 0.08),
        ("wood", "checker", "noise", "plain"),
        (0.45, 0.25, 0.20, 0.10),
    )
    surface(
        "ceiling",
        ("white", "beige", "grey", "blue"),
        (0.70, 0.15, 0.10, 0.05),
        ("plain", "noise"),
        (0.50, 0.50),
    )


def _draw_camera(rng, plan):
    for _ in range(30):
        x, y = rng.uniform(-0.46, 0.46, 2) * (plan.width, plan.depth)
        if plan.is_free(x, y, 0.25, overlap=1.0):
            break
    eye = np.array((x, y, rng.uniform(1.0, 1.75)))
    # Looking across the room: the target lies beyond the centre.
    target_x = rng.uniform(-0.3, 0.3) * plan.width - 0.5 * x
    target_y = rng.uniform(-0.3, 0.3) * plan.depth - 0.5 * y
    target = np.array((target_x, target_y, rng.uniform(0.3, 1.1)))
    # A roll of some degrees: the horizon alone must not give the normals away.
    return Camera(eye, target, rng.uniform(55, 75), rng.normal(0, 0.06))


def _draw_lights(rng, room):
    width, depth, height = room
    lights = []
    for share in (1.0, 0.5) if rng.random() < 0.5 else (1.3,):
        x, y = rng.uniform(-0.35, 0.35, 2) * (width, depth)
        tint = np.array((1.0, rng.uniform(0.85, 1.0), rng.uniform(0.65, 1.0)))
        strength = share * rng.uniform(0.7, 1.3) * tint
        lights.append(Light(np.array((x, y, height - 0.15)), strength))
    return lights
