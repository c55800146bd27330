"""The networks of AdaShare's tables: how they are built, searched and trained."""

import functools
import json
import math

import keras
import numpy as np

from keras_mtl.applications import AdaShareDeepLab
from keras_mtl.callbacks import AdaShareSchedule, PolicyLogger
from keras_mtl.datasets import AlternatingBatches, ArrayBatches
from keras_mtl.optimizers import SGD, Alternating
from keras_mtl.recipes._columns import reading, rows_of
from keras_mtl.recipes._comparison import gain
from keras_mtl.recipes._deeplab_data import HEADLINES, LOWER_IS_BETTER
from keras_mtl.recipes._deeplab_networks import DeepLabNetworks
from keras_mtl.recipes._results import write_json
from keras_mtl.recipes._resumable_fit import resumable_fit
from keras_mtl.search import prune
from keras_mtl.sharing import AdaShared


class AdaShareNetworks(DeepLabNetworks):
    """As `DeepLabNetworks`, with the search for a policy."""

    def searched(self):
        """The network that has learned a policy along with its weights."""
        settings = self.settings
        batches = self._two_parts()

        def compiled():
            model = AdaShareDeepLab(
                {task: self.data.kinds[task] for task in self.tasks},
                sparsity=settings.sparsity,
                sharing=settings.sharing,
                form=settings.form,
                per_task_statistics=settings.per_task_statistics,
                **self._network(self.seed),
            )
            optimizer = Alternating(
                SGD(settings.search_rate, 0.9, **self._decay_and_heads()),
                keras.optimizers.Adam(settings.policy_rate, weight_decay=5e-4),
                steps=batches.steps,
                warm_up=self._optimizer(self._published_rate(settings.learning_rate, first=True)),
                warm_up_steps=settings.warm_up_rounds * len(batches),
            )
            model.compile(optimizer, **self._losses(self.tasks))
            return model

        return resumable_fit(
            compiled,
            batches,
            settings.warm_up_rounds + settings.rounds,
            self.folder / "search.keras",
            f"seed {self.seed}, search",
            [
                AdaShareSchedule(
                    settings.warm_up_rounds,
                    decay=settings.temperature_decay,
                    blocks_every=settings.blocks_every,
                ),
                PolicyLogger(self.policy_log),
            ],
        )

    @property
    def policy_log(self):
        """The file with the policy's evolution."""
        return self.folder / "search.csv"

    def policies(self):
        """The most probable policy and some that were drawn, the best first.

        They are compared on the validation images, with the weights of the search, by their gain
        over the one-task networks. Also writes them to `policies.json`.

        Returns:
            A list of dicts from task to a string of ones and zeros.
        """
        path = self.folder / "policies.json"
        if path.exists():
            return [each["policy"] for each in json.loads(path.read_text())]
        model = self.searched()
        layer = model.get_layer("skip_policy")
        drawn = [layer.sample(1000 * self.seed + n) for n in range(self.settings.candidates)]
        found = {_as_text(each): each for each in [layer.decisions(), *drawn]}
        gains = {text: self._gain([prune(model, each)]) for text, each in found.items()}
        best = sorted(gains, key=gains.get, reverse=True)
        policies = [dict(zip(self.tasks, text, strict=True)) for text in best]
        write_json(
            path,
            [
                {"policy": policy, "gain": gains[text]}
                for policy, text in zip(policies, best, strict=True)
            ],
        )
        return policies

    def ada_share(self):
        """The best of the policies that are trained again from random weights."""
        finalists = self.policies()[: self.settings.retrained]
        models = [
            self.joint(AdaShared(policy), f"ada_share_{number}")
            for number, policy in enumerate(finalists)
        ]
        return models[0] if len(models) == 1 else max(models, key=lambda each: self._gain([each]))

    def random_policy(self):
        """A network in which every task skips as many blocks as AdaShare's, by chance."""
        rng = np.random.default_rng(self.seed)
        chosen = self.ada_share().get_config()["sharing"]["config"]["policy"]
        policy = {task: rng.permutation(row) for task, row in chosen.items()}
        return self.joint(AdaShared(policy), "random_policy")

    def _gain(self, models):
        """The paper's Δ of networks over the one-task ones, on the validation images."""
        scores = self.scores(models, data=self.data.validation)
        found = gain(HEADLINES, LOWER_IS_BETTER, scores, self._one_task_scores)
        return found if math.isfinite(found) else -math.inf

    @functools.cached_property
    def _one_task_scores(self):
        one_task = [self.further(task) for task in self.tasks]
        return self.scores(one_task, data=self.data.validation)

    def _two_parts(self):
        """The training images in two parts: for the weights, and for the policy."""
        settings, data = self.settings, self.data
        order = np.random.default_rng(self.seed).permutation(len(data.train["image"]))
        cut = round(len(order) * (1 - settings.policy_images))
        parts = [
            ArrayBatches(
                rows_of(data.train["image"], rows),
                {task: rows_of(data.targets(task), rows) for task in self.tasks},
                settings.batch_size,
                seed=self.seed,
                drop_remainder=True,
                augment=data.augment,
                **reading(data.train["image"]),
            )
            for rows in (np.sort(order[:cut]), np.sort(order[cut:]))
        ]
        return AlternatingBatches(*parts, steps=settings.turns)


def _as_text(policy):
    """A policy as a tuple of strings of ones and zeros, one a task."""
    return tuple("".join(str(int(value)) for value in row) for row in policy)
