"""DeepLab with vectors to the centres of instances as a task."""

import keras
import numpy as np
import pytest

from keras_mtl.applications import DeepLab
from keras_mtl.datasets import center_offsets
from keras_mtl.heads import ASPPMapHead
from keras_mtl.losses import MapL1, SegmentationCrossentropy
from keras_mtl.metrics import MapAbsoluteError
from keras_mtl.sharing import Branched

pytestmark = pytest.mark.whole_network


def test_offsets_of_instances_are_a_task(rng):
    model = DeepLab(
        Branched.hard_sharing(),
        {"segmentation": 5, "instances": "offsets"},
        (33, 40, 3),
        depth=18,
        width=1 / 16,
        features=8,
        seed=1,
    )
    assert tuple(model.output["instances"].shape) == (None, 33, 40, 2)
    head = model.head("instances")
    assert type(head) is ASPPMapHead and head.channels == 2
    x = rng.uniform(0, 255, size=(2, 33, 40, 3)).astype("float32")
    instances = np.zeros((2, 33, 40), "uint16")
    instances[:, 3:20, 5:30], instances[0, 22:, 10:] = 1, 2
    y = {"segmentation": instances % 5, "instances": center_offsets(instances)}
    model.compile(
        keras.optimizers.SGD(0.1),
        loss={"segmentation": SegmentationCrossentropy(), "instances": MapL1()},
        metrics={"instances": [MapAbsoluteError()]},
    )
    with pytest.raises(ValueError, match=r"`y\['instances'\]` must have shape \(batch, .* 2\)"):
        model.fit(x, {**y, "instances": y["instances"][..., 0]}, verbose=0)
    before = [weight.copy() for weight in head.get_weights()]
    history = model.fit(x, y, batch_size=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    # A single batch: loss and metric are of the same predictions.
    assert history["instances_absolute_error"] == pytest.approx(history["instances_loss"], rel=1e-4)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert any((now != then).any() for now, then in zip(head.get_weights(), before, strict=True))
