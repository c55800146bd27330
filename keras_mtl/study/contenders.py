"""What is compared: ways of sharing, and how their networks are trained, as data."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_mtl._checks import check_integer
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated, Sharing
from keras_mtl.study._digest import digest
from keras_mtl.study._optimizer import check_optimizer
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.budget import Budget
from keras_mtl.study.choice import Choice
from keras_mtl.study.policy_of_tasks import PolicyOfTasks
from keras_mtl.study.policy_search import PolicySearch
from keras_mtl.study.training import Training
from keras_mtl.study.tree_of_tasks import TreeOfTasks
from keras_mtl.task import check_head
from keras_mtl.towers import Tower

BASELINE = "one-task"
"""Name of the contender with which the others are compared."""
TWIN = "twin of "
"""What stands before the name of a contender's twin."""


@dataclasses.dataclass(frozen=True)
class Contender:
    """A row of a comparison: a sharing, where its networks start from, and how they learn.

    Every network has the steps of the study, in two parts: the first at a rate that rises and
    stays, the second at one that falls to zero. Where the towers start from the one-task networks,
    those have had the first part, with the study's own optimizer and heads: they are the same for
    all contenders of so many steps.

    Attributes:
        name: what it is called.
        sharing: a `Sharing`, a `Choice` of one, or a function of a seed that makes one.
        start: `"one-task"`: from the one-task networks, as they are behind the first part;
            `"tower"`: from the weights of the tower; or the name of an auxiliary task of the study:
            all towers from that of a network that has learned this task alone.
        apart: whether every task has a network of its own.
        members: so many networks a task, which differ in their seed and vote.
        soft: whether each task has a tower that reads those of others; such a contender is also
            compared with its twin.
        twin: whether this is one: for every task the same sharing between two towers of this very
            task. What a contender gains beyond its twin comes of the other tasks.
        rate: factor on the rate of the optimizer.
        optimizer: a Keras optimizer, of which each network gets a copy, in place of the study's.
        steps: number of steps, or a `Budget`, in place of the study's; that of the one-task
            networks that it starts from, too.
        callbacks: function without arguments that returns a list of new Keras callbacks, for each
            of its trainings; one that goes on behind a stop has new ones. Their logs have the loss
            of an epoch; `val_loss` in the second part of a study with `patience`.
        search: how the network learns that a `Choice` of a policy looks at: a `PolicySearch`, or
            an `AdaShared` for one of as many steps as the first part; or `None`.
        looks_at: the contender whose networks a `Choice` looks at, in place of the one-task ones.
        candidates: so many networks, of the best choices, of which the best one on the validation
            examples is taken.
        heads: dict from task to the head that it has here, in place of its own.

    Example:

    >>> import keras_mtl
    >>> own = keras_mtl.study.Contender("two stitches", keras_mtl.sharing.CrossStitched(["conv1"]))

    Of another with other options:

    >>> import dataclasses
    >>> slow = dataclasses.replace(own, name="two slow stitches", rate=0.1)
    """

    name: str
    sharing: Sharing | Choice | Callable[[int], Sharing]
    start: str = "tower"
    apart: bool = False
    members: int = 1
    soft: bool = False
    twin: bool = False
    rate: float = 1.0
    optimizer: keras.optimizers.Optimizer | None = None
    steps: int | Budget | None = None
    callbacks: Callable[[], Sequence[keras.callbacks.Callback]] | None = None
    search: PolicySearch | AdaShared | None = None
    looks_at: "Contender | None" = None
    candidates: int = 1
    heads: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"`name` must be a name. Received: name={self.name!r}.")
        if not isinstance(self.sharing, (Sharing, Choice)) and (
            isinstance(self.sharing, type) or not callable(self.sharing)
        ):
            raise TypeError(
                "`sharing` must be an instance of Sharing, such as `CrossStitched()`. "
                f"Received: sharing={self.sharing!r}."
            )
        if self.name.startswith(TWIN) and not self.twin:
            raise ValueError(
                f"`name` must not begin with {TWIN!r}, which is what twins are called. "
                f"Received: name={self.name!r}."
            )
        if self.soft and isinstance(self.sharing, Choice):
            raise ValueError("`soft` must be False where the sharing is chosen. Received: True.")
        check_integer("members", self.members, 1)
        check_integer("candidates", self.candidates, 1)
        if self.candidates > 1 and not isinstance(self.sharing, PolicyOfTasks):
            raise ValueError(
                "`candidates` must be 1 where the sharing is no `PolicyOfTasks`. "
                f"Received: candidates={self.candidates}."
            )
        if self.rate is None or not self.rate > 0:
            raise ValueError(f"`rate` must be above 0. Received: rate={self.rate!r}.")
        check_optimizer(self.optimizer)
        for task, head in self.heads.items():
            check_head(f"heads[{task!r}]", head)
        if self.callbacks is not None and not callable(self.callbacks):
            raise TypeError(
                "`callbacks` must be a function that returns a list of new callbacks, since each "
                f"network needs its own. Received: callbacks={self.callbacks!r}."
            )
        if self.steps is not None:
            Budget.of(self.steps)

    def budget(self, study: AnyStudy) -> Budget:
        """Its own budget, or that of the study."""
        return study.budget if self.steps is None else Budget.of(self.steps)

    def twin_of_it(self) -> "Contender":
        """The same sharing between towers of the same task."""
        return dataclasses.replace(self, name=f"{TWIN}{self.name}", twin=True)

    def networks(self, study: AnyStudy, seed: int) -> tuple[Training, ...]:
        """The trainings of its networks for one seed, with all that they start from."""
        declared = _Declared(study, seed, self)
        if self.apart:
            return tuple(
                declared.alone(task, member)
                for member in range(self.members)
                for task in study.tasks
            )
        if self.twin:
            return tuple(declared.twin(task) for task in study.tasks)
        return tuple(declared.joint(rank) for rank in range(self.candidates))


