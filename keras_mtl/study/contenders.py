"""What is compared: ways of sharing, and how their networks are trained, as data."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from keras_mtl._check_choice import check_choice
from keras_mtl._check_integer import check_integer
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated, Sharing
from keras_mtl.study._policy_search import PolicySearch
from keras_mtl.study.choices import Choice, PolicyOfTasks, TreeOfTasks
from keras_mtl.towers import Tower

if TYPE_CHECKING:
    from keras_mtl.study.study import Study
    from keras_mtl.study.training import Training

BASELINE = "one-task"
"""Name of the contender with which the others are compared."""
TWIN = "twin of "
"""What stands before the name of a contender's twin."""


@dataclasses.dataclass(frozen=True)
class Contender:
    """A row of a comparison: a sharing, where its networks start from, and how they learn.

    Every network has the steps of the study, in two parts: the first at a rate that rises and
    stays, the second at one that falls to zero. Where the towers start from the one-task networks,
    those have had the first part.

    Attributes:
        name: what it is called.
        sharing: a `Sharing`, or a `Choice` of one.
        start: `"one-task"`: from the one-task networks, as they are behind the first part; or
            `"tower"`: from the weights of the tower.
        apart: whether every task has a network of its own.
        members: so many networks a task, which differ in their seed and vote.
        soft: whether each task has a tower that reads those of others; such a contender is also
            compared with its twin.
        twin: whether this is one: for every task the same sharing between two towers of this very
            task. What a contender gains beyond its twin comes of the other tasks.
        rate: factor on the rate of the optimizer.
        search: the sharing of the network that a `Choice` of a policy looks at, or `None`.

    Example:

    >>> import keras_mtl
    >>> own = keras_mtl.study.Contender("two stitches", keras_mtl.sharing.CrossStitched(["conv1"]))
    """

    name: str
    sharing: Sharing | Choice
    start: Literal["tower", "one-task"] = "tower"
    apart: bool = False
    members: int = 1
    soft: bool = False
    twin: bool = False
    rate: float = 1.0
    search: Sharing | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"`name` must be a name. Received: name={self.name!r}.")
        if not isinstance(self.sharing, (Sharing, Choice)):
            raise TypeError(
                "`sharing` must be an instance of Sharing, such as `CrossStitched()`. "
                f"Received: sharing={self.sharing!r}."
            )
        check_choice("start", self.start, ("tower", "one-task"))
        check_integer("members", self.members, 1)

    def twin_of_it(self) -> "Contender":
        """The same sharing between towers of the same task."""
        return dataclasses.replace(self, name=f"{TWIN}{self.name}", twin=True)

    def networks(self, study: "Study", seed: int) -> "tuple[Training, ...]":
        """The trainings of its networks for one seed, with all that they start from."""
        declared = _Declared(study, seed, self)
        if self.apart:
            return tuple(
                declared.second([task], (declared.one_task(task, member),), member)
                for member in range(self.members)
                for task in study.tasks
            )
        if self.twin:
            return tuple(declared.twin(task) for task in study.tasks)
        return (declared.joint(),)


class _Declared:
    """The trainings of a contender with one seed."""

    def __init__(self, study, seed, contender):
        self.study, self.seed, self.contender = study, seed, contender
        self.first_steps = study.steps // 2

    def one_task(self, task, member=0):
        """A network of one task behind the first part: the same one for all contenders."""
        seed = self.seed + 1000 * member
        return self._training(
            f"one-task {task}" + (f" ({member})" if member else ""),
            ((task, task),),
            Branched.independent(),
            steps=self.first_steps,
            seed=seed,
            order=seed,
            schedule="rising",
        )

    def second(self, tasks, start, member=0, **options):
        """A network behind its second part."""
        seed = self.seed + 1000 * member
        return self._training(
            " ".join([self.contender.name, *(tasks if self.contender.apart else [])]),
            tuple((task, task) for task in tasks),
            options.pop("sharing", self.contender.sharing),
            steps=self.study.steps - self.first_steps,
            seed=seed,
            # Another order of the examples than in the first part.
            order=seed + 1,
            schedule="falling",
            start=start,
            patience=self.study.patience,
            rate=self.contender.rate,
            **options,
        )

    def joint(self):
        """One network of all tasks."""
        tasks = list(self.study.tasks)
        one_task = tuple(self.one_task(task) for task in tasks)
        chosen_from = ()
        if isinstance(self.contender.sharing, Choice):
            chosen_from = one_task if self.contender.search is None else (self.search(),)
        start = one_task
        if self.contender.start == "tower":
            start = (self._first(tuple((task, task) for task in tasks), chosen_from),)
        return self.second(tasks, start, chosen_from=chosen_from)

    def twin(self, task):
        """The network of two towers of one task."""
        outputs = ((task, task), (f"{task}_twin", task))
        if self.contender.start == "tower":
            start = (self._first(outputs),)
        else:
            start = tuple(self.one_task(task, member) for member in (0, 1))
        training = self.second([task], start)
        return dataclasses.replace(training, name=f"{training.name} {task}", outputs=outputs)

    def search(self):
        """The network that learns a policy along with its weights."""
        return self._training(
            f"{self.contender.name} (search)",
            tuple((task, task) for task in self.study.tasks),
            self.contender.search,
            steps=PolicySearch(self.first_steps).steps,
            order=self.seed,
            schedule="search",
        )

    def _first(self, outputs, chosen_from=()):
        return self._training(
            f"{self.contender.name} (first part)",
            outputs,
            self.contender.sharing,
            steps=self.first_steps,
            order=self.seed,
            schedule="rising",
            chosen_from=chosen_from,
            rate=self.contender.rate,
        )

    def _training(self, name, outputs, sharing, **options):
        from keras_mtl.study.training import Training

        return Training(
            name=f"seed {self.seed}, {name}",
            outputs=outputs,
            sharing=sharing,
            context=self.study.context,
            **{"seed": self.seed, **options},
        )


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
    options = {"sparsity": 0.01, "sharing": 0.05, **policy}
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
