"""One tower, whose features every task scales by gates of its own."""

from collections.abc import Iterable, Sequence

import keras

from keras_mtl._checks import names
from keras_mtl._types import Config, Features
from keras_mtl.layers import ModulationGate
from keras_mtl.sharing.plan import Plan
from keras_mtl.sharing.sharing import Sharing, unit_options
from keras_mtl.towers.tower import Tower


@keras.saving.register_keras_serializable("keras_mtl")
class Modulated(Sharing):
    """All tasks go through one tower, with a `ModulationGate` behind chosen stages.

    All weights but the gates are shared. Up to the first gate everything is computed once for all
    tasks; from there on they go through the stages as one batch of T times the examples, of which
    batch normalisation takes its statistics, of all tasks together. Without gates this is hard
    sharing, and with gates of one, as at the start, it computes the same.

    The gate behind a stage is the layer called `gate_<stage>`; its rows stand in the order of the
    tasks.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018, section 3.

    Args:
        after: names of the stages that are followed by a gate; all stages if `None`.
        per_channel: as in `ModulationGate`.
        relu: as in `ModulationGate`.
        initializer: as in `ModulationGate`.
        regularizer: as in `ModulationGate`.
        learning_rate_multiplier: as in `ModulationGate`.

    Raises:
        ValueError: options as of `ModulationGate`; from `plan`: an unknown stage (the
            known ones are listed).

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((8,))
    >>> tower = keras_mtl.towers.Tower(
    ...     keras.Sequential([image, keras.layers.Dense(6, name="embedding")]), cuts=[])
    >>> model = keras_mtl.MultiTaskModel(
    ...     tower, keras_mtl.sharing.Modulated(after=["embedding"]),
    ...     tasks={"age": keras.layers.Dense(1), "species": keras.layers.Dense(5)})
    >>> tuple(model.get_layer("gate_embedding").rows().shape)
    (2, 6)
    """

    together = True

    def __init__(
        self,
        after: str | Iterable[str] | None = None,
        per_channel: bool = True,
        relu: bool | None = None,
        initializer: str | Config | keras.initializers.Initializer = "ones",
        regularizer: str | Config | keras.regularizers.Regularizer | None = None,
        learning_rate_multiplier: float = 1.0,
    ) -> None:
        self.after = None if after is None else names(after, "after")
        # Wrong options are refused here rather than when the model is built.
        gate = ModulationGate(
            1,
            per_channel,
            relu,
            initializer=initializer,
            regularizer=regularizer,
            learning_rate_multiplier=learning_rate_multiplier,
        )
        self.per_channel, self.relu = gate.per_channel, gate.relu
        self.initializer, self.regularizer = gate.initializer, gate.regularizer
        self.learning_rate_multiplier = gate.learning_rate_multiplier

    def check(self, tower: Tower, tasks: Sequence[str]) -> None:
        for stage in self.after or ():
            tower.index(stage, "after")

    def partition(self, stage: str, tower: Tower, tasks: Sequence[str]) -> list[list[str]]:
        return [list(tasks)]

    def join(self, plan: Plan, stage: str, features: Features) -> Features:
        if self.after is not None and stage not in self.after:
            return features
        options = {**vars(self), **unit_options(plan, stage), "name": gate_name(stage)}
        del options["after"]
        return plan.unit_of_all(ModulationGate(len(features), **options), features, behind=stage)

    def get_config(self) -> Config:
        return {
            "after": self.after,
            "per_channel": self.per_channel,
            "relu": self.relu,
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
            "learning_rate_multiplier": self.learning_rate_multiplier,
        }


def gate_name(stage):
    """Name of the gate behind a stage."""
    return f"gate_{stage}"
