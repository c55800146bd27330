"""Networks as a user writes them with the layers of Keras, without this library."""

from keras import layers


def convolution(x, name, channels, size=3, stride=1, relu=None, depthwise=False):
    """A convolution, padded as in PyTorch, its batch normalisation, and an activation if asked."""
    padding = "same"
    if stride > 1 and size > 1:
        x, padding = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x), "valid"
    options = {"strides": stride, "padding": padding, "use_bias": False, "name": f"{name}_conv"}
    if depthwise:
        x = layers.DepthwiseConv2D(size, **options)(x)
    else:
        x = layers.Conv2D(channels, size, **options)(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return x if relu is None else relu(x)


def ResNet18(image):
    """ImageNet's ResNet-18 without its classifier; the stages end with `stage1` … `stage4`."""
    x = convolution(image, "stem", 64, 7, 2, layers.ReLU())
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for stage, channels in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            name, stride = f"stage{stage}_{block}", 2 if stage > 1 and block == 0 else 1
            residual = convolution(x, f"{name}_1", channels, 3, stride, layers.ReLU())
            residual = convolution(residual, f"{name}_2", channels)
            if stride > 1:
                x = convolution(x, f"{name}_0", channels, 1, stride)
            x = layers.ReLU(name=name)(layers.Add()([x, residual]))
    return x, [f"stage{stage}_1" for stage in (1, 2, 3, 4)]


def MobileNetV2(image):
    """MobileNetV2 of width 1 without its classifier, cut before each halving but the first two."""
    x, before = convolution(image, "stem", 32, 3, 2, layers.ReLU(6.0)), 32
    table = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
    for channels, repeats, first_stride in table:
        for block in range(repeats):
            name, stride = f"block{channels}_{block}", first_stride if block == 0 else 1
            wide, y = before * (1 if channels == 16 else 6), x
            if wide > before:
                y = convolution(y, f"{name}_1", wide, 1, 1, layers.ReLU(6.0))
            y = convolution(y, f"{name}_2", wide, 3, stride, layers.ReLU(6.0), depthwise=True)
            y = convolution(y, f"{name}_3", channels, 1)
            x = layers.Add(name=name)([x, y]) if stride == 1 and before == channels else y
            before = channels
    x = convolution(x, "last", 1280, 1, 1, layers.ReLU(6.0, name="last"))
    return x, ["block24_1", "block32_2", "block96_2", "last"]


NETWORKS = {"ResNet-18": ResNet18, "MobileNetV2": MobileNetV2}
