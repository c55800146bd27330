"""Embeddings for several notions of likeness, on residual networks with gates."""

import dataclasses
import functools
import json

import keras
import numpy as np

import keras_mtl
from keras_mtl import modulate
from keras_mtl._files import whole_file
from keras_mtl.datasets import (
    LazyArray,
    TripletBatches,
    celeba,
    rooms,
    sample_triplets,
    ut_zappos50k,
)
from keras_mtl.datasets.rooms import COLORS, SHAPES, TEXTURES
from keras_mtl.gradients import inner_products, task_gradients, update_compliance
from keras_mtl.layers import ModulationGate
from keras_mtl.losses import TripletLoss
from keras_mtl.metrics import retrieval_scores, triplet_scores
from keras_mtl.optimizers import SGD, Adam, with_learning_rate_multipliers
from keras_mtl.recipes.problems._objects import load_objects
from keras_mtl.recipes.problems.problem import Problem, TaskScores
from keras_mtl.recipes.settings import PARTS, Settings
from keras_mtl.retrieval import EmbeddingIndex
from keras_mtl.search import cost
from keras_mtl.sharing import Modulated
from keras_mtl.speed import speed_up
from keras_mtl.study import Budget, Examples
from keras_mtl.towers import ResidualEmbedding, Tower
from keras_mtl.towers.residual_embedding import STAGES

RECALLS = (1, 5)
SCORES = TaskScores(
    {
        "triplets": ("triplet_accuracy", 100),
        "R@1": ("recall@1", 100),
        "mAP": ("mean_ap", 100),
        "UCR before": ("compliance_start", 100),
        "UCR after": ("compliance_end", 100),
    },
    ("triplet_accuracy", "mean_ap"),
)
Adagrad = with_learning_rate_multipliers(keras.optimizers.Adagrad)

PROPERTIES = {"colour": tuple(COLORS), "texture": TEXTURES, "shape": SHAPES}
"""What an object has one of, each with its values, of which exactly one holds."""

BY_RANK = (
    *("white", "plain", "boxy", "large", "wood", "red", "truncated"),
    *("near", "fragmented", "small", "noise", "stripe", "cylindrical", "green", "grey", "beige"),
    *("black", "brown", "pink", "blue", "yellow", "checker", "round", "brick"),
)
"""The order in which attributes become tasks: of each sort a common one first, the rarest last."""


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
        validation_images=50,
        test_images=150,
        num_tasks=num_tasks,
        triplets_per_task=triplets_per_task,
        network={"width": 0.25, "size": 64},
        steps=Budget(0, 200),
        rate=2e-3,
        adagrad=False,
        # In so few steps gates that learn no faster than other weights hardly leave 1.
        gate_rate=10.0,
    )


def published(num_tasks, triplets_per_task, size, embedding):
    """The published network and rates; the lengths of epochs are ours."""
    return RetrievalSettings(
        size=size,
        picture_size=size,
        smallest=1,
        train_images=162_770,
        validation_images=2000,
        test_images=19_962,
        num_tasks=num_tasks,
        triplets_per_task=triplets_per_task,
        network={"size": embedding},
        # A tenth after every 40 of 100 epochs.
        steps=Budget(0, 100_000, annealed=False, falls_every=40_000),
        rate=1e-2,
        adagrad=True,
        judged_triplets=20_000,
        steps_an_epoch=1000,
    )


