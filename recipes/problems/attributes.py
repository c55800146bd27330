"""Yes-or-no attributes of objects or faces, each a task, on thin VGG-16s."""

import dataclasses

import numpy as np

import keras_mtl
from keras_mtl import Ensemble
from keras_mtl.datasets import celeba, rooms
from keras_mtl.heads import AttributesHead
from keras_mtl.metrics import attribute_average_precision
from keras_mtl.optimizers import Adam
from keras_mtl.recipes.problems._objects import load_objects
from keras_mtl.recipes.problems.problem import Problem, TaskScores
from keras_mtl.recipes.settings import PARTS, Settings
from keras_mtl.study import Budget
from keras_mtl.towers import ThinVGG16, Tower
from keras_mtl.towers.thin_vgg16 import STAGES


@dataclasses.dataclass(frozen=True, kw_only=True)
class AttributesSettings(Settings):
    """The settings of attributes as tasks."""

    size: int
    """Height and width of a crop, in pixels."""
    picture_size: int
    """Height and width of the pictures of which crops are taken, in pixels."""
    weight_decay: float = 1e-4


PRESETS = {
    # From random weights, on two cores in minutes.
    "mini": AttributesSettings(
        size=32,
        picture_size=96,
        train_images=1200,
        validation_images=100,
        test_images=300,
        batch_size=64,
        network={"width": 16, "dropout": 0.1},
        # Each is one pass over the crops.
        steps=Budget(137, 137),
        rate=3e-3,
        alpha_rate=1.0,
    ),
    # The published network; lengths and rates are ours.
    "paper": AttributesSettings(
        size=224,
        picture_size=224,
        train_images=162_770,
        validation_images=500,
        test_images=19_962,
        batch_size=32,
        network={},
        steps=Budget(20_000, 20_000),
        rate=1e-3,
    ),
}


def load(name, settings, data_dir=None, cache_dir=None):
    """Pictures of objects or faces, and columns of attributes: dicts of parts, and `names`."""
    names = celeba.TASK_NAMES if name == "celeba" else rooms.ATTRIBUTES
    found = {"names": names}
    for part, loaded in load_objects(name, settings, data_dir, cache_dir).items():
        values = loaded["attributes"].astype("float32")
        columns = {each: values[:, [number]] for number, each in enumerate(names)}
        found[part] = {"image": loaded["image"], **columns}
    return found


class AttributesStudy(keras_mtl.Study):
    """The `Study` of attributes; arguments as of `Problem.study`.

    The table has one task, "attributes", and the networks one for each attribute.
    """

    def __init__(self, settings, data, tasks, **options):
        network = {"dropout": 0.5, **settings.network}
        shape, names = (settings.size, settings.size, 3), data["names"]
        super().__init__(
            lambda seed: Tower(ThinVGG16(shape, seed=seed, **network), STAGES),
            {name: _task(name, network["dropout"]) for name in names},
            *((data[part]["image"], {name: data[part][name] for name in names}) for part in PARTS),
            optimizer=Adam(settings.rate, weight_decay=settings.weight_decay),
            **options,
        )

    def head(self, head, seed, place):
        # Heads of one seed would draw the same weights for all tasks.
        return super().head(head, seed + 1000 * place, place)

    def scores(self, models, examples, run_eagerly=False):
        """Accuracy and average precision of every attribute."""
        vote, batches = Ensemble(models), examples.batches({each: each for each in self.tasks}, 256)
        said = [vote.predict_on_batch(images) for images, _ in batches]
        found = {}
        for task in self.tasks:
            known = examples.y[task]
            probabilities = np.concatenate([each[task] for each in said])
            right = (probabilities > 0.5) == (known > 0.5)
            (precision,) = attribute_average_precision(probabilities, known)
            found[task] = {"accuracy": float(right.mean()), "ap": float(precision)}
        return found


def _task(name, dropout):
    def head(seed):
        return AttributesHead(1, dropout, seed)

    # Of few pictures there may be none with it, and so no average precision.
    headline = {"headline": "accuracy", "better": "higher"}
    return keras_mtl.Task.of(head(0), [name], **headline).with_head(head)


def summary(scores):
    """Means over the attributes."""
    accuracies = {task: of_task["accuracy"] for task, of_task in scores.items()}
    return {
        "attributes": {
            "accuracy": float(np.mean(list(accuracies.values()))),
            "mean_ap": float(np.nanmean([of_task["ap"] for of_task in scores.values()])),
            "accuracies": accuracies,
        }
    }


ATTRIBUTES = Problem(
    data_sets=("rooms", "celeba"),
    load=load,
    study=AttributesStudy,
    scores={"attributes": TaskScores({"accuracy": ("accuracy", 100), "mAP": ("mean_ap", 100)})},
    summary=summary,
    checkpoints=False,
)
