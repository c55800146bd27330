"""The networks behind a table: how they are built one from another, and trained."""

import abc
from pathlib import Path

import keras

from keras_mtl.optimizers import SGD
from keras_mtl.recipes._resumable_fit import resumable_fit
from keras_mtl.search import cost, task_costs
from keras_mtl.sharing import Branched, LatentShared

DROPOUT = 0.5


class Networks(abc.ABC):
    """Networks of all ways of sharing with one seed, trained into one folder.

    Args:
        settings: the `Settings`.
        data: the data of the problem.
        tasks: names of the tasks.
        folder: where the networks are kept; those that are there already are not trained again.
        seed: integer seed of weights, order of the data and dropout.
    """

    def __init__(self, settings, data, tasks, folder, seed):
        self.settings, self.data, self.tasks = settings, data, tuple(tasks)
        self.folder, self.seed = Path(folder), seed
        self.folder.mkdir(parents=True, exist_ok=True)

    @abc.abstractmethod
    def scores(self, models):
        """Scores on the test images; several models of one task vote by their mean.

        Args:
            models: list of models; each task is in one of them at least.

        Returns:
            A dict from task to a dict from score to number.
        """

    @abc.abstractmethod
    def _build(self, sharing, tasks, seed, **options):
        """A network of some tasks under a sharing, from random weights."""

    def _stitched(self, units):
        """A cross-stitched network of all tasks, from random weights, in tables that have one."""
        raise NotImplementedError

    @abc.abstractmethod
    def _batches(self, tasks, seed):
        """What some tasks learn from: batches with an `epoch`, as of `ArrayBatches`."""

    @abc.abstractmethod
    def _losses(self, tasks):
        """Arguments of `compile`: the losses and their weights."""

    def cost(self, model):
        """Parameters and multiply-accumulates of a model."""
        return cost(model)

    def task_macs(self, model):
        """Multiply-accumulates of a model if each of its tasks ran by itself."""
        return sum(each.macs for each in task_costs(model).values())

    def one_task(self, task, member=0):
        """A trained one-task network; `member` numbers those that differ in their seed only."""
        seed = self.seed + 1000 * member
        return self._fit_first(
            lambda: self._build(Branched.independent(), [task], seed),
            [task],
            f"one_task_{task}_{member}",
            seed,
        )

    def further(self, task, member=0, learning_rate=None):
        """A one-task network trained on, for as many steps as a stitched one from the same start.

        Without them the stitched network would be compared with networks that saw less data.
        """
        rate = "" if learning_rate is None else f"_at_{learning_rate}"
        return self._fit_further(
            lambda: self.one_task(task, member),
            [task],
            f"one_task_{task}_{member}_further{rate}",
            self.seed + 1000 * member,
            learning_rate,
        )

    def joint(self, sharing, name, **options):
        """A network of all tasks under a sharing, from random weights.

        It has the steps of the one-task networks (of the longest, where they differ) and then as
        many as the stitched network.
        """

        def first():
            return self._fit_first(
                lambda: self._build(sharing, self.tasks, self.seed, **options),
                self.tasks,
                f"{name}_first",
                self.seed,
            )

        return self._fit_further(first, self.tasks, name, self.seed)

    def hard_sharing(self):
        return self.joint(Branched.hard_sharing(), "hard_sharing")

    def split(self, at):
        return self.joint(Branched.split(at=at), f"split_{at}")

    def latent_shared(self):
        sharing = LatentShared(self.settings.latent_size, DROPOUT, seed=self.seed)
        return self.joint(sharing, "latent_shared", head_dropout=0.0)

    def cross_stitched(self, name="cross_stitch", *, start="one-task", learning_rate=None, **units):
        """A cross-stitched network.

        Args:
            name: what its file is called; another one for other settings.
            start: `"one-task"`: the towers start from the one-task networks; `"random"`: from
                random weights; or what else `_initialized` knows. All but the first have the steps
                of the one-task networks in addition.
            learning_rate: the rate of the further steps; that of the settings if `None`.
            **units: `after`, `per_channel`, `alpha`, `learning_rate_multiplier`.
        """

        def start_of_further():
            if start == "one-task":
                one_task = [self.one_task(task) for task in self.tasks]
                model = self._stitched({**self._units(), **units})
                return model.initialize_from(*one_task)
            return self._fit_first(start_of_first, self.tasks, f"{name}_first", self.seed)

        def start_of_first():
            model = self._stitched({**self._units(), **units})
            return self._initialized(model, start)

        return self._fit_further(start_of_further, self.tasks, name, self.seed, learning_rate)

    def _units(self):
        """What the units are, unless a row says otherwise."""
        settings = self.settings
        return {"alpha": settings.alpha, "learning_rate_multiplier": settings.alpha_rate}

    def _initialized(self, model, start):
        """A stitched network that does not start from one-task networks, with its first weights."""
        return model

    def _fit_first(self, build, tasks, name, seed):
        known = self.settings.one_task_iterations
        iterations = max(known.get(task, max(known.values())) for task in tasks)
        return self._fit(build, tasks, name, iterations, seed, _warmed_up)

    def _fit_further(self, build, tasks, name, seed, learning_rate=None):
        iterations = self.settings.further_iterations
        falling = keras.optimizers.schedules.CosineDecay
        # Another order of the pictures than in the first steps.
        return self._fit(build, tasks, name, iterations, seed + 1, falling, learning_rate)

    def _fit(self, build, tasks, name, iterations, seed, schedule, learning_rate=None):
        settings = self.settings
        batches = self._batches(tasks, seed)
        epochs = -(-iterations // len(batches))
        learning_rate = learning_rate or settings.learning_rate
        if settings.annealed:
            learning_rate = schedule(learning_rate, epochs * len(batches))
        else:
            learning_rate = self._published_rate(learning_rate, first=schedule is _warmed_up)

        def compiled():
            model = build()
            model.compile(self._optimizer(learning_rate), **self._losses(tasks))
            return model

        path = self.folder / f"{name}.keras"
        return resumable_fit(compiled, batches, epochs, path, f"seed {self.seed}, {name}")

    def _optimizer(self, learning_rate):
        settings = self.settings
        return SGD(learning_rate, settings.momentum, weight_decay=settings.weight_decay)

    def _published_rate(self, rate, first):
        """The paper's learning rate, for the first or the further steps."""
        if self.settings.rate_falls_after is None:
            return rate
        # The further steps go on with the low rate.
        boundary = self.settings.rate_falls_after if first else 0
        return keras.optimizers.schedules.PiecewiseConstantDecay([boundary], [rate, rate / 10])


def _warmed_up(learning_rate, steps):
    """A rate that rises over the first tenth of the steps, and stays."""
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, 1, alpha=1.0, warmup_target=learning_rate, warmup_steps=steps // 10
    )
