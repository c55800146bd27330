"""Edges of images, as a target for every pixel."""

import numpy as np

from keras_mtl._types import Array

from ._image_gradients import image_gradients


def edge_map(images: Array, sigma: float = 1.0) -> Array:
    """Computes how strong an edge is at every pixel: the gradient magnitude of the luminance.

    It stands in for Taskonomy's 2D edges (Canny's edges without the thinning of their ridges) on
    data without them. The scale is the same for all images: 1 at a straight edge of white on black,
    half of it at one of half the contrast.

    Args:
        images: uint8 (N, H, W, 3), RGB.
        sigma: Standard deviation, in pixels, of the Gaussian that smooths the luminance; 0.3 or
            more.

    Returns:
        Float32 (N, H, W), from 0 to 1; beyond the images' border everything goes on as it ends.

    Raises:
        ValueError: If `images` are of another type or shape, or `sigma` is below 0.3 or infinite.

    Source: Zamir et al., Taskonomy: Disentangling Task Transfer Learning, CVPR 2018, for the task;
    Canny, A Computational Approach to Edge Detection, PAMI 1986, for the gradient of a Gaussian.

    Example:

    >>> from keras_mtl.datasets import edge_map
    >>> image = np.zeros((1, 8, 12, 3), "uint8")
    >>> image[:, :, 6:] = 255
    >>> np.rint(100 * edge_map(image)[0, 4, 3:9]).tolist()  # black on the left, white on the right
    [4.0, 33.0, 100.0, 100.0, 33.0, 4.0]
    """
    images = np.asarray(images)
    edges = np.empty(images.shape[:3], "float32")
    for gradient, edge in zip(image_gradients(images, sigma), edges, strict=True):
        edge[:] = np.hypot(*gradient)
    # Where edges cross the grid at an angle, sampling can add a little.
    return np.minimum(edges, 1, out=edges)
