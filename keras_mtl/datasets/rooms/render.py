"""Renders one picture with all its annotations."""

import numpy as np

from .annotate import annotate
from .camera_rays import CameraRays, rotate
from .furnish import furnish
from .shade import shade
from .surface import visible_surface

# Counted up whenever the pictures or labels change: old caches are then rendered anew.
RENDERER_VERSION = 1

# Part of the random streams: a split keeps its number for good.
SPLITS = {"train": 0, "validation": 1, "test": 2}


def render_image(split, seed, index, size, antialias=1):
    """Renders picture `index` of a split; a pure function of its arguments.

    Args:
        split: "train", "validation" or "test".
        seed: Integer >= 0.
        index: Integer >= 0, the number of the picture in its split.
        size: Height and width in pixels.
        antialias: The colour of a pixel is the mean of antialias² rays. Labels come from the
            one ray nearest the pixel's centre (for even numbers, just right of and below it).

    Returns:
        A dict of `image`, `segmentation`, `normals`, `depth`, `instances`, `boxes`,
        `attributes` (as in `load`) and `focal`, the focal length in pixels.
    """
    stream = np.random.SeedSequence(seed, spawn_key=(SPLITS[split], index))
    # Two streams: the scene stays the same whatever the light and noise draw.
    scene_stream, picture_stream = stream.spawn(2)
    scene = furnish(np.random.default_rng(scene_stream))
    rng = np.random.default_rng(picture_stream)

    rays = CameraRays(scene.camera, size * antialias)
    surface = visible_surface(scene, rays)
    rgb = shade(scene, surface, rays.directions.reshape(3, -1), rng)

    def pick(values):
        grid = values.reshape(*values.shape[:-1], size, antialias, size, antialias)
        return grid[..., antialias // 2, :, antialias // 2]

    normals = rotate(rays.rotation, pick(surface.normal))
    normals /= np.sqrt((normals * normals).sum(0))
    depth = pick(surface.distance * rays.forward_share.ravel())
    fine = rgb.reshape(3, size, antialias, size, antialias)
    return {
        "image": _develop(fine.mean((2, 4)), rng),
        "normals": np.ascontiguousarray(np.moveaxis(normals, 0, -1)),
        "depth": np.ascontiguousarray(depth),
        "focal": np.float32(rays.focal / antialias),
        **annotate(scene, pick(scene.owner[surface.part]), depth),
    }


def _develop(rgb, rng):
    """From linear light (3, H, W) to an 8-bit picture (H, W, 3), as a cheap camera would."""
    exposure = rng.uniform(0.75, 1.1) / max(0.35, np.percentile(rgb, 92))
    white_balance = rng.uniform(0.92, 1.08, (3, 1, 1))
    rgb = rgb * (exposure * white_balance).astype(np.float32)
    shot_noise = np.sqrt(np.maximum(rgb, 0) * np.float32(4e-4) + np.float32(5e-5))
    rgb += rng.standard_normal(rgb.shape, dtype=np.float32) * shot_noise
    encoded = np.clip(rgb, 0, 1) ** np.float32(1 / 2.2)
    return np.moveaxis(encoded * 255 + 0.5, 0, -1).astype(np.uint8)
