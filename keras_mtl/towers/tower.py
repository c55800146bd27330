"""A network for one task, cut into stages."""

import zlib
from collections.abc import Iterable
from typing import Self

import keras

from keras_mtl._functional_models import as_functional
from keras_mtl._names import names
from keras_mtl._topological_nodes import topological_nodes
from keras_mtl._types import Config, Shape


@keras.saving.register_keras_serializable("keras_mtl")
class Tower:
    """A Keras functional model and the names of the layers after which it is cut.

    The parts between the cuts are the stages. A stage is named after the layer it ends with; the
    last one ends with the model's output.

    A model of several inputs is cut along its first one, the image, say. The others, such as
    regions of interest, go straight to the stages that use them, and count at no cut.

    Args:
        model: a functional (or built sequential) Keras model with one output. Its weights are where
            every copy of a stage starts.
        cuts: names of layers, in the model's order. The output's own name may be left out.

    Raises:
        TypeError: `model` is not a functional model with one output.
        ValueError: `model` has no layers; a cut is unknown, or more than one tensor crosses it (the
            possible cuts are listed).

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, name="conv1")(image)
    >>> x = keras.layers.Conv2D(8, 3, name="conv2")(x)
    >>> keras_mtl.towers.Tower(keras.Model(image, x), cuts=["conv1"]).stages
    ('conv1', 'conv2')
    """

    def __init__(self, model: keras.Model, cuts: str | Iterable[str]) -> None:
        self.model = as_functional(model, one_output=True)
        known = possible_cuts(self.model)
        if not known:
            raise ValueError(f"`model` must have layers. Received: {model!r}, its input alone.")
        output = self.model.outputs[0]
        last = next(name for name, tensor in known.items() if tensor is output)
        cuts = names(cuts, "cuts")
        stages = [*cuts, *([] if last in cuts else [last])]
        unknown = [name for name in stages if name not in known]
        if unknown:
            raise ValueError(
                f"`cuts` must name layers at which one tensor alone carries the network. "
                f"Received: {unknown}. Possible cuts: {list(known)}."
            )
        if stages != sorted(stages, key=list(known).index) or len(set(stages)) < len(stages):
            raise ValueError(
                f"`cuts` must follow the order of the network. Received: {cuts}; the order "
                f"is {[name for name in known if name in stages]}."
            )
        self.stages = tuple(stages)
        self._ends = [self.model.inputs[0], *(known[name] for name in stages)]

    @property
    def input_shape(self) -> Shape:
        """Shape of one example of the first input, without the batch axis."""
        return self.model.inputs[0].shape[1:]

    def stage(self, stage: str, shortcut: bool = False) -> keras.Model:
        """A model that runs one stage with the tower's own weights.

        Args:
            stage: name of the stage.
            shortcut: whether to return `[output, shortcut]` where the stage has a shortcut of its
                own, see `shortcut`.

        Returns:
            A `keras.Model` of the features before the stage; or of a list of them and the further
            inputs that the stage uses, in the order of `further_inputs(stage)`.

        Raises:
            ValueError: the tower has no such stage.
        """
        before, after = self._ends_of(stage)
        found = self.shortcut(stage) if shortcut else None
        if found is not None and found is not before:
            # In this order the layers, and with them the weights, stand as without the shortcut.
            after = [after, found]
        further = [self.model.inputs[number] for number in self.further_inputs(stage)]
        if not further:
            return keras.Model(before, after)
        # `keras.Model` of an input and a tensor between layers takes the input away from the tower.
        inputs = [keras.Input(x.shape[1:], dtype=x.dtype) for x in (before, *further)]
        return keras.Model(inputs, keras.Function([before, *further], after).call(inputs))

    def shortcut(self, stage: str) -> keras.KerasTensor | None:
        """What may stand in for a stage's output if the stage is skipped.

        That is the output of the layer that is called `<stage>_shortcut`, such as a projection, or
        else what comes into the stage, if its shape is that of the output.

        Args:
            stage: name of the stage.

        Returns:
            A Keras tensor of the tower, or `None` if the stage cannot be skipped.

        Raises:
            ValueError: the tower has no such stage.
        """
        before, after = self._ends_of(stage)
        name = f"{stage}_shortcut"
        named = next((layer for layer in self.model.layers if layer.name == name), None)
        found = before if named is None else named.output
        if found.shape != after.shape:
            return None
        if named is None and None in before.shape[1:] and not self._keeps_shape(stage):
            return None
        return found

    def further_inputs(self, stage: str) -> tuple[int, ...]:
        """Which inputs of the model, other than the first, a stage uses.

        Args:
            stage: name of the stage.

        Returns:
            A tuple of their positions in `model.inputs`.

        Raises:
            ValueError: the tower has no such stage.
        """
        before, after = self._ends_of(stage)
        used, waiting, seen = set(), [after], {id(before)}
        while waiting:
            tensor = waiting.pop()
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            operation, node_index, _ = tensor._keras_history
            if isinstance(operation, keras.layers.InputLayer):
                used.add(id(tensor))
            waiting += operation._inbound_nodes[node_index].input_tensors
        return tuple(number for number, x in enumerate(self.model.inputs) if id(x) in used)

    def copy_stage(self, stage: str, prefix: str, shortcut: bool = False) -> keras.Model:
        """A model of its own with the weights of one stage.

        Args:
            stage: name of the stage.
            prefix: put before the name of the stage and of each of its layers (`"normals"` makes
                `normals_conv1`), since the names in a Keras model are unique.
            shortcut: as of `stage`.

        Returns:
            A `keras.Model`; its layers with a random seed get one of their own for each prefix.

        Raises:
            ValueError: the tower has no such stage.
        """
        original = self.stage(stage, shortcut)
        copy = keras.models.clone_model(
            original, clone_function=lambda layer: _renamed(layer, prefix)
        )
        copy.name = f"{prefix}_{stage}"
        copy.set_weights(original.get_weights())
        return copy

    def index(self, stage: str, argument: str = "stage") -> int:
        """Position of a stage; a `ValueError` lists the known ones if there is no such stage.

        Args:
            stage: name of the stage.
            argument: what the error calls it.
        """
        if stage not in self.stages:
            raise ValueError(
                f"`{argument}` must name a stage of the tower: {list(self.stages)}. "
                f"Received: {argument}={stage!r}."
            )
        return self.stages.index(stage)

    def _keeps_shape(self, stage):
        """Whether a stage whose input has unknown sizes keeps those of an example."""
        model = self.stage(stage)
        shapes = [(1, *(size or 64 for size in x.shape[1:])) for x in model.inputs]
        output = model.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
        return tuple(output) == shapes[0]

    def _ends_of(self, stage):
        """The tensors before and after a stage."""
        index = self.index(stage)
        return self._ends[index : index + 2]

    def get_config(self) -> Config:
        return {
            "model": keras.saving.serialize_keras_object(self.model),
            "cuts": list(self.stages),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(keras.saving.deserialize_keras_object(config["model"]), config["cuts"])


def possible_cuts(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """The layers of a functional model after which one tensor alone carries the network.

    Args:
        model: a functional or built sequential Keras model with one output. Of its inputs the first
            one counts; see `Tower`.

    Returns:
        A dict from layer name to that layer's output tensor, in the model's order.
    """
    model = as_functional(model, one_output=True)
    nodes = topological_nodes(model)
    last_use = {}
    for position, node in enumerate(nodes):
        for tensor in node.input_tensors:
            last_use[id(tensor)] = position
    for tensor in model.outputs:
        last_use[id(tensor)] = len(nodes)
    first_call, last_call = {}, {}
    for position, node in enumerate(nodes):
        first_call.setdefault(id(node.operation), position)
        last_call[id(node.operation)] = position

    further = {id(tensor) for tensor in model.inputs[1:]}
    cuts, alive = {}, {}
    for position, node in enumerate(nodes):
        if any(id(tensor) in further for tensor in node.output_tensors):
            continue
        alive.update((id(tensor), tensor) for tensor in node.output_tensors)
        alive = {key: tensor for key, tensor in alive.items() if last_use.get(key, -1) > position}
        # A layer that is called on both sides would be copied into two stages and lose its tie.
        divides_layer = any(first_call[key] <= position < last_call[key] for key in first_call)
        made_here = [tensor for tensor in node.output_tensors if id(tensor) in alive]
        is_input = isinstance(node.operation, keras.layers.InputLayer)
        if len(alive) == len(made_here) == 1 and not divides_layer and not is_input:
            cuts[node.operation.name] = made_here[0]
    return cuts


def _renamed(layer, prefix):
    config = layer.get_config()
    if isinstance(layer, keras.layers.InputLayer):
        return type(layer).from_config(config)
    # With one seed for all copies, every task's dropout would drop the same units.
    config = _reseeded(config, prefix)
    config["name"] = f"{prefix}_{layer.name}"
    return type(layer).from_config(config)


def _reseeded(config, prefix):
    """The configuration, in which seeds (also those of nested layers) are the prefix's own."""
    if isinstance(config, dict):
        return {
            key: zlib.crc32(f"{prefix}/{value}".encode()) >> 1  # torch takes 31 bits
            if key == "seed" and isinstance(value, int)
            else _reseeded(value, prefix)
            for key, value in config.items()
        }
    if isinstance(config, (list, tuple)):
        parts = [_reseeded(value, prefix) for value in config]
        return tuple(parts) if isinstance(config, tuple) else parts
    return config
