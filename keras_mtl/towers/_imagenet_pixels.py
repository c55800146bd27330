"""The scales of pixels on which networks are trained on ImageNet."""

from keras import layers

CAFFE_MEAN_RGB = (123.0, 117.0, 104.0)
"""Of ImageNet's training set, for pixels from 0 to 255; Caffe's networks take off no more."""

# Of the same, for pixels from 0 to 1.
MEAN_RGB = (0.485, 0.456, 0.406)
DEVIATION_RGB = (0.229, 0.224, 0.225)


def imagenet_pixels():
    """A layer that takes RGB from 0 to 255 to ImageNet's mean 0 and deviation 1."""
    return layers.Rescaling(
        [1 / (255 * deviation) for deviation in DEVIATION_RGB],
        [-mean / deviation for mean, deviation in zip(MEAN_RGB, DEVIATION_RGB, strict=True)],
        name="preprocess",
    )
