"""The embedding networks of a table: how they are built, trained and judged."""

import json

import keras
import numpy as np

from keras_mtl.applications import ModulatedEmbedding
from keras_mtl.applications.modulated_embedding import AFTER
from keras_mtl.datasets import TripletBatches, sample_triplets
from keras_mtl.gradients import inner_products, task_gradients, update_compliance
from keras_mtl.layers import ModulationGate
from keras_mtl.losses import TripletLoss
from keras_mtl.metrics import retrieval_scores, triplet_scores
from keras_mtl.optimizers import Adam, with_learning_rate_multipliers
from keras_mtl.recipes._columns import reading
from keras_mtl.recipes._networks import Networks
from keras_mtl.recipes._results import write_json
from keras_mtl.retrieval import EmbeddingIndex
from keras_mtl.search import cost

RECALLS = (1, 5)
Adagrad = with_learning_rate_multipliers(keras.optimizers.Adagrad)
# Of the authors of conditional similarity networks, whose penalty is on the masks of the examples.
MASKS = {"mean": 0.9, "deviation": 0.7, "penalty": 5e-4}


class RetrievalNetworks(Networks):
    """Embeddings for several notions of likeness; `data` is a `RetrievalData`.

    The table has one task, "retrieval", and the networks those of the data.
    """

    def __init__(self, settings, data, tasks, folder, seed):
        super().__init__(settings, data, data.tasks, folder, seed)

    def one_task(self, task, member=0):
        return self._embedding(f"one_task_{task}", [task], after=())

    def shared(self):
        """One embedding, whatever the task."""
        return self._embedding("shared", self.tasks, after=())

    def masks(self):
        """A conditional similarity network: masks of the embedding, and nothing before it.

        Unlike theirs, the masked embedding has the length one, as in all rows.
        """
        return self._embedding(
            "masks",
            self.tasks,
            after=AFTER[-1:],
            initializer=keras.initializers.RandomNormal(
                MASKS["mean"], MASKS["deviation"], seed=self.seed
            ),
            regularizer=keras.regularizers.L1(MASKS["penalty"] / len(self.tasks)),
        )

    def modulated(self):
        return self._embedding("modulated", self.tasks, after=AFTER)

    def projected(self):
        """The general form of the module: a projection of all channels for each task."""
        return self._embedding("projected", self.tasks, after=AFTER, per_channel=False)

    def cost(self, model):
        """Parameters, and multiply-accumulates of an image's embeddings for all tasks."""
        whole = cost(model)
        gates = _gates(model)
        if not gates:
            return whole
        # What stands before the first gate is the same for all tasks.
        features, _ = gates[0].input
        common = cost(keras.Model(model.inputs[0], features)).macs
        return whole._replace(macs=common + len(self.tasks) * (whole.macs - common))

    def scores(self, models):
        """Means over the tasks on the test pictures; of a compiled network how gradients agree."""
        test, by_task = self.data.test, {}
        labels, count = test["labels"], self.settings.judged_triplets
        for number, (task, embeddings) in enumerate(self.embeddings(models).items()):
            rng = np.random.default_rng([number, 0])
            if "triplets" in test:
                triplets = rng.permutation(test["triplets"][task])[:count]
            else:
                triplets = sample_triplets(labels[task], count, rng)
            by_task[task] = {
                "triplet_accuracy": triplet_scores(embeddings, triplets),
                **retrieval_scores(embeddings, labels[task], ks=RECALLS),
            }
        scores = {
            name: float(np.mean([each[name] for each in by_task.values()]))
            for name in by_task[self.tasks[0]]
        }
        if len(models) == 1 and models[0].compiled:
            for moment, of_layers in self.compliance(models[0]).items():
                scores[f"compliance_{moment}"] = mean_compliance(of_layers)
        return {"retrieval": {**scores, "tasks": by_task}}

    def embeddings(self, models):
        """The test pictures as every task sees them: a dict from task to an array (M, size)."""
        if len(models) > 1:
            of_task = zip(models, self.tasks, strict=True)
            return {task: self._embedded(model, [task])[task] for model, task in of_task}
        if _gates(models[0]):
            return self._embedded(models[0], self.tasks)
        # Without gates all tasks have the same.
        first = self.tasks[0]
        return dict.fromkeys(self.tasks, self._embedded(models[0], [first])[first])

    def compliance(self, model):
        """The update compliance ratio of each layer and pair of tasks, before and after training.

        It is kept in files, since gradients take their time.

        Returns:
            A dict of "start" and "end", each a dict from layer to a list of lists (T, T).
        """
        # A clone has the first weights again: they depend on the seed alone.
        first = keras.models.clone_model(model)
        # Where no gate acts yet, all networks are the same.
        acts = any(map(_acts, _gates(first)))
        networks = {f"{model.name}_start" if acts else "start": first, f"{model.name}_end": model}
        found = []
        for name, network in networks.items():
            path = self.folder / f"{name}_compliance.json"
            if not path.exists():
                write_json(path, self._compliance(network))
            found.append(json.loads(path.read_text()))
        return dict(zip(("start", "end"), found, strict=True))

    def _compliance(self, model):
        count = self.settings.compliance_batches
        # Other triplets than those of the training.
        batches = self._batches(self.tasks, self.seed + 1000, count)
        paths = [v.path for v in model.trainable_variables if not v.path.startswith("gate_")]
        products = []
        for number in range(count):
            x, tasks = batches[number]
            gradients = task_gradients(model, (x, tasks), task_ids=tasks, variables=paths)
            products.append(inner_products(gradients))
        return {layer: each.tolist() for layer, each in update_compliance(products).items()}

    def _embedded(self, model, tasks):
        """The test pictures as a network of some tasks sees them: a dict from task to an array."""
        return EmbeddingIndex(model, self.data.test["image"], tasks).embeddings

    def _embedding(self, name, tasks, **gates):
        """A trained network with gates, which starts from the seed's weights."""
        settings, seed = self.settings, self.seed
        (iterations,) = settings.one_task_iterations.values()

        def build():
            return self._build(gates, tasks, seed, name=name)

        falling = keras.optimizers.schedules.CosineDecay
        return self._fit(build, tasks, name, iterations, seed, falling)

    def _build(self, sharing, tasks, seed, **options):
        """`sharing` is a dict of the options of the gates."""
        size = self.settings.size
        network = {"input_shape": (size, size, 3), "seed": seed, **self.settings.network}
        if sharing["after"]:
            sharing = {"learning_rate_multiplier": self.settings.gate_rate, **sharing}
        return ModulatedEmbedding(len(tasks), **network, **sharing, **options)

    def _batches(self, tasks, seed, count=None):
        train = self.data.train
        known = "triplets" if "triplets" in train else "labels"
        return TripletBatches(
            train["image"],
            **{known: {task: train[known][task] for task in tasks}},
            triplets_per_task=self.settings.triplets_per_task,
            batches_per_epoch=count or self.settings.steps_an_epoch,
            seed=seed,
            **reading(train["image"]),
        )

    def _losses(self, tasks):
        return {"loss": TripletLoss(self.settings.margin)}

    def _optimizer(self, learning_rate):
        return (Adagrad if self.settings.adagrad else Adam)(learning_rate)

    def _published_rate(self, rate, first):
        """A tenth after every 40 of 100 epochs."""
        after = self.settings.rate_falls_after
        boundaries = [after, 2 * after]
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            boundaries, [rate, rate / 10, rate / 100]
        )


def mean_compliance(of_layers):
    """The mean of an update compliance ratio over layers and pairs of tasks that have one."""
    pairs = [np.array(each)[np.triu_indices(len(each), 1)] for each in of_layers.values()]
    return float(np.nanmean(pairs))


def _gates(model):
    return [layer for layer in model.layers if isinstance(layer, ModulationGate)]


def _acts(gate):
    """Whether a gate is anything but ones, or a projection but the identity."""
    rows = keras.ops.convert_to_numpy(gate.rows())
    neutral = 1 if gate.per_channel else np.eye(rows.shape[-1])
    return bool(np.any(rows != neutral))
