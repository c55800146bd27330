"""Losses and metrics of both tasks inside `fit`, `evaluate` and a saved model."""

import keras
import numpy as np

from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.losses import NormalsCodebookCrossentropy, SegmentationCrossentropy
from keras_mtl.metrics import (
    MeanAngularError,
    MeanIU,
    NormalsScores,
    SegmentationScores,
)

BOOK = NormalsCodebook.default()


def data(samples=8, size=8):
    """Images whose channels are the normal; the class is the sign of x."""
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(samples, size, size, 3))
    normals[..., 2] = -np.abs(normals[..., 2])
    normals = (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype("float32")
    labels = (normals[..., 0] > 0).astype("uint8")
    images = normals.copy()
    labels[:, 0], normals[:, -1] = 255, 0
    return images, {"segmentation": labels, "normals": normals}


def compiled_model(metrics=None, weighted_metrics=None):
    image = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(16, 1, activation="relu", kernel_initializer=_init(1))(image)
    outputs = {
        "segmentation": keras.layers.Conv2D(2, 1, kernel_initializer=_init(2))(features),
        "normals": keras.layers.Conv2D(20, 1, kernel_initializer=_init(3))(features),
    }
    model = keras.Model(image, outputs)
    model.compile(
        keras.optimizers.Adam(0.05),
        loss={
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCodebookCrossentropy(BOOK),
        },
        metrics=metrics,
        weighted_metrics=weighted_metrics,
    )
    return model


def _init(seed):
    return keras.initializers.GlorotUniform(seed=seed)


def test_fit_evaluate_save_and_load(tmp_path):
    images, targets = data()
    model = compiled_model(
        {
            "segmentation": [MeanIU(2), SegmentationScores(2, name="all_segmentation")],
            "normals": [MeanAngularError(BOOK), NormalsScores(BOOK, name="all_normals")],
        }
    )
    history = model.fit(images, targets, batch_size=4, epochs=5, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert history["normals_mean_angular_error"][-1] < history["normals_mean_angular_error"][0]

    scores = model.evaluate(images, targets, batch_size=4, verbose=0, return_dict=True)
    outputs = model.predict(images, verbose=0)
    labels = targets["segmentation"]
    counted = labels != 255
    right = (outputs["segmentation"].argmax(axis=-1) == labels)[counted].mean()
    np.testing.assert_allclose(scores["all_segmentation_pixel_accuracy"], right, rtol=1e-5)
    for key in ("segmentation_mean_iu", "normals_mean_angular_error"):
        np.testing.assert_allclose(scores[key], scores[f"all_{key}"], rtol=1e-6, err_msg=key)
    assert "all_normals_within_11.25" in history

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config() == model.get_compile_config()
    again = loaded.predict(images, verbose=0)
    for name, output in outputs.items():
        np.testing.assert_allclose(again[name], output, atol=1e-5)


def test_zero_weights_leave_samples_out_of_loss_and_weighted_metrics():
    images, targets = data(samples=4)
    model = compiled_model(
        weighted_metrics={"segmentation": [MeanIU(2)], "normals": [MeanAngularError(BOOK)]}
    )

    def evaluate(samples, weights):
        return model.evaluate(
            images[samples],
            {name: target[samples] for name, target in targets.items()},
            sample_weight={name: np.array(weights, "float32") for name in targets},
            batch_size=2,
            verbose=0,
            return_dict=True,
        )

    alone = evaluate(slice(2), [1, 1])
    scores = evaluate(slice(4), [1, 1, 0, 0])
    for key in ("segmentation_mean_iu", "normals_mean_angular_error"):
        assert scores[key] == alone[key], key
    # The loss is the mean of a batch with weights and one without.
    np.testing.assert_allclose(scores["loss"], alone["loss"] / 2, rtol=1e-5)
