"""Worker of `towers.py`: plain Keras, and models of this library, on the backend in force."""

import keras
import numpy as np
from keras import layers

import keras_mtl
from benchmarks._networks import NETWORKS
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
