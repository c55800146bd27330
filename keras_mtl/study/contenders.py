"""The ready contenders: the papers' systems and their baselines."""

import dataclasses
from typing import Any

from keras_mtl.balancing import Balancing
from keras_mtl.sharing import AdaShared, Branched, CrossStitched, LatentShared, Modulated
from keras_mtl.study.contender import AND, BASELINE, Contender
from keras_mtl.study.policy_of_tasks import PolicyOfTasks
from keras_mtl.study.tree_of_tasks import TreeOfTasks
from keras_mtl.towers import Tower


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


def with_balancing(
    contender: Contender, balancing: Balancing, name: str | None = None
) -> Contender:
    """A contender whose networks of several tasks are trained with a balancing.

    Args:
        contender: the `Contender`, such as `hard_sharing()`.
        balancing: a `keras_mtl.balancing.Balancing`.
        name: what it is called; `"hard sharing + PCGrad"`, say, if `None`. A page of a study shows
            contenders of such names as a table, the sharings by the balancings.
    """
    name = name or f"{contender.name}{AND}{type(balancing).__name__}"
    return dataclasses.replace(contender, name=name, balancing=balancing)


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
