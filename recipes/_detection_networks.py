"""The networks of all detection tables: how they are built and scored."""

import numpy as np

from keras_mtl import Ensemble, predict_regions
from keras_mtl.applications import CrossStitchFastRCNN, FastRCNN
from keras_mtl.boxes import detections
from keras_mtl.datasets import RoIBatches
from keras_mtl.losses import AttributesCrossentropy, DetectionCrossentropy, SmoothL1
from keras_mtl.metrics import attribute_average_precision, detection_average_precision
from keras_mtl.recipes._columns import reading
from keras_mtl.recipes._networks import DROPOUT, Networks
from keras_mtl.search import cost
from keras_mtl.sharing import Branched


class DetectionNetworks(Networks):
    """Networks for detection and attributes; arguments as of `Networks`.

    `data` is a `DetectionData`.
    """

    def untrained(self):
        """One-task networks with random weights: what no training gives."""
        return [self._build(Branched.independent(), [task], self.seed) for task in self.tasks]

    def predict(self, models, count=None):
        """What networks find in the test images.

        Args:
            models: as of `Networks.scores`.
            count: number of images, the first ones; all if `None`.

        Returns:
            `(found, attributes)`: a list of what `keras_mtl.boxes.detections` returns for each
            image, and a list of arrays of the probabilities of the attributes of the true boxes.
            A list is empty if its task is not among the networks'.
        """
        test = self.data.test
        count = len(test["image"]) if count is None else count
        # One pass for both: the proposals, and behind them the true boxes.
        rois = [
            np.concatenate([proposals, boxes])
            for proposals, boxes in zip(test["proposals"], test["boxes"], strict=True)
        ]
        regions = predict_regions(
            Ensemble(models),
            test["image"] if count == len(rois) else [test["image"][n] for n in range(count)],
            rois[:count],
            batch_size=self.settings.batch_size,
            pad_to=self.settings.canvas,
            verbose=0,
        )
        found, attributes = [], []
        for (outputs, boxes, size), proposals in zip(regions, test["proposals"], strict=False):
            split = len(proposals)
            if "detection" in self.tasks:
                proposed = {name: x[:split] for name, x in outputs.items()}
                found.append(
                    detections(
                        proposed,
                        boxes[:split],
                        size,
                        from_logits=False,
                        score_threshold=0.0,  # AP ranks all that there is
                    )
                )
            if "attributes" in self.tasks:
                attributes.append(outputs["attributes"][split:])
        return found, attributes

    def scores(self, models):
        test, names = self.data.test, self.data.class_names
        found, attributes = self.predict(models)
        results = {}
        if found:
            precisions = detection_average_precision(
                found, test["truths"], len(names), interpolation=self.data.interpolation
            )
            results["detection"] = _summary(precisions)
        if attributes:
            precisions = attribute_average_precision(
                np.concatenate(attributes), np.concatenate(test["attributes"])
            )
            results["attributes"] = _summary(precisions)
        return results

    def cost(self, model):
        sizes = {"image": (*self.settings.canvas, 3), "rois": (self.settings.proposals, 4)}
        return cost(model, [sizes[x.name] for x in model.inputs])

    def _build(self, sharing, tasks, seed, **options):
        return FastRCNN(sharing, **self._kinds(tasks), **self._network(seed), **options)

    def _stitched(self, units):
        return CrossStitchFastRCNN(**self._kinds(self.tasks), **units, **self._network(self.seed))

    def _kinds(self, tasks):
        return {
            "classes": self.data.class_names if "detection" in tasks else None,
            "attributes": self.data.attribute_names if "attributes" in tasks else None,
        }

    def _network(self, seed):
        return {
            "input_shape": (*self.settings.canvas, 3),
            "seed": seed,
            "dropout": DROPOUT,
            **self.settings.network,
        }

    def _batches(self, tasks, seed):
        settings, train = self.settings, self.data.train
        return RoIBatches(
            train["image"],
            train["boxes"],
            train["classes"],
            train["attributes"],
            train["proposals"],
            settings.batch_size,
            difficult=train["difficult"],
            num_classes=len(self.data.class_names),
            rois_per_image=settings.rois_per_image,
            tasks=tasks,
            mirror=settings.augmented,
            pad_to=settings.canvas,
            seed=seed,
            drop_remainder=True,
            **reading(train["image"]),
        )

    def _losses(self, tasks):
        loss, weights = {}, {}
        if "detection" in tasks:
            loss["detection_classes"] = DetectionCrossentropy()
            loss["detection_boxes"] = SmoothL1()
            weights["detection_classes"] = weights["detection_boxes"] = 1.0
        if "attributes" in tasks:
            loss["attributes"] = AttributesCrossentropy()
            weights["attributes"] = 1 / len(self.data.attribute_names)
        return {"loss": loss, "loss_weights": weights}


def _summary(precisions):
    """The mean, and each class's own; None where the test data has none of it."""
    return {
        "mean_ap": float(np.nanmean(precisions)),
        "ap": [None if np.isnan(each) else float(each) for each in precisions],
    }