class _Declared:
    """The trainings of a contender with one seed."""

    def __init__(self, study, seed, contender):
        self.study, self.seed, self.contender = study, seed, contender
        self.budget = contender.budget(study)
        self.own = {
            "rate": contender.rate,
            "optimizer": contender.optimizer,
            "callbacks": contender.callbacks,
            "heads": tuple(contender.heads.items()),
        }
        self.sharing = contender.sharing
        if not isinstance(self.sharing, (Sharing, Choice)):
            self.sharing = self.sharing(seed)
            if not isinstance(self.sharing, (Sharing, Choice)):
                raise TypeError(
                    f"`sharing` of {contender.name!r} must return a Sharing. "
                    f"Received: {self.sharing!r}."
                )

    def alone(self, task, member):
        """The network of one task behind both parts."""
        first = self.budget.first_of([task])
        start = (self.one_task(task, member),) if first else ()
        return self.second(((task, task),), start, member)

    def one_task(self, task, member=0):
        """A network of one task behind the first part: the same one for all that start from it."""
        return self._training(
            f"one-task {task}" + (f" ({member})" if member else "") + " (first part)",
            ((task, task),),
            "first",
            member,
            sharing=Branched.independent(),
            # Where it is no common start but the network itself, it learns as that does.
            **(self.own if self.contender.apart and self.contender.start == "tower" else {}),
        )

    def joint(self, rank=0):
        """One network of all tasks; of a choice that of so many better ones."""
        outputs = tuple((task, task) for task in self.study.tasks)
        options = {}
        if isinstance(self.sharing, Choice):
            options["chosen_from"] = self._looked_at(outputs)
            if rank:
                options["sharing"] = dataclasses.replace(self.sharing, rank=rank)
        return self.second(outputs, self._start(outputs, **options), **options)

    def _start(self, outputs, **options):
        """The trainings that it starts from."""
        if not self.budget.first_of(self.study.tasks):
            return ()
        if self.contender.start == "one-task":
            return tuple(self.one_task(task) for task in self.study.tasks)
        if self.contender.start != "tower":
            task = self.contender.start
            own = {"sharing": Branched.independent()}
            start = self._training(f"{task} (first part)", ((task, task),), "first", **own)
            options["start"] = (start,)
        return (self._first(outputs, **options),)

    def _looked_at(self, outputs):
        """The trainings that a choice looks at."""
        if self.contender.looks_at is not None:
            return self.contender.looks_at.networks(self.study, self.seed)
        baseline = self.study.baseline.networks(self.study, self.seed)
        if self.contender.search is not None:
            return (self.search(outputs), *baseline)
        if not self.budget.first_of(self.study.tasks):
            return baseline
        return tuple(self.one_task(task) for task in self.study.tasks)

    def twin(self, task):
        """The network of two towers of one task."""
        other = f"{task}_twin"
        while other in self.study.tasks:
            other += "_twin"
        outputs = ((task, task), (other, task))
        start = tuple(self.one_task(task, member) for member in (0, 1))
        if self.contender.start != "one-task":
            start = self._start(outputs)
        return self.second(outputs, start)

    def second(self, outputs, start, member=0, **options):
        """A network behind its second part."""
        name = self.contender.name
        if self.contender.apart or self.contender.twin:
            name += f" {outputs[0][0]}"
        return self._training(
            name,
            outputs,
            "second",
            member,
            start=start,
            patience=self.study.patience,
            **{**self.own, **options},
        )

    def search(self, outputs):
        """The network that learns a policy along with its weights."""
        search = self.contender.search
        if isinstance(search, AdaShared):
            search = PolicySearch.of(search, self.budget.first_of(self.study.tasks))
        rates = self.budget.rates("first")
        return self._training(
            f"{self.contender.name} (search)",
            outputs,
            "first",
            sharing=search.sharing,
            search=search,
            **{**self.own, **rates, "schedule": "constant", "steps": search.steps},
        )

    def _first(self, outputs, **options):
        name = f"{self.contender.name} (first part)"
        return self._training(name, outputs, "first", **{**self.own, **options})

    def _training(self, name, outputs, part, member=0, **options):
        budget = self.budget
        # Members differ in all that is drawn; the second part has another order of the examples.
        seed = self.seed + 1000 * member
        given = {
            "name": f"seed {self.seed}, {name}",
            "outputs": outputs,
            "sharing": self.sharing,
            "seed": seed,
            "order": seed + (part == "second" and bool(budget.first_of(self.study.tasks))),
            "steps": budget.second,
            "context": self.study.context_of(seed),
            "stages": self.study.tower(0).stages,
            **budget.rates(part),
        }
        if part == "first":
            given["steps"] = budget.first_of(task for _, task in outputs)
        given |= options
        tasks = {task for _, task in outputs}
        given["heads"] = tuple(each for each in given.get("heads", ()) if each[0] in tasks)
        if isinstance(given["sharing"], Choice) or given.get("patience") is not None:
            given["context"] = digest([given["context"], self.study.choosing])
        return Training(**given)


