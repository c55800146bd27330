"""What a sharing returns: how tasks go through copies of a tower's stages, as data."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Self

import keras

from keras_mtl._checks import check_choice
from keras_mtl._types import Config, Features
from keras_mtl.graphs.layer_names import free_prefix, layer_name, prefixed
from keras_mtl.towers.tower import Tower


@dataclasses.dataclass
class StageCall:
    """A call of a copy of a stage.

    Attributes:
        stage: name of the stage.
        copy: name of the copy, a layer of the model.
        reads: the value that it is called with.
        count: how many values that is a batch of.
        output: the value of its output, `None` if no task goes on with that.
        shortcut: the value of its shortcut, `None` if no task goes on with that.
        runs: the tasks that go on with the output.
        skips: the tasks that go on with the shortcut.
        alone: name of the layer that runs the shortcut where nobody needs the output.
    """

    stage: str
    copy: str
    reads: int
    count: int = 1
    output: int | None = None
    shortcut: int | None = None
    runs: list[str] = dataclasses.field(default_factory=list)
    skips: list[str] = dataclasses.field(default_factory=list)
    alone: str | None = None

    @property
    def layer(self) -> str:
        """Name of the layer that is called."""
        return self.copy if self.alone is None or self.output is not None else self.alone


@dataclasses.dataclass
class UnitCall:
    """A call of a unit; or values that become one batch, or a batch that parts.

    Attributes:
        layer: name of the unit; `None` of a batch.
        reads: its arguments, each a value or a list of values.
        makes: the values of its outputs.
        behind: the stage behind which it stands, or `None`.
    """

    layer: str | None
    reads: list[int | list[int]]
    makes: list[int]
    behind: str | None = None


class Plan:
    """How tasks go through copies of a tower's stages and through the units between them.

    A plan is a list of calls and nothing is built by it: `MultiTaskModel` makes a Keras graph of
    it, and reads in it what runs for which task. A *value* is a number that stands for a tensor; 0
    is the tower's input, or 0, 1, … those of the tasks if each has one of its own. `features` has a
    value for each task, at first its input; a sharing leaves there what the heads read.

    Args:
        tower: the `keras_mtl.towers.Tower`.
        tasks: names of the tasks.

    Attributes:
        tower: the tower; a plan that comes of a configuration, such as that of a model, has none.
        stages: names of its stages.
        along: name of its input that is cut.
        own_inputs: whether each task has an input of its own.
        features: dict from task to value.
        calls: list of `StageCall`s and `UnitCall`s, in order.
        units: dict from name to layer; they go into the model that is made of the plan.

    Example:

    Two copies of every stage, of whose outputs all tasks take the mean:

    >>> import keras, keras_mtl
    >>> class Twice(keras_mtl.sharing.Sharing):
    ...     def plan(self, tower, tasks):
    ...         plan = keras_mtl.sharing.Plan(tower, tasks)
    ...         value = plan.features
    ...         for stage in tower.stages:
    ...             both = [plan.run(stage, copy, value)[tasks[0]] for copy in ("one", "other")]
    ...             mean = keras.layers.Average(name=f"mean_{stage}")
    ...             value = dict.fromkeys(tasks, plan.unit(mean, both, behind=stage))
    ...         plan.features = value
    ...         return plan
    >>> tower = keras_mtl.towers.Tower(
    ...     keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, name="first")]), cuts=[])
    >>> model = keras_mtl.MultiTaskModel(tower, Twice(), tasks={"age": keras.layers.Dense(1)})
    >>> [layer.name for layer in model.copies("age", "first")]
    ['one_first', 'other_first']
    """

    def __init__(self, tower: Tower, tasks: Sequence[str]) -> None:
        self.tower, self.stages = tower, list(tower.stages)
        self.along = tower.model.inputs[tower.along].name
        self.own_inputs = tower.own_inputs and len(tasks) > 1
        self.features: Features = {
            task: number * self.own_inputs for number, task in enumerate(tasks)
        }
        self.calls: list[StageCall | UnitCall] = []
        self.units: dict[str, keras.layers.Layer] = {}
        self._values, self._parts, self._copies = (
            itertools.count(len({*self.features.values()})),
            {},
            {},
        )
        self._whole = functools.cache(functools.partial(tower.stage, shortcut=True))

    def run(self, stage: str, copy: str, features: Features, together: bool = False) -> Features:
        """Runs a copy of a stage.

        Args:
            stage: name of the stage.
            copy: what stands before the stage's name in that of the copy, such as a task. The same
                copy may run for several tasks, and several times.
            features: dict from each task that it runs for to the value that it reads; those that
                read the same value run it once.
            together: whether values that differ are one batch, of which batch normalisation takes
                its statistics; else the copy is called for each.

        Returns:
            A dict from the same tasks to the values of the outputs.

        Raises:
            ValueError: the tower has no such stage.
        """
        return self._through(stage, copy, features, together)

    def skip(self, stage: str, copy: str, features: Features, together: bool = False) -> Features:
        """Takes the shortcut of a stage, see `keras_mtl.towers.Tower.shortcut`; as `run`.

        Where the copy runs for the same value, both are one call.

        Raises:
            ValueError: the stage has no shortcut.
        """
        if self.tower.shortcut(stage) is None:
            raise ValueError(f"`stage` must have a shortcut. Received: stage={stage!r}.")
        if len(self._whole(stage).outputs) == 1:
            return dict(features)
        return self._through(stage, copy, features, together, shortcut=True)

    def unit(
        self,
        layer: keras.layers.Layer,
        *arguments: int | list[int],
        behind: str | None = None,
    ) -> int:
        """Calls a layer that is no part of the tower.

        Args:
            layer: a Keras layer that is not built; the same one may be called several times. Its
                name, by which `initialize_from` finds it, is that in the model, with a number if
                another layer has it.
            *arguments: those of its call, each a value or a list of values.
            behind: the stage behind which it stands, if it does.

        Returns:
            The value of its output.
        """
        return self._unit(layer, list(arguments), 1, behind)[0]

    def unit_of_all(
        self, layer: keras.layers.Layer, features: Features, behind: str | None = None
    ) -> Features:
        """Calls a layer, as `unit`, that makes a list of as many tensors as it takes.

        Args:
            layer: a Keras layer, such as a `CrossStitch`.
            features: dict from task to the value of its features.
            behind: as of `unit`.

        Returns:
            A dict of the same keys.
        """
        made = self._unit(layer, [list(features.values())], len(features), behind)
        return dict(zip(features, made, strict=True))

    def join(self, values: Iterable[int]) -> int:
        """One batch of several values, one behind the other; of those that are equal once."""
        values = list(dict.fromkeys(values))
        if len(values) == 1:
            return values[0]
        if tuple(values) not in self._parts:
            self._parts[tuple(values)] = self._call(None, [values], 1)[0]
        return self._parts[tuple(values)]

    def split(self, batch: int, count: int) -> list[int]:
        """The values of which a batch is made, as many as are said."""
        if count == 1:
            return [batch]
        values = self._call(None, [batch], count)
        self._parts[tuple(values)] = batch
        return values

    @property
    def stage_calls(self) -> list[StageCall]:
        """The calls of copies of stages."""
        return [call for call in self.calls if isinstance(call, StageCall)]

    @property
    def behind(self) -> dict[str, str | None]:
        """From the name of each unit to the stage that it stands behind, or `None`."""
        calls = (call for call in self.calls if isinstance(call, UnitCall))
        return {call.layer: call.behind for call in calls if call.layer is not None}

    def calls_for(self, task: str, stage: str) -> list[StageCall]:
        """The calls of copies of a stage that run for a task, or whose shortcut it takes."""
        calls = (call for call in self.stage_calls if call.stage == stage)
        return [call for call in calls if task in (*call.runs, *call.skips)]

    def skipped(self, task: str) -> list[str]:
        """Names of the stages of which no copy runs for a task, though it may take a shortcut."""
        return [
            stage
            for stage in self.stages
            if not any(task in call.runs for call in self.calls_for(task, stage))
        ]

    def get_config(self) -> Config:
        """The plan as numbers, strings, lists and dicts; of units the names alone."""
        return {
            "stages": list(self.stages),
            "along": self.along,
            "own_inputs": self.own_inputs,
            # As pairs: a file of Keras does not keep the order of a dict.
            "features": [list(pair) for pair in self.features.items()],
            "calls": [dataclasses.asdict(call) for call in self.calls],
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The plan of a configuration, to be read, not gone on with."""
        plan = cls.__new__(cls)
        plan.units, plan.stages, plan.along = {}, config["stages"], config["along"]
        plan.own_inputs = config.get("own_inputs", False)  # Of a file from before there were such.
        plan.features = dict(config["features"])
        plan.calls = [
            StageCall(**call) if "copy" in call else UnitCall(**call) for call in config["calls"]
        ]
        return plan

    def _through(self, stage, copy, features, together, shortcut=False):
        before = list(dict.fromkeys(features.values()))
        if together:
            batch, tasks = self.join(before), list(features)
            made = self._stage_call(stage, copy, batch, tasks, shortcut, len(before))
            after = dict(zip(before, self.split(made, len(before)), strict=True))
        else:
            after = {
                value: self._stage_call(
                    stage, copy, value, [t for t in features if features[t] == value], shortcut
                )
                for value in before
            }
        return {task: after[value] for task, value in features.items()}

    def _stage_call(self, stage, copy, value, tasks, shortcut, count=1):
        """The output, or the shortcut, of a copy that reads a value."""
        name = self._copy_name(stage, copy)
        of_copy = [call for call in self.stage_calls if call.copy == name]
        call = next((each for each in of_copy if each.reads == value), None)
        if call is None:
            call = StageCall(stage, name, value, count)
            self.calls.append(call)
        if not shortcut:
            call.runs += tasks
            call.output = call.output or next(self._values)
            return call.output
        names = [each.alone for each in of_copy if each.alone]
        call.alone = names[0] if names else layer_name(f"skipped_{stage}")
        call.skips += tasks
        call.shortcut = call.shortcut or next(self._values)
        return call.shortcut

    def _copy_name(self, stage, prefix):
        if (stage, prefix) not in self._copies:
            names = [stage, *(each.name for each in self._whole(stage).operations)]
            free = free_prefix(prefix, names)
            self._copies[stage, prefix] = prefixed(free, stage)
        return self._copies[stage, prefix]

    def _unit(self, layer, reads, count, behind):
        if behind is not None:
            check_choice("behind", behind, self.stages)
        if layer not in self.units.values():
            layer.name = layer_name(layer.name)
            self.units[layer.name] = layer
        return self._call(layer.name, reads, count, behind)

    def _call(self, layer, reads, count, behind=None):
        makes = list(itertools.islice(self._values, count))
        self.calls.append(UnitCall(layer, reads, makes, behind))
        return makes
