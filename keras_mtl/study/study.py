"""Tasks, contenders and seeds under one budget: what is to be trained, before anything is."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_mtl._checks import check_integer
from keras_mtl._types import Augmentation, PathLike
from keras_mtl.graphs.layers_within import layers_within
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.optimizers import Adam
from keras_mtl.search import Cost, cost
from keras_mtl.sharing import Sharing
from keras_mtl.study._all_contenders import all_contenders
from keras_mtl.study._backbone import Backbone
from keras_mtl.study._check_study import check_study, check_tasks
from keras_mtl.study._custom_objects import custom_objects
from keras_mtl.study._digest import described, digest, digest_of_arrays, versions
from keras_mtl.study._draws import give_seeds
from keras_mtl.study._folder import open_folder
from keras_mtl.study._heads import described_head, head_of_seed
from keras_mtl.study._optimizer import check_optimizer, optimizer_of
from keras_mtl.study._settings import settings_of
from keras_mtl.study._types import Launcher
from keras_mtl.study.budget import Budget
from keras_mtl.study.choice import Choice
from keras_mtl.study.contender import BASELINE, Contender
from keras_mtl.study.examples import Examples, examples_of
from keras_mtl.study.found import Found
from keras_mtl.study.launchers import local
from keras_mtl.study.progress import Progress
from keras_mtl.study.recorded_study import declare
from keras_mtl.study.records import Records
from keras_mtl.study.row import Row, with_all_before
from keras_mtl.study.scored import Scored
from keras_mtl.study.scores import scores
from keras_mtl.study.study_plan import StudyPlan
from keras_mtl.study.training import Training
from keras_mtl.task import Task
from keras_mtl.task.heads import config_of_head
from keras_mtl.towers import Tower


class Study(Scored):
    """What should tasks share? Contenders, each with several seeds, on one network and its data.

    All that is to be trained is known before anything is: `print(study.plan())`. `run` does what is
    not done yet, and can be stopped at any time; a study with further seeds or contenders on the
    same folder goes on from what is there.

    Args:
        backbone: a Keras functional model from an input to features, a `keras_mtl.towers.Tower`, or
            a function of an integer seed that makes one of them.
        tasks: dict from name to `keras_mtl.Task`.
        train: pair (x, y) that networks learn from: an array (N, …), and a dict from task to an
            array (N, …) of targets, of which some may be missing; or a list of several such pairs,
            each with targets of some tasks; or `Examples` of another kind. A network learns from
            the rows that have a label of one of its tasks.
        validation: the same, by which all choices are made.
        test: the same, by which networks are compared.
        steps: number of steps of each network, half of them in each part; or a `Budget`.
        contenders: `"auto"` for those that fit, or a list of `Contender`s, or of names of those
            that fit, alone or with a balancing, such as `"hard sharing + PCGrad"`. The one-task
            networks, with which all are compared, and the twins of soft sharings come of
            themselves.
        seeds: number of seeds, from 0 on.
        batch_size: examples a step.
        optimizer: a Keras optimizer, of which each network gets a copy; `Adam(1e-3)` of
            `keras_mtl.optimizers` if `None`. A learning rate that is a number rises in the first
            tenth of the steps and falls to zero in the second half; a schedule stays as it is.
        cuts: names of the layers that end the backbone's stages; found by `propose_cuts` if `None`.
            A `Tower` has its own.
        weights: `"keep"` if all seeds start from the backbone's weights, `"draw"` if each draws its
            own; if `None`, they are kept where the backbone has been trained.
        patience: epochs of the second half of the steps without a lower loss on the validation
            examples, after which a network is taken as it was at its best; `None` for all steps.
        auxiliary: dict of further tasks, which networks may start from, but are not compared by.
        augment: what changes each batch that networks learn from, as of
            `keras_mtl.datasets.ArrayBatches`, such as `keras_mtl.augmentation.Compose([…])`.
        mix: as of `keras_mtl.datasets.JoinedBatches`: which shares examples have in a batch, if
            some have labels of other tasks than others: `"proportional"` to their number,
            `"equal"`, or a temperature between.
        folder: where networks and records are kept.

    Raises:
        TypeError: an argument is of another kind.
        ValueError: an argument does not fit, or the folder holds another study.

    Example:

    >>> import keras, numpy as np, tempfile, keras_mtl
    >>> x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    >>> examples = (x, {"a": x[:, :1], "b": x[:, 1:2]})
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu", name="one")])
    >>> study = keras_mtl.Study(
    ...     net, {task: keras_mtl.Task.regression() for task in "ab"}, examples, examples, examples,
    ...     steps=4, seeds=1, contenders=[keras_mtl.study.hard_sharing()],
    ...     folder=tempfile.mkdtemp())
    >>> [row.contender for row in study.rows]
    ['one-task', 'hard sharing']
    """

    def __init__(
        self,
        backbone: keras.Model | Tower | Callable[[int], keras.Model | Tower],
        tasks: Mapping[str, Task],
        train: Any,
        validation: Any,
        test: Any,
        *,
        steps: int | Budget,
        contenders: Sequence[Contender | str] | str = "auto",
        seeds: int = 3,
        batch_size: int = 32,
        optimizer: keras.optimizers.Optimizer | None = None,
        cuts: Sequence[str] | None = None,
        weights: str | None = None,
        patience: int | None = None,
        auxiliary: Mapping[str, Task] | None = None,
        augment: Augmentation | None = None,
        mix: str | float = "proportional",
        folder: PathLike = "what_to_share",
    ) -> None:
        check_tasks(tasks)
        self.tasks, self.auxiliary = dict(tasks), dict(auxiliary or {})
        if self.auxiliary:
            check_tasks(self.auxiliary)
        self.budget = Budget.of(steps)
        self.budget.check(self.tasks)
        self.seeds = check_integer("seeds", seeds, 1)
        self.batch_size = check_integer("batch_size", batch_size, 1)
        self.patience = None if patience is None else check_integer("patience", patience, 1)
        names = list(self.tasks)
        if mix not in ("proportional", "equal") and (isinstance(mix, str) or not mix > 0):
            raise ValueError(
                "`mix` must be 'proportional', 'equal' or a temperature above 0. "
                f"Received: mix={mix!r}."
            )
        self.augment, self.mix = augment, mix
        given = {"augment": augment, "mix": mix}
        self.train = examples_of("train", train, [*names, *self.auxiliary], **given)
        self.validation = examples_of("validation", validation, names)
        self.test = examples_of("test", test, names)
        for part in (self.train, self.validation, self.test):
            part.look_for_labels({**self.tasks, **self.auxiliary})
        self._optimizer = Adam(1e-3) if optimizer is None else optimizer
        check_optimizer(self._optimizer)
        self.backbone = Backbone(backbone, cuts, weights)
        self.check()
        self.contenders = all_contenders(self, contenders)
        self.folder = Path(folder)
        self.versions = versions()
        self.context = digest(self._context())
        self.choosing = digest(self._choosing())
        self._sizes: dict[str, tuple[Cost | str, int]] = {}
        self._baselines: dict[tuple[str, ...], dict[str, Any]] = {}
        open_folder(self)
        self.records = Records(self.folder / "records.jsonl")

    @functools.cached_property
    def rows(self) -> list[Row]:
        """All contenders with all seeds, seed by seed."""
        scored = digest([self.choosing, self.test.digest])
        return [
            Row(each.name, seed, each.networks(self, seed), scored, self._baseline_of(each, seed))
            for seed in range(self.seeds)
            for each in self.contenders
        ]

    def described(self) -> dict[str, dict[str, str]]:
        return settings_of(self)

    @property
    def budget_text(self) -> str:
        """How long networks learn, in words."""
        steps = self.budget.first_of(self.tasks) + self.budget.second
        own = [each.name for each in self.contenders if each.steps is not None]
        also = f" ({', '.join(own)}: steps of their own)" if own else ""
        return f"{steps} steps of {self.batch_size} examples{also}"

    @functools.cached_property
    def trainings(self) -> list[Training]:
        """All networks, none before one that it depends on."""
        return with_all_before([each for row in self.rows for each in row.networks])

    def waiting(self) -> list[Training | Row]:
        """What is to be run, none before one that it depends on.

        A network that is gone is trained again only if something waits for it.
        """
        jobs: dict[str, Training | Row] = {}

        def add(job):
            if job.hash not in jobs and not self.is_done(job):
                for each in job.after:
                    add(each)
                jobs[job.hash] = job

        for row in self.rows:
            add(row)
        return list(jobs.values())

    def is_done(self, job: Training | Row) -> bool:
        """Whether there is nothing to run: it has ended or failed, and its network is there."""
        record = self.record_of(job)
        if not record:
            return False
        return isinstance(job, Row) or bool(record.get("failed")) or self.file_of(job).exists()

    def plan(self) -> StudyPlan:
        """What is to be trained, what of it is done, and about how long the rest takes."""
        return StudyPlan(self)

    def run(self, launcher: Launcher = local, progress: type[Progress] = Progress) -> Found:
        """Trains and scores what has not been yet.

        Args:
            launcher: who runs it: `local`, `processes(count)` or a function of yours like them.
            progress: what tells how far it is; by default in lines.

        Returns:
            What there is to say: a `Found`.
        """
        declare(self)
        waiting = self.waiting()
        with progress(self, waiting) as told:
            launcher(self, waiting, told)
        return self.found()

    def failure(self, needed: Sequence[Training], one_of: Sequence[Training] = ()) -> str | None:
        """Why one of the trainings that are needed has failed, or all of others; `None` if not."""
        reasons, others = (
            [self.record_of(each).get("failed") for each in of] for of in (needed, one_of)
        )
        return next(filter(None, [*reasons, *(others if all(others) else [])]), None)

    def network(self, training: Training) -> MultiTaskModel:
        """The network of a training that has ended, not compiled.

        One whose file has been removed is trained again.

        Raises:
            ValueError: its file is damaged; it says what to do.
        """
        if not self.file_of(training).exists():
            for each in with_all_before([training]):
                each.run(self)
        with training.whole_file_of(self) as path:
            model = keras.models.load_model(path, custom_objects=self.custom_objects, compile=False)
        if isinstance(model, MultiTaskModel):
            # What its file says of losses and metrics, or can say, does not count.
            known = {**self.tasks, **self.auxiliary}
            tasks = {output: known[task] for output, task in training.outputs}
            model._tasks = {name: task.with_head(model.head(name)) for name, task in tasks.items()}
        return model

    @functools.cached_property
    def custom_objects(self) -> dict[str, Any]:
        """Classes and functions of the caller's program, by the names that files have for them."""
        return custom_objects(self)

    def check(self) -> None:
        """Raises a `ValueError` if targets do not fit the heads, before anything is trained."""
        check_study(self)

    def tower(self, seed: int) -> Tower:
        """What networks of a seed are made of."""
        return self.backbone.tower(seed)

    def context_of(self, seed: int) -> str:
        """What the trainings of a seed have in common."""
        drawn = self.backbone.digest(seed)
        return digest([self.context, drawn]) if drawn else self.context

    def build(self, tower: Tower, sharing: Sharing, tasks: Mapping[str, Task]) -> Any:
        """A network of a tower, a sharing and tasks."""
        return MultiTaskModel(tower, sharing, tasks)

    def compile(self, model: Any, training: Training) -> None:
        """Compiles the network of a training, by its tasks."""
        balancing = training.balancing
        if balancing is not None:  # Its state is that of one network.
            with keras.saving.custom_object_scope(self.custom_objects):
                balancing = type(balancing).from_config(balancing.get_config())
            give_seeds(balancing, training.seed)
        model.compile(self.optimizer(training), metrics={}, balancing=balancing)

    def batches(self, training: Training) -> Any:
        """What a training learns from, in its order."""
        outputs, examples = dict(training.outputs), self.train.with_labels(training.labels)
        if training.search is not None:
            return training.search.batches(examples, outputs, self.batch_size, training.order)
        return examples.batches(outputs, self.batch_size, training.order)

    def validation_batches(self, training: Training) -> Any:
        """What a training with patience looks at behind every epoch; `None` for others."""
        if training.patience is None:
            return None
        return self.validation.batches(dict(training.outputs), self.batch_size)

    def callbacks(self, training: Training) -> list[keras.callbacks.Callback]:
        """Callbacks of a training beside those that keep it."""
        if training.search is None:
            return []
        return training.search.callbacks(self.file_of(training).with_suffix(".csv"))

    def optimizer(self, training: Training) -> keras.optimizers.Optimizer:
        """A new optimizer for a training."""

        def new(optimizer=None):
            if optimizer is not None:  # That of a search keeps its rate.
                return optimizer_of(dataclasses.replace(training, falls=None), optimizer)
            return optimizer_of(training, training.optimizer or self._optimizer)

        return new() if training.search is None else training.search.by_turns(new)

    def head(self, head: Any, seed: int, place: int) -> keras.layers.Layer:
        """The head of a network's output, with the weights of a seed; `place` counts outputs."""
        return head_of_seed(head, seed)

    def scores(
        self, models: Sequence[Any], examples: Examples, run_eagerly: bool = False
    ) -> dict[str, dict]:
        """The metrics of every task; several networks of one task vote."""
        return scores(models, self.tasks, examples, self.batch_size, run_eagerly)

    def _baseline_of(self, contender, seed):
        """What a row needs to take the best one of its networks."""
        return self.baseline.networks(self, seed) if contender.candidates > 1 else ()

    def networks(self, row: Row) -> list[Any]:
        """The networks of a row that has been scored: all of them, or the best one."""
        return [self.network(each) for each in self.scored_networks(row)]

    @functools.cached_property
    def baseline(self) -> Contender:
        """The one-task networks, with which all others are compared."""
        return next(each for each in self.contenders if each.name == BASELINE)

    def validation_gain(self, models: Sequence[Any], baseline: Sequence[Training]) -> float:
        """The mean gain over other networks on the validation examples; -inf if there is none."""
        key = tuple(each.hash for each in baseline)
        if key not in self._baselines:
            of_baseline = self.scores([self.network(each) for each in baseline], self.validation)
            self._baselines[key] = self.headlines(of_baseline)
        ours = self.headlines(self.scores(models, self.validation))
        gain = float(self.gain(ours, self._baselines[key]))
        return gain if math.isfinite(gain) else -math.inf

    def best_of(self, candidates: Sequence[Training], baseline: Sequence[Training]) -> Training:
        """The training whose network is best by its gain over others on the validation examples.

        Of those that have not failed.
        """
        candidates = [each for each in candidates if not self.record_of(each).get("failed")]
        if len(candidates) == 1:
            return candidates[0]
        return max(
            candidates, key=lambda each: self.validation_gain([self.network(each)], baseline)
        )

    def cost_of(self, model: Any) -> Cost:
        """What a network costs."""
        return cost(model)

    def cost(self, training: Training) -> Cost | str:
        """What a network costs (at most, where its sharing is not known yet), or why it is none."""
        return self._size(training)[0]

    def layers(self, training: Training) -> int:
        """How many layers its network has."""
        return self._size(training)[1]

    def macs(self, training: Training) -> int:
        """Multiply-accumulates of a training, about."""
        found = self.cost(training)
        passes = 3  # A step is about so many forward passes.
        return (
            passes * found.macs * training.steps * self.batch_size if isinstance(found, Cost) else 0
        )

    def _size(self, training):
        sharing = training.sharing
        sharing = sharing.largest() if isinstance(sharing, Choice) else sharing
        key = digest(
            [
                keras.saving.serialize_keras_object(sharing),
                training.outputs,
                [config_of_head(head) for _, head in training.heads],
            ]
        )
        if key not in self._sizes:
            try:
                model = training.built(self, sharing)
                self._sizes[key] = self.cost_of(model), len(layers_within(model))
            except ValueError as error:
                self._sizes[key] = str(error), 0
        return self._sizes[key]

    def _context(self):
        """What decides all networks alike."""
        tower = self.tower(0)
        return {
            "tower": tower.get_config(),
            "weights": digest_of_arrays(tower.model.get_weights()),
            "tasks": {
                name: [
                    *(described_head(task.head), described(task.loss), task.weight),
                    *(x for x in (task.missing, task.class_weight) if x is not None),
                ]
                for name, task in {**self.tasks, **self.auxiliary}.items()
            },
            "train": self.train.digest,
            "batch_size": self.batch_size,
            "augment": self.augment,
            **({} if self.mix == "proportional" else {"mix": self.mix}),
            "optimizer": keras.optimizers.serialize(self._optimizer),
            "versions": self.versions,
        }

    def _choosing(self):
        """What decides all choices alike."""
        return {
            "validation": self.validation.digest,
            "tasks": {
                name: [
                    *(described(task.metrics), task.headlines, task.directions, task.kind),
                    *(() if task.missing is None else (task.missing,)),
                ]
                for name, task in self.tasks.items()
            },
        }
