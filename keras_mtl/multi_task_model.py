"""Any tower × any sharing × any heads, as one Keras model."""

import json
import os
import re
from typing import Any, Self

import keras

from keras_mtl._check_choice import check_choice
from keras_mtl._check_targets import check_targets
from keras_mtl._layers_by_path import layers_by_path
from keras_mtl._take_over import stage_donors, take_over, unit_donor
from keras_mtl._types import Config, PathLike
from keras_mtl.layers import CrossStitch, ModulationGate, SkipPolicy
from keras_mtl.sharing.ada_shared import POLICY
from keras_mtl.sharing.cross_stitched import unit_name
from keras_mtl.sharing.modulated import gate_name
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.towers.tower import Tower


@keras.saving.register_keras_serializable("keras_mtl")
class MultiTaskModel(keras.Model):
    """A functional Keras model with one named output a task.

    It compiles, fits, predicts and saves as any other; outputs, losses, metrics and targets are
    dicts by the task names. A head with several outputs, such as the classes and the corners of
    boxes, returns them as a dict; they are named `<task>_<key>`. A tower with several inputs makes
    a model that takes a dict by their names. The parts are copied: the tower's weights are where
    every copy of a stage starts, and tower and heads can be used again for the next model.

    Args:
        tower: a `keras_mtl.towers.Tower`.
        sharing: a `keras_mtl.sharing.Sharing`.
        heads: dict from task name to the Keras layer or model that makes the task's output from its
            last features.
        name: name of the model.

    Raises:
        TypeError: a part is of another kind, such as the class of a sharing.
        ValueError: no tasks, a task name that is no identifier, two outputs of one name, or a
            sharing that does not fit.

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, name="conv1")(image)
    >>> x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    >>> model = keras_mtl.MultiTaskModel(
    ...     tower=keras_mtl.towers.Tower(keras.Model(image, x), cuts=["conv1"]),
    ...     sharing=keras_mtl.sharing.CrossStitched(after=["conv1"]),
    ...     heads={"age": keras.layers.Dense(1), "species": keras.layers.Dense(5)},
    ... )
    >>> tuple(model.output["species"].shape)
    (None, 5)
    """

    def __init__(
        self,
        tower: Tower,
        sharing: Sharing,
        heads: dict[str, keras.layers.Layer],
        name: str = "multi_task_model",
        **kwargs: Any,
    ) -> None:
        _check_part("tower", tower, Tower, "Tower(model, cuts=[...])")
        _check_part("sharing", sharing, Sharing, "CrossStitched(...)")
        _check_tasks(heads)
        inputs = _inputs_like(tower.model)
        features, stages = sharing.connect(inputs, tower, list(heads))
        heads = {task: _named_copy(head, f"{task}_head") for task, head in heads.items()}
        outputs = {task: _by_name(task, head(features[task])) for task, head in heads.items()}
        _check_output_names(outputs)
        super().__init__(
            inputs=inputs[0] if len(inputs) == 1 else {x.name: x for x in inputs},
            outputs={name: x for of_task in outputs.values() for name, x in of_task.items()},
            name=name,
            **kwargs,
        )
        self._stage_layers = stages
        self._output_names = {task: list(of_task) for task, of_task in outputs.items()}
        # The configuration, not the tower: it would keep a further copy of the weights alive. As
        # text, since Keras takes a configuration apart that it builds from.
        self._parts = json.dumps(
            {
                "tower": keras.saving.serialize_keras_object(tower),
                "sharing": keras.saving.serialize_keras_object(sharing),
                "heads": {
                    task: keras.saving.serialize_keras_object(head) for task, head in heads.items()
                },
            }
        )

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order in which they were given."""
        return list(self._stage_layers)

    @property
    def stages(self) -> list[str]:
        """Names of the tower's stages."""
        return list(next(iter(self._stage_layers.values())))

    def stage(self, task: str, stage: str) -> keras.Model:
        """The layer (a Keras model) that runs a stage for a task."""
        check_choice("task", task, self.tasks)
        check_choice("stage", stage, self.stages)
        if self._stage_layers[task][stage] is None:
            raise ValueError(f"{task!r} skips the stage {stage!r}: no layer runs it.")
        return self.get_layer(self._stage_layers[task][stage])

    def outputs_of(self, task: str) -> list[str]:
        """Names of a task's outputs: its own, or `<task>_<key>` if its head has several."""
        self.head(task)
        return list(self._output_names[task])

    @property
    def units(self) -> dict[str, CrossStitch | ModulationGate | SkipPolicy]:
        """The sharing's units: a dict from the name of the stage before each to the layer.

        A `SkipPolicy`, which stands behind no stage, is there as `"skip_policy"`.
        """
        places = {name(stage): stage for stage in self.stages for name in (unit_name, gate_name)}
        places[POLICY] = POLICY
        kinds = (CrossStitch, ModulationGate, SkipPolicy)
        units = [layer for layer in self.layers if isinstance(layer, kinds)]
        return {places.get(unit.name, str(unit.name)): unit for unit in units}

    def head(self, task: str) -> keras.layers.Layer:
        """The layer that makes a task's output."""
        check_choice("task", task, self.tasks)
        return self.get_layer(f"{task}_head")

    def initialize_from(self, *models: "MultiTaskModel | PathLike") -> Self:
        """Takes over the weights of models of the same tower but another sharing.

        For a stage that several of this model's tasks share, the first of them that one of `models`
        has, and runs the stage for, gives the weights. Units (alphas) and a policy that is learned
        are taken over from a model of the same tasks.

        Args:
            *models: `MultiTaskModel`s, such as the one-task networks a stitched one starts from, or
                paths of their `.keras` files.

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
        pairs = {self.head(task).name: donors[task].head(task) for task in self.tasks}
        pairs |= stage_donors(self, {task: (donors[task], task) for task in self.tasks})
        for layer in self.layers:
            if layer.weights and layer.name not in pairs:
                donor = unit_donor(self, layer.name, models)
                if donor is not None:
                    pairs[layer.name] = donor
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
        """Keeps the weights of stages as they are; to be called before `compile`.

        Args:
            *stages: names of stages, such as `"conv1"`; they are frozen for every task.

        Returns:
            This model.

        Raises:
            ValueError: an unknown stage (the known ones are listed); nothing is frozen then.
        """
        for stage in stages:
            check_choice("stage", stage, self.stages)
        for task in self.tasks:
            for stage in stages:
                if self._stage_layers[task][stage] is not None:  # None where a task skips it
                    self.stage(task, stage).trainable = False
        return self

    def fit(
        self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """`keras.Model.fit`, after a check of targets that are in memory against the heads."""
        if getattr(x, "in_order", False) and kwargs.get("shuffle", True):
            raise ValueError(
                f"`shuffle` must be False for {type(x).__name__}, whose batches have an order."
            )
        check_targets(self, y)
        for data in (x, kwargs.get("validation_data")):
            if isinstance(data, keras.utils.PyDataset):
                check_targets(self, data[0][1])
            elif isinstance(data, tuple) and len(data) >= 2:
                check_targets(self, data[1])
        return super().fit(x, y, *args, **kwargs)

    def get_config(self) -> Config:
        frozen = [path for path, layer in layers_by_path(self) if not layer.trainable]
        return {
            **json.loads(self._parts),
            "name": self.name,
            "trainable": self.trainable,
            "frozen": frozen,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        config = dict(config)
        trainable, frozen = config.pop("trainable", True), config.pop("frozen", ())
        parts = {
            key: keras.saving.deserialize_keras_object(config.pop(key), custom_objects)
            for key in ("tower", "sharing")
        }
        heads = {
            task: keras.saving.deserialize_keras_object(head, custom_objects)
            for task, head in config.pop("heads").items()
        }
        model = cls(**parts, heads=heads, **config)
        if not trainable:
            model.trainable = False
        for path, layer in layers_by_path(model):
            # An assignment reaches the layers within, so only where it changes something.
            if layer.trainable != (path not in frozen):
                layer.trainable = path not in frozen
        return model


def _inputs_like(model):
    """New inputs of a functional model; a single one is called "inputs"."""
    names = ["inputs"] if len(model.inputs) == 1 else [x.name for x in model.inputs]
    return [
        keras.Input(x.shape[1:], dtype=x.dtype, name=name)
        for name, x in zip(names, model.inputs, strict=True)
    ]


def _by_name(task, outputs):
    if isinstance(outputs, dict):
        return {f"{task}_{key}": x for key, x in outputs.items()}
    return {task: outputs}


def _check_output_names(outputs):
    names = [name for of_task in outputs.values() for name in of_task]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"`heads`: every output needs a name of its own. Received twice: {twice}.")


def _loaded(model):
    if isinstance(model, (str, os.PathLike)):
        model = keras.models.load_model(model, compile=False)
    if not isinstance(model, MultiTaskModel):
        raise TypeError(
            "Weights are taken over from a MultiTaskModel, or the path of a `.keras` file of one. "
            f"Received: {model!r}."
        )
    return model


def _check_tasks(heads):
    if not isinstance(heads, dict) or not heads:
        raise ValueError(f"`heads` must be a dict from task name to head. Received: {heads!r}.")
    bad = [task for task in heads if not re.fullmatch(r"[A-Za-z]\w*", str(task))]
    if bad:
        raise ValueError(
            f"`heads`: a task name must be a letter followed by letters, digits or underscores. "
            f"Received: {bad}."
        )
    for task, head in heads.items():
        _check_part(f"heads[{task!r}]", head, keras.layers.Layer, "Dense(1)")


def _check_part(argument, value, kind, example):
    if not isinstance(value, kind):
        raise TypeError(
            f"`{argument}` must be an instance of {kind.__name__}, such as `{example}`. "
            f"Received: {argument}={value!r}."
        )


def _named_copy(layer, name):
    config = layer.get_config()
    config["name"] = name
    copy = type(layer).from_config(config)
    if layer.built and layer.weights:
        if not copy.built:
            copy.build(layer.get_build_config()["input_shape"])
        copy.set_weights(layer.get_weights())
    return copy