def load(labels, name, settings, data_dir=None, cache_dir=None):
    """Pictures, and in what they can be alike.

    Args:
        labels: for rooms, function from attributes, bool (M, 24), kinds of objects, (M,), and the
            number of tasks to a dict from task to labels.
        name: `"rooms"`, whose pictures are crops of objects, `"celeba"` or `"ut_zappos50k"`.
        settings: the `RetrievalSettings`.
        data_dir, cache_dir: folders, as of `Problem.load`.

    Returns:
        A dict of `train`, `validation` and `test`, each a dict of `image` and of `labels`, for each
        task integers (M,); published triplets are beside them as `triplets`, for each task integers
        (P, 3).
    """
    count = settings.num_tasks
    if name == "ut_zappos50k":
        options = {"size": settings.size, "triplets": True, "cache_dir": cache_dir}
        parts = {part: ut_zappos50k.load(part, data_dir, **options) for part in PARTS}
        for part in parts.values():
            for kind in ("labels", "triplets"):
                part[kind] = dict(list(part[kind].items())[:count])
        return parts
    # Of what covers a few pixels nobody could tell the colour.
    parts = load_objects(name, settings, data_dir, cache_dir, settings.smallest)
    if name == "rooms":
        for part in parts.values():
            part["labels"] = labels(part["attributes"], part["kind"], count)
        return parts
    # A triplet needs faces with and without, so that even attributes come first.
    uneven = np.abs(parts["train"]["attributes"].mean(axis=0) - 0.5)
    columns = np.argsort(uneven, kind="stable")[:count].tolist()
    for part in parts.values():
        attributes = part["attributes"].astype("int32")
        part["labels"] = {celeba.TASK_NAMES[column]: attributes[:, column] for column in columns}
    return parts


def attribute_labels(attributes, kinds, num_tasks):
    """Each of the first attributes is a task: two objects are alike if both have it, or neither."""
    return {
        name: attributes[:, rooms.ATTRIBUTES.index(name)].astype("int32")
        for name in BY_RANK[:num_tasks]
    }


def property_labels(attributes, kinds, num_tasks):
    """Each property is a task: two objects are alike if they have the same value of it."""
    labels = {"kind": kinds.astype("int32")}
    for name, values in PROPERTIES.items():
        columns = [rooms.ATTRIBUTES.index(value) for value in values]
        labels[name] = attributes[:, columns].argmax(1).astype("int32")
    return dict(list(labels.items())[:num_tasks])


class Triplets(Examples):
    """Pictures of which some are alike under a task; `part` is of what `load` returns."""

    def __init__(self, part, settings):
        self.part, self.settings = part, settings

    def __len__(self):
        return len(self.part["image"])

    def batches(self, outputs, batch_size, seed=None, count=None):
        known = "triplets" if "triplets" in self.part else "labels"
        return TripletBatches(
            self.part["image"],
            **{known: {task: self.part[known][task] for task in outputs}},
            triplets_per_task=self.settings.triplets_per_task,
            batches_per_epoch=count or self.settings.steps_an_epoch,
            seed=seed or 0,
            workers=2 if isinstance(self.part["image"], LazyArray) else 1,
        )

    def arrays(self):
        known = [self.part[kind] for kind in ("labels", "triplets") if kind in self.part]
        names = ("triplets_per_task", "steps_an_epoch", "judged_triplets")
        drawn = np.array([getattr(self.settings, name) for name in names])
        return [self.part["image"], drawn, *(column for of in known for column in of.values())]


