"""A small stitched detector, the same on every backend: weights, batches and steps are NumPy's."""

import numpy as np

import keras_mtl
from keras_mtl.datasets import RoIBatches, RoISampling
from keras_mtl.losses import AttributesCrossentropy, DetectionCrossentropy, SmoothL1
from keras_mtl.proposals import jittered_boxes

SIZE = (48, 64)
PICTURES = 4


def pictures():
    """Bright and dark rectangles, two a picture: classes 1 and 2; proposals around them."""
    rng = np.random.default_rng(3)
    images = np.full((PICTURES, *SIZE, 3), 128, "uint8")
    boxes, classes, attributes, proposals = [], [], [], []
    for image in images:
        corners = rng.integers(0, (24, 20), size=(2, 2)) + [[0, 0], [16, 8]]
        of_image = np.concatenate([corners, corners + rng.integers(14, 24, (2, 2))], -1)
        labels = rng.permutation([1, 2])
        for (x1, y1, x2, y2), label in zip(of_image, labels, strict=True):
            image[y1:y2, x1:x2] = 250 if label == 1 else 10
        boxes.append(of_image)
        classes.append(labels)
        attributes.append([[label == 1, 0, 1] for label in labels])
        proposals.append(jittered_boxes(of_image, SIZE, 20, rng))
    return images, boxes, classes, attributes, proposals


def build():
    model = keras_mtl.applications.CrossStitchFastRCNN(
        2,
        3,
        learning_rate_multiplier=5.0,
        width=1 / 24,
        fc_width=1 / 64,
        stem_strides=2,
        rescale=1 / 64,
        dropout=0.0,
    )
    rng = np.random.default_rng(5)
    model.set_weights(
        [
            rng.normal(0, (2 / np.prod(w.shape[:-1])) ** 0.5, w.shape)
            if w.ndim > 1 and w.shape != (2, 2)  # the alphas stay as they are
            else w
            for w in model.get_weights()
        ]
    )
    model.compile(
        keras_mtl.optimizers.SGD(0.004, momentum=0.9),
        loss={
            "detection_classes": DetectionCrossentropy(),
            "detection_boxes": SmoothL1(),
            "attributes": AttributesCrossentropy(),
        },
        loss_weights={"detection_classes": 1, "detection_boxes": 1, "attributes": 1 / 3},
    )
    return model


def train(model):
    """Two epochs of two steps."""
    names = ("image", "boxes", "classes", "attributes", "proposals")
    columns = dict(zip(names, pictures(), strict=True))
    data = RoIBatches(columns, sampling=RoISampling(num_rois=8))
    model.fit(data, epochs=2, shuffle=False, verbose=0)


def find(model):
    """All that is found, as arrays over the pictures, best first."""
    images, *_, proposals = pictures()
    found = keras_mtl.detect(model, images, proposals, batch_size=2, verbose=0)
    counts = np.array([len(each["boxes"]) for each in found])
    return {
        "found counts": counts,
        **{f"found {key}": np.concatenate([each[key] for each in found]) for key in found[0]},
    }
