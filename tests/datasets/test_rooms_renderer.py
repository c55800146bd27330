"""The renderer's parts against slower, independent ways to the same answer."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_mtl.datasets.rooms import pool, shade
from keras_mtl.datasets.rooms.camera_rays import CameraRays
from keras_mtl.datasets.rooms.furnish import furnish
from keras_mtl.datasets.rooms.intersect import (
    bounding_corners,
    box_distance,
    cylinder_distance,
    primitives,
    room_distance,
    sphere_distance,
)
from keras_mtl.datasets.rooms.render import render_image
from keras_mtl.datasets.rooms.request import RenderRequest
from keras_mtl.datasets.rooms.surface import visible_surface

pytestmark = pytest.mark.one_backend

DISTANCES = {"box": box_distance, "cylinder": cylinder_distance, "sphere": sphere_distance}


def draw_primitive(kind, rng):
    x, y, z = rng.uniform(-0.3, 0.3, 3)
    if kind == "box":
        row = (x, y, z, *rng.uniform(0.1, 0.8, 3), rng.uniform(0, 6))
    elif kind == "cylinder":
        row = (x, y, z - rng.uniform(0.1, 0.8), z + rng.uniform(0.1, 0.8), rng.uniform(0.1, 0.8))
    else:
        row = (x, y, z, rng.uniform(0.1, 0.8))
    return np.array(row, np.float32)


def depth_inside(kind, row, points):
    """How deep points (3, ...) are within a primitive, in some metre-like measure; < 0 outside."""
    x, y, z = points
    if kind == "box":
        dx, dy, yaw = x - row[0], y - row[1], row[6]
        local_x = np.cos(yaw) * dx + np.sin(yaw) * dy
        local_y = np.cos(yaw) * dy - np.sin(yaw) * dx
        local = np.stack((local_x, local_y, z - row[2]))
        return (row[3:6].reshape(3, *[1] * x.ndim) - np.abs(local)).min(0)
    if kind == "cylinder":
        side = row[4] - np.hypot(x - row[0], y - row[1])
        return np.minimum(side, np.minimum(z - row[2], row[3] - z))
    return row[3] - np.sqrt((x - row[0]) ** 2 + (y - row[1]) ** 2 + (z - row[2]) ** 2)


@pytest.mark.parametrize("kind", DISTANCES)
def test_hits_against_marching_along_the_rays(kind):
    rng = np.random.default_rng(0)
    steps = np.linspace(0, 4, 1601)
    num_hits = 0
    for _ in range(8):
        row = draw_primitive(kind, rng).astype(float)
        origin = rng.normal(size=3)
        origin *= 2 / np.linalg.norm(origin)
        direction = rng.uniform(-0.8, 0.8, (3, 60)) - origin[:, None]
        direction /= np.linalg.norm(direction, axis=0)
        found = DISTANCES[kind](
            row.astype(np.float32), origin.astype(np.float32), direction.astype(np.float32)
        )
        hit = np.isfinite(found)
        num_hits += hit.sum()
        # The hit lies on the surface.
        points = origin[:, None] + found[hit] * direction[:, hit]
        np.testing.assert_allclose(depth_inside(kind, row, points), 0, atol=2e-5)
        # It is the first: no step of the march is inside before it, and none at all on a miss.
        march = origin[:, None, None] + steps * direction[..., None]
        inside = depth_inside(kind, row, march) > 1e-4
        assert not (inside & (steps < found[:, None] - 1e-3)).any()
    assert num_hits > 60


def test_sphere_along_its_axis():
    sphere = np.array((1, 2, 3, 0.5), np.float32)
    for direction in np.eye(3, dtype=np.float32):
        origin = sphere[:3] - 4 * direction
        np.testing.assert_allclose(sphere_distance(sphere, origin, direction[:, None]), 3.5)
        assert np.isinf(sphere_distance(sphere, origin, -direction[:, None]))
        inside = sphere_distance(sphere, sphere[:3], direction[:, None])
        assert np.isinf(inside)


def test_rays_along_the_axes_hit_boxes_and_rooms():
    box = np.array((0, 0, 1, 0.5, 0.5, 0.5, 0), np.float32)
    straight = np.array([[1, 0, 0], [0, 0, 1]], np.float32).T
    origin = np.array((-2, 0.1, 1), np.float32)
    np.testing.assert_allclose(box_distance(box, origin, straight), (1.5, np.inf))
    distance, axis = room_distance(np.array((6, 4, 3), np.float32), origin, straight)
    np.testing.assert_allclose(distance, (5, 2))
    assert axis.tolist() == [0, 2]
    cylinder = np.array((0, 0, 0.5, 2, 0.5), np.float32)
    down = np.array([[0, 0, -1]], np.float32).T
    above, beside = np.array((0.3, 0.3, 3), np.float32), np.array((0.6, 0, 3), np.float32)
    np.testing.assert_allclose(cylinder_distance(cylinder, above, down), 1)
    assert np.isinf(cylinder_distance(cylinder, beside, down))


@pytest.mark.parametrize("seed", range(4))
def test_screen_windows_lose_nothing(seed):
    scene = furnish(np.random.default_rng(seed))
    rays = CameraRays(scene.camera, 32)
    surface = visible_surface(scene, rays)
    directions = rays.directions.reshape(3, -1)
    best, _ = room_distance(scene.room, rays.eye, directions)
    part = np.full(32 * 32, -1)
    for number, (distance_to, row) in enumerate(primitives(scene)):
        found = distance_to(row, rays.eye, directions)
        part[found < best] = number
        best = np.minimum(best, found)
    np.testing.assert_array_equal(surface.distance, best)
    np.testing.assert_array_equal(surface.part[part >= 0], part[part >= 0])
    assert (surface.part[part < 0] >= len(scene.owner) - 3).all()


@pytest.mark.parametrize("seed", range(4))
def test_shadow_bounds_lose_nothing(seed):
    scene = furnish(np.random.default_rng(seed))
    surface = visible_surface(scene, CameraRays(scene.camera, 32))
    corners = bounding_corners(scene)
    everywhere = np.zeros_like(corners)
    everywhere[:, :4, :2], everywhere[:, 4:, :2] = -1e6, 1e6
    candidates = np.ones(32 * 32, bool)
    for light in scene.lights:
        quick, slow = (
            shade._in_shadow(scene, surface, light, candidates, bounds, np.random.default_rng(0))
            for bounds in (corners, everywhere)
        )
        np.testing.assert_array_equal(quick, slow)
        # Flat ceilings and lit floors: nothing shadows itself.
        assert quick.mean() < 0.9


def test_everything_stands_below_the_lamps_and_in_the_room():
    for seed in range(40):
        scene = furnish(np.random.default_rng(seed))
        corners = bounding_corners(scene)
        width, depth, height = scene.room
        assert corners[..., 2].max() < height - 0.2
        assert corners[..., 2].min() > -0.01
        assert np.abs(corners[:, :, 0]).max() < width / 2 + 1.2  # Rugs reach under walls.
        assert np.abs(corners[:, :, 1]).max() < depth / 2 + 1.2
        eye = scene.camera.eye
        assert abs(eye[0]) < width / 2 and abs(eye[1]) < depth / 2 and 0 < eye[2] < height


def test_processes_render_what_this_process_renders():
    request = RenderRequest("test", 32, 20, 0, 1)
    pictures = dict(pool.render_all(request, workers=2))
    assert sorted(pictures) == list(range(20))
    for index in (0, 7, 8, 19):
        expected = render_image("test", 0, index, 32)
        for name, value in expected.items():
            np.testing.assert_array_equal(pictures[index][name], value, name)


def test_a_dead_process_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(RuntimeError, match="rendering process"):
        list(pool.render_all(RenderRequest("test", 32, 20, 0, 1), workers=2))


def test_rendering_processes_do_not_start_keras():
    command = [sys.executable, "-P", "-X", "importtime", Path(pool.__file__).with_name("worker.py")]
    done = subprocess.run(command, input=b"", capture_output=True, check=True)
    modules = {line.split("|")[-1].strip() for line in done.stderr.decode().splitlines()}
    assert "rooms.shade" in modules
    assert not modules & {"keras", "keras_mtl", "tensorflow", "jax", "torch"}
