"""One network that is trained once, declared before it runs."""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import keras

from keras_mtl._files import file_of
from keras_mtl.balancing import Balancing
from keras_mtl.multi_task_model import MultiTaskModel, tasks_of
from keras_mtl.sharing import Branched, Sharing
from keras_mtl.study._digest import digest, renamed
from keras_mtl.study._draws import RepeatableDraws, draws_of, give_seeds
from keras_mtl.study._heads import described_head
from keras_mtl.study._keep import Keep
from keras_mtl.study._memory import peak_memory
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.choice import Choice
from keras_mtl.study.policy_search import PolicySearch
from keras_mtl.study.records import locked


class DoesNotFit(ValueError):
    """A sharing does not go with tower and tasks."""


@dataclasses.dataclass(frozen=True, eq=False)
class Training:
    """A network, what it learns and for how long: plain data, whose `hash` is its file.

    Attributes:
        name: what it is called where people look; no part of the hash.
        outputs: pairs of the name of an output and of the task that it is of.
        sharing: the `Sharing` of its tower, or a `Choice` of one.
        seed: integer seed of its weights and draws.
        order: integer seed of the order of the data.
        steps: number of steps.
        stages: names of the tower's stages; a sharing is hashed by their places.
        context: digest of what the trainings of a study have in common: tower, tasks, data,
            optimizer, versions.
        start: trainings whose weights it starts from; those of the tower if there are none.
        chosen_from: trainings that a `Choice` looks at.
        schedule: whether the rate rises to its value in the first tenth of the steps and stays,
            falls to zero by a cosine, or is the optimizer's.
        falls: of a constant rate that falls again and again: after how many steps, by which factor,
            and how many steps went before; or `None`.
        search: how weights and a policy learn by turns, or `None`.
        rate: factor on the optimizer's rate.
        optimizer: the optimizer, of which it gets a copy; the study's if `None`.
        callbacks: function that returns a list of new callbacks, or `None`.
        heads: pairs of a task and its head, where it is not the task's own.
        labels: triples of a task, how many of its labels it learns from, and the integer seed by
            which they are drawn; of other tasks all.
        balancing: the `Balancing`, of which it gets a copy, or `None`.
        patience: after so many epochs without a lower loss on the validation examples it ends, and
            the best epoch's network is kept; `None` for the network behind all steps.
    """

    name: str
    outputs: tuple[tuple[str, str], ...]
    sharing: Sharing | Choice
    seed: int
    order: int
    steps: int
    context: str
    stages: tuple[str, ...] = ()
    start: tuple["Training", ...] = ()
    chosen_from: tuple["Training", ...] = ()
    schedule: Literal["rising", "falling", "constant"] = "constant"
    falls: tuple[int, float, int] | None = None
    search: PolicySearch | None = None
    rate: float = 1.0
    optimizer: keras.optimizers.Optimizer | None = None
    callbacks: Callable[[], Sequence[keras.callbacks.Callback]] | None = None
    heads: tuple[tuple[str, Any], ...] = ()
    labels: tuple[tuple[str, int, int], ...] = ()
    balancing: Balancing | None = None
    patience: int | None = None

    @functools.cached_property
    def hash(self) -> str:
        """A name made of all that decides what the network becomes."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del fields["name"], fields["stages"]
        for field in ("labels", "balancing"):
            if not fields[field]:  # As it was when there were none.
                del fields[field]
        for field in ("start", "chosen_from"):
            fields[field] = [each.hash for each in fields[field]]
        places = {stage: f"stage {number}" for number, stage in enumerate(self.stages)}
        sharing = keras.saving.serialize_keras_object(self.sharing)
        fields["sharing"] = renamed(sharing, places)
        if self.balancing is not None:
            fields["balancing"] = keras.saving.serialize_keras_object(self.balancing)
        if self.optimizer is not None:
            fields["optimizer"] = keras.optimizers.serialize(self.optimizer)
        if self.search is not None:
            fields["search"] = self.search.described()
        fields["heads"] = [[task, described_head(head)] for task, head in self.heads]
        return digest(fields)

    @property
    def after(self) -> tuple["Training", ...]:
        """The trainings that must have ended before this one starts."""
        return (*self.start, *self.chosen_from)

    def run(self, study: AnyStudy, at: Callable[..., None] | None = None) -> None:
        """Trains the network, or goes on with it, and writes it and a record of it.

        A run that was stopped goes on behind the last epoch that it kept, and ends with the very
        same weights. Where the loss is no longer finite, or a network that it needs has failed, the
        record says so. `at` is told of it, its step and its loss, now and then.
        """
        with locked(study.file_of(self).with_suffix(".lock")):
            if study.is_done(self):
                return
            began = time.monotonic()
            one_is_enough = isinstance(self.sharing, Choice) and not self.sharing.needs_all
            needed = (self.start, self.chosen_from) if one_is_enough else (self.after,)
            result = {"failed": study.failure(*needed)}
            if result["failed"] is None:
                result = self._fit(study, at)
            study.records.append(
                {
                    "kind": "training",
                    "hash": self.hash,
                    "name": self.name,
                    "steps": self.steps,
                    "seconds": round(time.monotonic() - began, 2),
                    **result,
                    "peak_memory": peak_memory(),
                    "versions": study.versions,
                }
            )

    def _fit(self, study, at):
        """Trains the network; returns what there is to say of it."""
        began, path, batches = time.monotonic(), study.file_of(self), study.batches(self)
        length = min(len(batches), self.steps)
        epochs, rest = divmod(self.steps, length)
        try:
            model = self._kept(study) if path.exists() else self.compiled(study)
        except DoesNotFit as error:
            return {"failed": str(error)}
        keep = Keep(self, path, length, model, at)
        # It is kept as it is behind their own callbacks.
        own = list(self.callbacks()) if self.callbacks else []
        callbacks = [RepeatableDraws(batches), *own, keep, *study.callbacks(self)]
        whole = None if length == len(batches) else length
        try:
            for end, steps in ((epochs, whole), (epochs + bool(rest), rest)):
                if keep.epochs < end and not keep.is_over:
                    model.fit(
                        batches,
                        initial_epoch=keep.epochs,
                        epochs=end,
                        steps_per_epoch=steps,
                        validation_data=study.validation_batches(self),
                        shuffle=False,  # The batches have an order.
                        verbose=0,
                        callbacks=callbacks,
                    )
                    if model.stop_training:
                        break
        except FloatingPointError as error:
            return {"failed": f"{self.name} diverged: {error}"}
        keep.end()
        spent = keep.seconds + time.monotonic() - began
        log = {"loss": keep.losses, "validation_loss": keep.validation, "epoch_steps": length}
        steps = min(self.steps, keep.epochs * length)
        return {**log, "steps": steps, "seconds": round(spent, 2)}

    def compiled(self, study: AnyStudy) -> keras.Model:
        """The network as it starts.

        Raises:
            DoesNotFit: the sharing does not go with tower and tasks.
        """
        sharing = self.sharing
        if not isinstance(sharing, Sharing):
            with self._fitting():
                sharing = sharing.choose(study, self)
        start = self._networks_to_start_from(study)
        model = self.built(study, sharing)
        if self._start_of_towers(study):
            with self._fitting():
                model.initialize_towers_from(*start)
        elif start:
            # Heads of its own cannot start from those of others.
            theirs = {task for each in self.start for task, _ in each.heads}
            own = {task for task, _ in self.heads} - theirs
            heads = [output for output, task in self.outputs if task not in own]
            with self._fitting():
                model.initialize_from(*start, heads=heads)
        with self._fitting():
            study.compile(model, self)
        return model

    def built(self, study: AnyStudy, sharing: Sharing) -> MultiTaskModel:
        """The network with the weights that the seed draws."""
        tower = study.tower(self.seed)
        with draws_of(self.seed):
            known = {**study.tasks, **study.auxiliary}
            heads = {task: known[task].head for _, task in self.outputs} | dict(self.heads)
            tasks = {
                output: known[task].with_head(study.head(heads[task], self.seed, place))
                for place, (output, task) in enumerate(self.outputs)
            }
            with self._fitting():
                model = study.build(tower, sharing, tasks)
        give_seeds(model, self.seed)
        return model

    @contextlib.contextmanager
    def _fitting(self):
        """Within it an error says that the sharing does not go with tower and tasks."""
        try:
            yield
        except (ValueError, TypeError) as error:
            raise DoesNotFit(f"{self.name} does not fit: {str(error)[:500]}") from error

    def _start_of_towers(self, study):
        """Whether all its towers start from that of an auxiliary task."""
        theirs = {task for each in self.start for _, task in each.outputs}
        return bool(theirs & set(study.auxiliary) - {task for _, task in self.outputs})

    def _networks_to_start_from(self, study):
        models = [study.network(each) for each in self.start]
        if self._start_of_towers(study):
            return models
        known = {task for model in models for task in model.tasks}
        if not models or known.issuperset(output for output, _ in self.outputs):
            return models
        # The towers of a twin, each from a network of its one task.
        return [
            _called(model, output) for model, (output, _) in zip(models, self.outputs, strict=True)
        ]

    def _kept(self, study):
        with self.whole_file_of(study) as path:
            return keras.models.load_model(path, custom_objects=study.custom_objects)

    @contextlib.contextmanager
    def whole_file_of(self, study: AnyStudy) -> Iterator[Path]:
        """The file of its network, within what says what to do if it is damaged."""
        path = study.file_of(self)
        try:
            with file_of("a study", path, "`folder` must hold"):
                yield path
        except ValueError as error:
            raise ValueError(f"{error} Remove it, and {self.name} is trained again.") from error


def _called(model, output):
    """A network of one task under another name of it."""
    (task,) = model.tasks
    tower = model.tower(task)
    return MultiTaskModel(tower, Branched.independent(), {output: tasks_of(model)[task]})
