"""What the embedding networks are, and how long they learn."""

import dataclasses

from keras_mtl.recipes._settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetrievalSettings(Settings):
    """The settings of embeddings for several notions of likeness."""

    size: int
    """Height and width of a crop, in pixels."""
    picture_size: int
    """Height and width of the pictures of which crops are taken, in pixels."""
    smallest: int
    """Sides that an object must have at least to be taken, in pixels of the picture."""
    num_tasks: int
    """How many attributes are tasks."""
    triplets_per_task: int
    """In a batch."""
    batch_size: int = dataclasses.field(init=False)
    adagrad: bool
    """Whether Adagrad is the optimizer, or Adam."""
    gate_rate: float = 1.0
    """Factor on the learning rate of gates and masks."""
    margin: float = 0.2
    weight_decay: float = 0.0
    steps_an_epoch: int = 50
    judged_triplets: int = 2000
    """Of each task, from the test crops."""
    compliance_batches: int = 20
    """Mini-batches over which gradients are compared."""

    def __post_init__(self):
        rows = 3 * self.triplets_per_task * self.num_tasks
        object.__setattr__(self, "batch_size", rows)  # as the dataclass is frozen


def mini(num_tasks, triplets_per_task):
    """Settings with which all rows train on two cores in minutes, from random weights."""
    return RetrievalSettings(
        size=48,
        picture_size=128,
        smallest=12,
        train_images=1000,
        test_images=150,
        num_tasks=num_tasks,
        triplets_per_task=triplets_per_task,
        network={"width": 0.25, "size": 64},
        one_task_iterations={"retrieval": 200},
        further_iterations=0,
        learning_rate=2e-3,
        adagrad=False,
        # In so few steps gates that learn no faster than other weights hardly leave 1.
        gate_rate=10.0,
        annealed=True,
        augmented=False,
    )


def published(num_tasks, triplets_per_task, size, embedding):
    """The published network and rates; the lengths of epochs are ours."""
    return RetrievalSettings(
        size=size,
        picture_size=size,
        smallest=1,
        train_images=162_770,
        test_images=19_962,
        num_tasks=num_tasks,
        triplets_per_task=triplets_per_task,
        network={"size": embedding},
        one_task_iterations={"retrieval": 100_000},
        further_iterations=0,
        learning_rate=1e-2,
        adagrad=True,
        annealed=False,
        rate_falls_after=40_000,
        judged_triplets=20_000,
        augmented=False,
        steps_an_epoch=1000,
    )