class EmbeddingStudy(keras_mtl.Study):
    """Embeddings, each trained in one part; arguments as of `Problem.study`.

    The table has one task, "retrieval", and the networks those of the data.
    """

    def __init__(self, settings, data, tasks, **options):
        self.settings = settings
        shape = (settings.size, settings.size, 3)
        loss = TripletLoss(settings.margin)
        task = keras_mtl.Task(keras.layers.Identity(), loss, headline=SCORES.directions)
        super().__init__(
            lambda seed: Tower(ResidualEmbedding(shape, seed=seed, **settings.network), STAGES),
            dict.fromkeys(data["train"]["labels"], task),
            *(Triplets(data[part], settings) for part in PARTS),
            optimizer=(Adagrad if settings.adagrad else Adam)(settings.rate),
            **options,
        )

    def check(self):
        """`TripletBatches` checks labels and triplets; there are no heads."""

    def build(self, tower, sharing, tasks):
        gates = vars(sharing) if isinstance(sharing, Modulated) else {"after": ()}
        return modulate(speed_up(tower.model), len(tasks), name="modulated_embedding", **gates)

    def compile(self, model, training):
        model.compile(self.optimizer(training), TripletLoss(self.settings.margin))

    def cost_of(self, model):
        """Parameters, and multiply-accumulates of an image's embeddings for all tasks."""
        whole = cost(model)
        gates = _gates(model)
        if not gates:
            return whole
        # What stands before the first gate is the same for all tasks.
        features, _ = gates[0].input
        common = cost(keras.Model(model.inputs[0], features)).macs
        return whole._replace(macs=common + len(self.tasks) * (whole.macs - common))

    def scores(self, models, examples, run_eagerly=False):
        part, found = examples.part, {}
        labels, count = part["labels"], self.settings.judged_triplets
        embeddings = self.embeddings(models, part["image"])
        for number, (task, of_task) in enumerate(embeddings.items()):
            rng = np.random.default_rng([number, 0])
            if "triplets" in part:
                triplets = rng.permutation(part["triplets"][task])[:count]
            else:
                triplets = sample_triplets(labels[task], count, rng)
            found[task] = {
                "triplet_accuracy": triplet_scores(of_task, triplets),
                **retrieval_scores(of_task, labels[task], ks=RECALLS),
            }
        return found

    def embeddings(self, models, images):
        """Pictures as every task sees them: a dict from task to an array (M, size)."""
        tasks = list(self.tasks)
        if len(models) > 1:
            of_task = zip(models, tasks, strict=True)
            return {task: _embedded(model, images, [task])[task] for model, task in of_task}
        if _gates(models[0]):
            return _embedded(models[0], images, tasks)
        # Without gates all tasks have the same.
        return dict.fromkeys(tasks, _embedded(models[0], images, tasks[:1])[tasks[0]])

    def compliance(self, training):
        """The update compliance ratio of each layer and pair of tasks, before and after a training.

        It is kept in a file, since gradients take their time.

        Args:
            training: that of a network of all tasks.

        Returns:
            A dict of "start" and "end", each a dict from layer to a list of lists (T, T).
        """
        count = self.settings.compliance_batches
        path = self.file_of(training).with_suffix(f".compliance-{count}.json")
        if not path.exists():
            models = {
                "start": training.built(self, training.sharing),
                "end": self.network(training),
            }
            found = {
                moment: self._compliance(model, training.seed) for moment, model in models.items()
            }
            with whole_file(path) as unfinished:
                unfinished.write_text(json.dumps(found))
        return json.loads(path.read_text())

    def _compliance(self, model, seed):
        model.compile(SGD(), TripletLoss(self.settings.margin))
        count = self.settings.compliance_batches
        # Other triplets than those of the training.
        batches = self.train.batches(dict.fromkeys(self.tasks), self.batch_size, seed + 1000, count)
        paths = [
            weight.path for weight in model.trainable_weights if not weight.path.startswith("gate_")
        ]
        gradients = (
            task_gradients(model, (x, tasks), task_ids=tasks, variables=paths)
            for x, tasks in batches
        )
        products = [inner_products(each) for each in gradients]
        return {layer: each.tolist() for layer, each in update_compliance(products).items()}


def mean_compliance(of_layers):
    """The mean of an update compliance ratio over layers and pairs of tasks that have one."""
    pairs = [np.array(each)[np.triu_indices(len(each), 1)] for each in of_layers.values()]
    return float(np.nanmean(pairs))


def agreement(run, row):
    """How far the gradients of the tasks agree in a network of all of them, for its table."""
    if len(row.networks) > 1:
        return {}
    of_layers = run.study.compliance(row.networks[0])
    means = {f"compliance_{moment}": mean_compliance(each) for moment, each in of_layers.items()}
    return {"retrieval": means}


def summary(scores):
    """Means over the tasks."""
    names = next(iter(scores.values()))
    means = {name: float(np.mean([each[name] for each in scores.values()])) for name in names}
    return {"retrieval": {**means, "tasks": scores}}


def _embedded(model, images, tasks):
    return EmbeddingIndex(model, images, tasks).embeddings


def _gates(model):
    return [layer for layer in model.layers if isinstance(layer, ModulationGate)]


def retrieval_problem(labels, *data_sets):
    """The problem of a table of embeddings: labels as of `load`, data sets beside `rooms`."""
    return Problem(
        data_sets=("rooms", *data_sets),
        load=functools.partial(load, labels),
        study=EmbeddingStudy,
        scores={"retrieval": SCORES},
        summary=summary,
        checkpoints=False,
    )
