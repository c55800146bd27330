"""The pinhole camera: its axes, its rays, and where things lie on its picture."""

import numpy as np


class CameraRays:
    """Rays through the pixel centres of a square picture of `size` pixels.

    Attributes:
        rotation: (3, 3), rows are the camera's x (right), y (down) and z (forward) in the world.
        focal: Focal length in pixels.
        directions: (3, size, size) float32, unit length, world frame.
        forward_share: (size, size), a direction's part along the camera's z axis: turns
            distances along the ray into depths.
    """

    def __init__(self, camera, size):
        self.size = size
        self.eye = camera.eye.astype(np.float32)
        forward = camera.target - camera.eye
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        up = np.cross(right, forward)
        cos, sin = np.cos(camera.roll), np.sin(camera.roll)
        right, up = cos * right + sin * up, cos * up - sin * right
        self.rotation = np.stack((right, -up, forward)).astype(np.float32)
        self.focal = float(size / 2 / np.tan(np.deg2rad(camera.field_of_view) / 2))
        offsets = ((np.arange(size) + 0.5 - size / 2) / self.focal).astype(np.float32)
        x, y = np.meshgrid(offsets, offsets)
        self.forward_share = 1 / np.sqrt(x * x + y * y + 1)
        local = np.stack((x, y, np.ones_like(x))) * self.forward_share
        self.directions = rotate(self.rotation.T, local)

    def windows(self, corners):
        """The part of the picture that each set of corners can cover.

        Args:
            corners: (P, 8, 3) world points.

        Returns:
            A list of P entries: (row slice, column slice), or None for what is out of sight.
        """
        local = np.moveaxis(rotate(self.rotation, np.moveaxis(corners - self.eye, -1, 0)), 0, -1)
        windows = []
        for x, y, z in np.moveaxis(local, -1, 1):
            if (z <= 0.05).all():
                windows.append(None)
            elif (z <= 0.05).any():
                # It reaches behind the camera: its projection has no bounds.
                windows.append((slice(None), slice(None)))
            else:
                rows = self._span(y / z)
                columns = self._span(x / z)
                windows.append((rows, columns) if rows and columns else None)
        return windows

    def _span(self, offsets):
        pixels = offsets * self.focal + self.size / 2
        start, stop = max(0, int(pixels.min()) - 1), min(self.size, int(pixels.max()) + 2)
        return slice(start, stop) if start < stop else None


def rotate(matrix, vectors):
    """`matrix` @ `vectors` (3, ...).

    Written out: a threaded BLAS may sum in another order, and pictures must not depend on that.
    """
    x, y, z = vectors
    return np.stack([row[0] * x + row[1] * y + row[2] * z for row in matrix])
