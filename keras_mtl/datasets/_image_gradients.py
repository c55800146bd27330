"""How the luminance of images changes along their rows and columns."""

import numpy as np

# A narrower Gaussian has no slope between a pixel and the next.
SMALLEST_SIGMA = 0.3

# Of Rec. 601, as in JPEG and in most conversions to grey.
LUMINANCE = (0.299, 0.587, 0.114)


def image_gradients(images, sigma):
    """Yields the gradient of each image's luminance, smoothed by a Gaussian.

    The unit is the steepest edge that there is: white on black, straight, along a row or a column,
    has a gradient of 1 at its steepest place, whatever `sigma`.

    Args:
        images: uint8 (N, H, W, 3), RGB.
        sigma: Standard deviation of the Gaussian in pixels.

    Yields:
        Float64 (2, H, W) for each image: downwards and to the right, each from -1 to 1.

    Raises:
        ValueError: If `images` are of another type or shape, or `sigma` is below 0.3 or infinite.
    """
    # Imported here, since `import keras_mtl` costs no more than `import keras`.
    from scipy.ndimage import gaussian_filter

    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(
            "`images` must be a uint8 array of shape (N, H, W, 3). "
            f"Received: {images.dtype} of shape {images.shape}."
        )
    if not SMALLEST_SIGMA <= sigma < np.inf:
        raise ValueError(
            f"`sigma` must be at least {SMALLEST_SIGMA} pixels. Received: sigma={sigma}."
        )
    unit = _steepest(sigma)
    for image in images:
        luminance = image @ np.array(LUMINANCE) / 255
        slopes = [gaussian_filter(luminance, sigma, n, mode="nearest") for n in ((1, 0), (0, 1))]
        yield np.stack(slopes) / unit


def _steepest(sigma):
    from scipy.ndimage import gaussian_filter1d

    reach = int(4 * sigma + 0.5) + 1  # of SciPy's kernel
    step = np.repeat([0.0, 1.0], reach)
    return gaussian_filter1d(step, sigma, order=1, mode="nearest").max()
