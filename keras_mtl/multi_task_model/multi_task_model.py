"""Any tower × any sharing × any tasks, as one Keras model."""

import copy
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Self

import keras

from keras_mtl._checks import check_choice
from keras_mtl._types import Config, PathLike
from keras_mtl.graphs.copy_layer import copy_layer
from keras_mtl.graphs.copy_state import copy_state
from keras_mtl.graphs.layer_names import layer_name, name_as_before, names_of_one_model
from keras_mtl.graphs.layer_settings import (
    inner_changes,
    quantize,
    quantized_modes,
    set_inner,
    set_trainable,
    trainable_flags,
)
from keras_mtl.multi_task_model._check_own_inputs import check_own_inputs
from keras_mtl.multi_task_model._check_parts import check_part, check_task, check_tasks
from keras_mtl.multi_task_model._inputs_and_outputs import (
    by_output_name,
    check_output_names,
    inputs_like,
)
from keras_mtl.multi_task_model._plan_graph import layers_of, plan_graph
from keras_mtl.multi_task_model._take_over import stage_donors, take_over, unit_donor
from keras_mtl.multi_task_model._task_configs import configs_of, read_tasks
from keras_mtl.multi_task_model._task_training import TaskTraining
from keras_mtl.multi_task_model._tower_of import tower_of
from keras_mtl.sharing.plan import Plan
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.speed import speed_up
from keras_mtl.task import Task
from keras_mtl.task.heads import made_head
from keras_mtl.towers.tower import Tower


