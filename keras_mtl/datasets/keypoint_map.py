"""Keypoints of images, as a target for every pixel."""

import numpy as np

from keras_mtl._types import Array

from ._image_gradients import image_gradients

# Standard deviation of the window, in those of the gradient's Gaussian.
WINDOW = 2


def keypoint_map(images: Array, sigma: float = 1.0) -> Array:
    """Computes how much like a corner every pixel is: the least change along any direction.

    The squared gradients of the luminance are averaged over a Gaussian window of 2 `sigma`; the
    smaller eigenvalue of their matrix is zero in flat regions and along straight edges. Its square
    root, relative to the largest that there can be, goes with the contrast, and its scale is the
    same for all images.

    It stands in for Taskonomy's 2D keypoints (there the response of SURF) on data without them.

    Args:
        images: uint8 (N, H, W, 3), RGB.
        sigma: Standard deviation, in pixels, of the Gaussian that smooths the luminance; 0.3 or
            more.

    Returns:
        Float32 (N, H, W), from 0 to 1; beyond the images' border everything goes on as it ends.

    Raises:
        ValueError: If `images` are of another type or shape, or `sigma` is below 0.3 or infinite.

    Source: Zamir et al., Taskonomy: Disentangling Task Transfer Learning, CVPR 2018, for the task;
    Shi and Tomasi, Good Features to Track, CVPR 1994, for the eigenvalue.

    Example:

    >>> from keras_mtl.datasets import keypoint_map
    >>> image = np.zeros((1, 24, 24, 3), "uint8")
    >>> image[:, 8:, 8:] = 255  # a white square, with its corner in the image
    >>> keypoints = keypoint_map(image)[0]
    >>> bool(keypoints[8, 8] > 0.3), float(keypoints[20, 8].round(3))  # corner, edge
    (True, 0.0)
    """
    # Imported here, since `import keras_mtl` costs no more than `import keras`.
    from scipy.ndimage import gaussian_filter

    images = np.asarray(images)
    keypoints = np.empty(images.shape[:3], "float32")
    for gradient, keypoint in zip(image_gradients(images, sigma), keypoints, strict=True):
        down, right = gradient
        down2, right2, mixed = (
            gaussian_filter(product, WINDOW * sigma, mode="nearest")
            for product in (down * down, right * right, down * right)
        )
        smaller = (down2 + right2) / 2 - np.hypot((down2 - right2) / 2, mixed)
        # No gradient is longer than 1: the eigenvalues add up to 1 at most, the smaller is half.
        keypoint[:] = np.sqrt(np.clip(2 * smaller, 0, 1))
    return keypoints
