"""What is compared: a way of sharing, and how its networks are trained, as data."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_mtl._checks import check_integer
from keras_mtl.balancing import Balancing
from keras_mtl.balancing.balancing import check_balancing
from keras_mtl.sharing import AdaShared, Sharing
from keras_mtl.study._declared import Declared
from keras_mtl.study._optimizer import check_optimizer
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.budget import Budget
from keras_mtl.study.choice import Choice
from keras_mtl.study.policy_of_tasks import PolicyOfTasks
from keras_mtl.study.policy_search import PolicySearch
from keras_mtl.study.training import Training
from keras_mtl.task.heads import check_head

BASELINE = "one-task"
"""Name of the contender with which the others are compared."""
AND = " + "
"""What stands between the name of a sharing and that of a balancing."""
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
            examples is taken; those that diverge are left out.
        heads: dict from task to the head that it has here, in place of its own.
        balancing: a `Balancing`, of which each network of several tasks gets a copy, or `None`.
        labels: dict from task to the number of labels that its networks learn from, in place of
            all: how does it do with fewer? They are drawn anew for each seed, the same ones for
            all contenders; of a larger number they are part.

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
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)
    balancing: Balancing | None = None

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
        if self.balancing is not None:
            check_balancing(self.balancing)
        if self.balancing is not None and self.apart:
            raise ValueError(
                f"`balancing` must be None where each task has a network of its own, as in "
                f"{self.name!r}. Received: {self.balancing.name}."
            )
        for task, head in self.heads.items():
            check_head(f"heads[{task!r}]", head)
        for task, count in self.labels.items():
            check_integer(f"labels[{task!r}]", count, 1)
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
        declared = Declared(study, seed, self)
        if self.apart:
            return tuple(
                declared.alone(task, member)
                for member in range(self.members)
                for task in study.tasks
            )
        if self.twin:
            return tuple(declared.twin(task) for task in study.tasks)
        return tuple(declared.joint(rank) for rank in range(self.candidates))
