"""Worker of `cross_stitch_step.py`: trains the keras_mtl models on the backend in force."""

import importlib.metadata
import os

import keras
import numpy as np

import keras_mtl
from benchmarks._workers import (
    ALPHA_MULTIPLIER,
    CLASSES,
    LEARNING_RATE,
    MOMENTUM,
    WEIGHT_DECAY,
    seconds_of,
    serve,
    settings_of_this_worker,
    synthetic_batch,
    train_on,
)


class Models:
    """The stitched pair and the two one-task networks, each compiled, and the batch."""

    def __init__(self, settings):
        codebook = keras_mtl.geometry.NormalsCodebook.default()
        images, labels, normals = synthetic_batch(settings["size"], settings["batch"])
        tasks = {"segmentation": CLASSES, "normals": codebook}
        losses = {
            "segmentation": keras_mtl.losses.SegmentationCrossentropy(),
            "normals": keras_mtl.losses.NormalsCodebookCrossentropy(codebook),
        }
        shape, network = images.shape[1:], {**settings["network"], "seed": 0}
        alone = keras_mtl.sharing.Branched.independent()
        self.codebook, self.images = codebook, images
        self.targets = {"segmentation": labels, "normals": normals}
        self.models = {
            "stitched": keras_mtl.applications.CrossStitchFCN(
                tasks, shape, learning_rate_multiplier=ALPHA_MULTIPLIER, **network
            ),
            **{
                task: keras_mtl.applications.FCN(alone, {task: kind}, shape, **network)
                for task, kind in tasks.items()
            },
        }
        for model in self.models.values():
            model.compile(
                optimizer=keras_mtl.optimizers.SGD(
                    LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
                ),
                loss={task: losses[task] for task in model.tasks},
            )

    def step(self, name):
        model = self.models[name]
        train_on(model, self.images, {task: self.targets[task] for task in model.tasks})

    def save(self, path):
        """Writes the stitched pair's weights, and what it makes of the batch without dropout."""
        # First a step, as in a user's program: what a layer decides once, it decides in training.
        self.step("stitched")
        model = self.models["stitched"]
        rng = np.random.default_rng(1)
        for variable in model.trainable_variables:
            # Biases of zero and units that are all alike would hide a wrong order.
            if variable.path.endswith(("bias", "alpha")):
                noise = 0.1 * rng.normal(size=variable.shape)
                variable.assign(keras.ops.convert_to_numpy(variable) + noise.astype("float32"))
        (crop,) = set(model.head("segmentation").upsample.crop)
        arrays = {"codewords": self.codebook.codewords, "crop": crop}
        for index, task in enumerate(model.tasks):
            stages = [model.stage(task, stage).layers for stage in model.stages]
            layers = [layer for stage in stages for layer in stage if hasattr(layer, "kernel")]
            named = {layer.name.removeprefix(f"{task}_"): layer for layer in layers}
            for name, layer in {**named, "score": model.head(task).score}.items():
                arrays[f"{index}/{name}/kernel"], arrays[f"{index}/{name}/bias"] = (
                    layer.get_weights()
                )
        for layer in model.layers:
            if isinstance(layer, keras_mtl.layers.CrossStitch):
                arrays[f"{layer.name.removeprefix('stitch_')}/alpha"] = layer.get_weights()[0]
        outputs = model.predict_on_batch(self.images)
        for index, task in enumerate(model.tasks):
            arrays[f"logits/{index}"] = outputs[task]
            loss = model.loss[task](self.targets[task], outputs[task])
            arrays[f"loss/{index}"] = keras.ops.convert_to_numpy(loss)
        np.savez(path, **arrays)


def about():
    """Versions and threads; nothing here is set: the libraries' defaults are what users run."""
    backend = keras.backend.backend()
    facts = {"keras": keras.__version__, backend: importlib.metadata.version(backend)}
    if backend == "torch":
        import torch

        return {**facts, "threads": torch.get_num_threads()}
    if backend == "tensorflow":
        import tensorflow as tf

        threads = tf.config.threading.get_intra_op_parallelism_threads()
        return {**facts, "threads": threads or f"default, {os.cpu_count()} cores"}
    return {**facts, "threads": f"default, {os.cpu_count()} cores"}


def main():
    settings = settings_of_this_worker()
    models = Models(settings)
    serve(
        {
            "about": about,
            "save": models.save,
            "step": lambda name, count: seconds_of(lambda: models.step(name), count),
        }
    )


if __name__ == "__main__":
    main()
