"""Worker of `towers.py`: plain Keras, and models of this library, on the backend in force."""

import keras
import numpy as np
from keras import layers

import keras_mtl
from benchmarks._workers import (
    MOMENTUM,
    TOWERS_CLASSES,
    TOWERS_RATE,
    labelled_images,
    seconds_of,
    serve,
    settings_of_this_worker,
    train_on,
)


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


class Models:
    """The plain model and ours, of the same weights, each compiled; and the batch."""

    def __init__(self, settings):
        self.images, labels = labelled_images(settings)
        self.targets = {f"task{number}": each for number, each in enumerate(labels)}
        self.rng = np.random.default_rng(1)
        image = keras.Input(self.images.shape[1:])
        features, cuts = NETWORKS[settings["network"]](image)
        features = layers.GlobalAveragePooling2D(name="pool")(features)
        heads = {task: layers.Dense(TOWERS_CLASSES) for task in self.targets}
        outputs = {task: head(features) for task, head in heads.items()}
        plain = keras.Model(image, outputs)
        self.disturb(plain)
        self.tower = keras_mtl.towers.Tower(keras.Model(image, features), cuts)
        hard = keras_mtl.sharing.Branched.hard_sharing()
        stitched = keras_mtl.sharing.CrossStitched(after=cuts)
        self.models = {
            "plain Keras": plain,
            "hard sharing": keras_mtl.MultiTaskModel(self.tower, hard, heads),
            "stitched": keras_mtl.MultiTaskModel(self.tower, stitched, heads),
        }
        self.disturb(self.models["stitched"])
        for name, model in self.models.items():
            kind = keras.optimizers.SGD if name == "plain Keras" else keras_mtl.optimizers.SGD
            loss = {
                task: keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                for task in self.targets
            }
            model.compile(kind(TOWERS_RATE, momentum=MOMENTUM), loss)

    def disturb(self, model):
        """What starts as 0, as 1 or as a copy would hide a wrong order."""
        for layer in model._flatten_layers(include_self=False, recursive=True):
            weights = layer.get_weights() if not hasattr(layer, "layers") else []
            if weights:
                noise = [self.rng.uniform(0.9, 1.1, each.shape) for each in weights]
                layer.set_weights(
                    [a * b + (b - 1) * (a.ndim == 1) for a, b in zip(weights, noise, strict=True)]
                )

    def step(self, name):
        return train_on(self.models[name], self.images, self.targets)

    def save(self, name, path):
        """Writes weights, what the model makes of the batch, and the losses of three steps."""
        model, arrays = self.models[name], {}
        for number, task in enumerate(self.targets):
            arrays[f"{number}/head/0"], arrays[f"{number}/head/1"] = model.head(task).get_weights()
            for stage in self.tower.stages:
                pair = self.tower.stage(stage), model.stage(task, stage)
                for original, copy in zip(*(each.layers for each in pair), strict=True):
                    for index, value in enumerate(copy.get_weights()):
                        arrays[f"{number}/{original.name}/{index}"] = value
        for stage, unit in model.units.items():
            arrays[f"{stage}/alpha"] = unit.get_weights()[0]
        # In training, for the moving statistics are not those of any data.
        outputs = model(self.images, training=True)
        for number, task in enumerate(self.targets):
            arrays[f"outputs/{number}"] = keras.ops.convert_to_numpy(outputs[task])
        arrays["losses"] = [self.step(name) for _ in range(3)]
        np.savez(path, **arrays)


def main():
    models = Models(settings_of_this_worker())
    serve(
        {
            "save": models.save,
            "step": lambda name, count: seconds_of(lambda: models.step(name), count),
        }
    )


if __name__ == "__main__":
    main()