def one_task(name: str = BASELINE) -> Contender:
    """A network for each task, with which all others are compared."""
    return Contender(name, Branched.independent(), apart=True)


def ensemble(members: int = 2, name: str = "ensemble") -> Contender:
    """Several networks for each task, which vote; Misra et al., CVPR 2016, section 6.1."""
    return Contender(name, Branched.independent(), apart=True, members=members)


def hard_sharing(name: str = "hard sharing") -> Contender:
    """One tower for all tasks."""
    return Contender(name, Branched.hard_sharing())


def split(at: str, name: str | None = None) -> Contender:
    """Tasks share what stands before a stage; arguments as of `Branched.split`."""
    return Contender(name or f"split at {at}", Branched.split(at))


def cross_stitch(name: str = "cross-stitch", start: str = "one-task", **units: Any) -> Contender:
    """Towers with cross-stitch units between them; Misra et al., CVPR 2016.

    Args:
        name: what it is called.
        start: as of `Contender`.
        **units: as of `keras_mtl.sharing.CrossStitched`.
    """
    return Contender(name, CrossStitched(**units), start, soft=True)  # type: ignore[arg-type]


def latent_shared(latent_size: int, name: str = "MTL-shared", **options: Any) -> Contender:
    """Towers whose classifiers share a basis; arguments as of `LatentShared`."""
    return Contender(name, LatentShared(latent_size, **options))


def modulated(name: str = "modulated", **gates: Any) -> Contender:
    """One tower with gates for each task; arguments as of `Modulated`."""
    return Contender(name, Modulated(**gates))


def ada_share(name: str = "AdaShare", **policy: Any) -> Contender:
    """A policy is searched, chosen by validation, and its network trained anew.

    Args:
        name: what it is called.
        **policy: options of the search, as of `keras_mtl.sharing.AdaShared`.
    """
    options = {"sparsity_weight": 0.01, "agreement_weight": 0.05, **policy}
    return Contender(name, PolicyOfTasks(), search=AdaShared(**options))


def branched(budget: float = 0.5, name: str = "branched") -> Contender:
    """The tree in which the tasks' own networks are least unlike, trained on from those.

    Args:
        budget: how many parameters it may have, from 0, those of hard sharing, to 1, those of
            networks of their own.
        name: what it is called.
    """
    if not 0 <= budget <= 1:
        raise ValueError(f"`budget` must be from 0 to 1. Received: budget={budget!r}.")
    return Contender(name, TreeOfTasks(budget), start="one-task")


def automatic(tower: Tower, tasks: int) -> list[Contender]:
    """The contenders that fit a tower and a number of tasks."""
    chosen = [ensemble()]
    if tasks > 1:
        weighted = [stage for stage in tower.stages if tower.stage(stage).weights]
        chosen += [hard_sharing(), *(split(stage) for stage in weighted[1:])]
        chosen += [cross_stitch(), branched(), modulated()]
        if AdaShared.blocks(tower):
            chosen.append(ada_share())
    return chosen