@keras.saving.register_keras_serializable("keras_mtl")
class MultiTaskModel(TaskTraining):
    """A functional Keras model with one named output a task.

    It compiles, fits, predicts and saves as any other; outputs, losses, metrics and targets are
    dicts by the task names. A head with several outputs, such as the classes and the corners of
    boxes, returns them as a dict; they are named `<task>_<key>`. A tower with several inputs makes
    a model that takes a dict by their names. The parts are copied as they are: the tower's weights
    are where every copy of a stage starts, and tower and heads can be used again for the next
    model. What runs for which task is in `plan`, the `keras_mtl.sharing.Plan` of the sharing. A
    file of the model holds that and its layers as they are when it is saved.

    Args:
        tower: a `keras_mtl.towers.Tower`.
        sharing: a `keras_mtl.sharing.Sharing`.
        tasks: dict from task name to a `keras_mtl.Task`, or to the head alone: the Keras layer or
            model that makes the task's output from its last features. With tasks `compile` knows
            losses, weights and metrics, and a file of the model knows the tasks.
        name: name of the model.
        own_inputs: whether each task has an input of its own, such as pictures of another data set:
            the model takes a dict of them by task, and what tasks share runs for each input. Not
            where a sharing mixes the features of several tasks, as cross-stitch units do.

    Raises:
        TypeError: a part is of another kind, such as the class of a sharing.
        ValueError: no tasks, a task name that is empty or has a slash, two outputs of one name, or
            a sharing that does not fit.

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, name="conv1")(image)
    >>> x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    >>> model = keras_mtl.MultiTaskModel(
    ...     tower=keras_mtl.towers.Tower(keras.Model(image, x), cuts=["conv1"]),
    ...     sharing=keras_mtl.sharing.CrossStitched(after=["conv1"]),
    ...     tasks={"age": keras_mtl.Task.regression(), "species": keras.layers.Dense(5)},
    ... )
    >>> tuple(model.output["species"].shape)
    (None, 5)
    """

    def __init__(
        self,
        tower: Tower,
        sharing: Sharing,
        tasks: Mapping[str, Task | keras.layers.Layer],
        name: str = "multi_task_model",
        own_inputs: bool = False,
        **kwargs: Any,
    ) -> None:
        check_part("tower", tower, Tower, "Tower(model, cuts=[...])")
        check_part("sharing", sharing, Sharing, "CrossStitched(...)")
        check_tasks(tasks)
        heads = {name: made_head(getattr(task, "head", task), 0) for name, task in tasks.items()}
        own_inputs = own_inputs and len(heads) > 1
        tower = tower.with_own_inputs() if own_inputs else tower
        inputs = inputs_like(tower.model, heads if own_inputs else ())
        with names_of_one_model(x.name for x in inputs):
            plan = sharing.plan(tower, list(heads))
            names = {task: layer_name(task, "head") for task in heads}
        if own_inputs:
            check_own_inputs(plan)
        layers = layers_of(plan)
        layers |= {names[task]: copy_layer(head, names[task]) for task, head in heads.items()}
        # As of a file: the tower and its weights need not live as long as the model.
        plan = Plan.from_config(plan.get_config())
        self._assemble(inputs, sharing, plan, layers, names, tower.fast, name=name, **kwargs)
        for task, head in heads.items():
            copy_state(head, self.head(task), settings=True)
        self._tasks = {name: task for name, task in tasks.items() if isinstance(task, Task)}
        for name, task in self._tasks.items():
            check_task(name, task, {key: self.output[x] for x, key in self._keys(name).items()})

    def _assemble(self, inputs, sharing, plan, layers, heads, fast, **kwargs):
        """Makes this the functional model of a plan, of layers by their names."""
        features = plan_graph(plan, layers, inputs)
        outputs = {
            task: by_output_name(task, layers[heads[task]](features[task])) for task in heads
        }
        check_output_names(outputs)
        super().__init__(
            inputs=inputs[0] if len(inputs) == 1 else {x.name: x for x in inputs},
            outputs={name: x for of_task in outputs.values() for name, x in of_task.items()},
            **kwargs,
        )
        unused = {*plan.behind, *(call.layer for call in plan.stage_calls)}
        unused -= {layer.name for layer in self.layers}
        if unused:
            raise ValueError(f"`sharing` plans layers that no task needs: {sorted(unused)}.")
        self.sharing, self.plan = sharing, plan
        self._head_layers = heads
        self._output_names = {task: list(of_task) for task, of_task in outputs.items()}
        self._tasks = {}
        self.fast = fast
        if fast:
            speed_up(self)

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order in which they were given."""
        return list(self._output_names)

    @property
    def stages(self) -> list[str]:
        """Names of the tower's stages."""
        return list(self.plan.stages)

    @property
    def output_names_in_order(self) -> list[str]:
        """Names of the outputs, in the order of the tasks."""
        return [name for names in self._output_names.values() for name in names]

    def stage(self, task: str, stage: str) -> keras.Model:
        """The layer (a Keras model) that runs a stage for a task.

        Raises:
            ValueError: an unknown task or stage; no layer runs it, or several do, see `copies`.
        """
        copies = self.copies(task, stage)
        if not copies:
            raise ValueError(f"{task!r} skips the stage {stage!r}: no layer runs it.")
        if len(copies) > 1:
            raise ValueError(
                f"{task!r} has several copies of the stage {stage!r}, see `copies`: "
                f"{[layer.name for layer in copies]}."
            )
        return copies[0]

    def copies(self, task: str, stage: str) -> list[keras.Model]:
        """The layers that run copies of a stage for a task, or its shortcut if the task skips it.

        Args:
            task: name of the task.
            stage: name of the stage.

        Returns:
            A list of Keras models: one in most sharings, several in a mixture of experts, none
            where the features stay as they are.
        """
        check_choice("task", task, self.tasks)
        check_choice("stage", stage, self.stages)
        names = dict.fromkeys(call.layer for call in self.plan.calls_for(task, stage))
        return [self.get_layer(name) for name in names]

    def outputs_of(self, task: str) -> list[str]:
        """Names of a task's outputs: its own, or `<task>_<key>` if its head has several."""
        self.head(task)
        return list(self._output_names[task])

    @property
    def units(self) -> dict[str, keras.layers.Layer]:
        """What the sharing learns beside the stages: the layers of its plan that have weights.

        A dict from the name of the stage that a unit stands behind to the layer. Where it stands
        behind none, such as a `SkipPolicy`, or others do there, too, its own name is the key.
        """
        layers = {name: self.get_layer(name) for name in self.plan.behind}
        behind = {name: self.plan.behind[name] for name, each in layers.items() if each.weights}
        count = Counter(behind.values())
        return {
            stage if stage and count[stage] == 1 else name: layers[name]
            for name, stage in behind.items()
        }

    def task(self, task: str) -> Task | None:
        """What a task is, or `None` if the model was made of its head alone."""
        check_choice("task", task, self.tasks)
        return self._tasks.get(task)

    def head(self, task: str) -> keras.layers.Layer:
        """The layer that makes a task's output."""
        check_choice("task", task, self.tasks)
        return self.get_layer(self._head_layers[task])

    def for_task(self, task: str, name: str | None = None) -> keras.Model:
        """The plain network of one task, of this model's own layers.

        It computes what the task's output needs. With `Modulated` that is every task's pass through
        the tower; `keras_mtl.fold` makes a network without gates, of weights of its own.

        Args:
            task: name of the task.
            name: name of the result; `<model>_<task>` if `None`.

        Returns:
            A functional `keras.Model` of the model's inputs and of the task's output, or of a dict
            if it has several. Of inputs of the tasks' own it has this task's alone, unless all go
            through the tower as one batch.
        """
        outputs = {name: self.output[name] for name in self.outputs_of(task)}
        alone = outputs[task] if list(outputs) == [task] else outputs
        together = any(task in call.runs and call.count > 1 for call in self.plan.stage_calls)
        inputs = self.input if together or not self.plan.own_inputs else self.input[task]
        return keras.Model(inputs, alone, name=name or layer_name(self.name, task))

    def tower(self, task: str) -> Tower:
        """The tower that a task goes through, with copies of the weights that it has here.

        Args:
            task: name of the task.

        Returns:
            A `Tower` of this model's stages, without units.

        Raises:
            ValueError: an unknown task, or one that skips stages or has several copies of one.
        """
        check_choice("task", task, self.tasks)
        return tower_of(self, task)

    def initialize_from(
        self, *models: "MultiTaskModel | PathLike", heads: Iterable[str] | None = None
    ) -> Self:
        """Takes over the weights of models of the same tower but another sharing.

        For a stage that several of this model's tasks share, the first of them that one of `models`
        has, and runs the stage for, gives the weights. Several copies of a stage all start from one
        donor, or from the copies of their names. Units (alphas) and a policy that is learned are
        taken over from a model of the same tasks.

        Args:
            *models: `MultiTaskModel`s, such as the one-task networks a stitched one starts from, or
                paths of their `.keras` files.
            heads: names of the tasks whose heads are taken over; all if `None`.

        Returns:
            This model.

        Raises:
            TypeError: a model (or what a file holds) is no `MultiTaskModel`.
            ValueError: a task is in none of the models, or they skip a stage that this one runs;
                shapes differ, or a model whose units would be taken over has the tasks in another
                order; nothing is changed then.
        """
        models = [_loaded(model) for model in models]
        donors = {task: model for model in reversed(models) for task in model.tasks}
        missing = [task for task in self.tasks if task not in donors]
        if missing:
            raise ValueError(
                f"`models` have no weights for the tasks {missing}. Known tasks: {sorted(donors)}."
            )
        heads = self.tasks if heads is None else heads
        pairs = {self.head(task).name: donors[task].head(task) for task in heads}
        pairs |= stage_donors(self, {task: (donors[task], task) for task in self.tasks})
        for unit in self.units.values():
            donor = unit_donor(self, unit.name, models)
            if donor is not None:
                pairs[unit.name] = donor
        take_over(self, pairs)
        return self

    def initialize_towers_from(
        self, model: "MultiTaskModel | PathLike", task: str | None = None
    ) -> Self:
        """Takes over the stages of one network for every task; heads and units stay.

        This is how all towers start from one that was trained on something else, such as the labels
        of whole images (paper, section 5.3).

        Args:
            model: a `MultiTaskModel` of the same tower, or the path of its `.keras` file.
            task: which of its tasks' stages; the first task's if `None`.

        Returns:
            This model.

        Raises:
            TypeError: `model` (or what the file holds) is no `MultiTaskModel`.
            ValueError: it has no such task or stage, or skips one that this model runs, or shapes
                differ; nothing is changed then.
        """
        model = _loaded(model)
        task = model.tasks[0] if task is None else task
        take_over(self, stage_donors(self, dict.fromkeys(self.tasks, (model, task))))
        return self

    def freeze(self, *stages: str) -> Self:
        """Keeps the weights of stages as they are, from the next `compile` on.

        Args:
            *stages: names of stages, such as `"conv1"`; they are frozen for every task.

        Returns:
            This model.

        Raises:
            ValueError: an unknown stage (the known ones are listed); nothing is frozen then.
        """
        return self._set_trainable(stages, False)

    def unfreeze(self, *stages: str) -> Self:
        """Lets stages learn again, from the next `compile` on; arguments as of `freeze`."""
        return self._set_trainable(stages, True)

    def _set_trainable(self, stages, trainable):
        for stage in stages:
            check_choice("stage", stage, self.stages)
        for task in self.tasks:
            for stage in stages:
                for layer in self.copies(task, stage):
                    layer.trainable = trainable
        return self

    def _keys(self, task):
        """A head's own keys by the names of its outputs; `None` of a head with a single one."""
        names = self._output_names[task]
        return {name: None if names == [task] else name.removeprefix(f"{task}_") for name in names}

    def predict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """`keras.Model.predict`; the outputs stand in the order of the tasks."""
        return self._in_order(super().predict(*args, **kwargs))

    def predict_on_batch(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """`keras.Model.predict_on_batch`; the outputs stand in the order of the tasks."""
        return self._in_order(super().predict_on_batch(*args, **kwargs))

    def _in_order(self, outputs):
        # TensorFlow keeps the order of a dict, the other backends sort it.
        return {name: outputs[name] for name in self.output_names_in_order}

    def get_config(self) -> Config:
        layers = [x for x in self.layers if not isinstance(x, keras.layers.InputLayer)]
        return {
            "name": self.name,
            "inputs": [
                {"shape": list(x.shape[1:]), "dtype": x.dtype, "name": x.name} for x in self.inputs
            ],
            # As they are now: what was changed on a layer since it was made is in it.
            "layers": {layer.name: keras.saving.serialize_keras_object(layer) for layer in layers},
            "sharing": keras.saving.serialize_keras_object(self.sharing),
            "plan": self.plan.get_config(),
            # As pairs: a file of Keras does not keep the order of a dict.
            "heads": [[task, self._head_layers[task]] for task in self.tasks],
            "tasks": configs_of(self._tasks),
            "inner": inner_changes(self),
            "quantized": quantized_modes(self),
            "fast": self.fast,
            # A model that is made of its configuration is trainable as a whole.
            "trainable": trainable_flags(self),
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        # A copy, since Keras takes a configuration apart that it builds from.
        layers, sharing = keras.saving.deserialize_keras_object(
            copy.deepcopy([config["layers"], config["sharing"]]), custom_objects
        )
        for name, layer in layers.items():
            name_as_before(layer, name, config["layers"][name]["config"])
        model = cls.__new__(cls)
        model._assemble(
            [keras.Input(**each) for each in config["inputs"]],
            sharing,
            Plan.from_config(config["plan"]),
            layers,
            dict(config["heads"]),
            config.get("fast", True),
            name=config["name"],
        )
        with keras.saving.custom_object_scope(custom_objects or {}):
            model._tasks = read_tasks(config.get("tasks", {}), model)
        set_inner(model, config["inner"])
        quantize(model, config["quantized"])
        set_trainable(model, config["trainable"])
        return model


def tasks_of(model: MultiTaskModel) -> dict[str, Task | keras.layers.Layer]:
    """What another model of the same tasks is made of: `Task`s, or heads where that is all."""
    return {
        name: task.with_head(model.head(name)) if task else model.head(name)
        for name, task in ((name, model.task(name)) for name in model.tasks)
    }


def _loaded(model):
    if isinstance(model, (str, os.PathLike)):
        model = keras.models.load_model(model, compile=False)
    if not isinstance(model, MultiTaskModel):
        raise TypeError(
            "Weights are taken over from a MultiTaskModel, or the path of a `.keras` file of one. "
            f"Received: {model!r}."
        )
    return model
