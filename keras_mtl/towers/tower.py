"""A network for one task, cut into stages."""

import copy
import functools
from collections.abc import Iterable
from typing import Self

import keras

from keras_mtl._checks import names
from keras_mtl._types import Config, Shape
from keras_mtl.graphs.copy_layer import NOISE, copy_layer
from keras_mtl.graphs.copy_state import copy_state
from keras_mtl.graphs.functional_models import as_functional, is_graph, with_inlined
from keras_mtl.graphs.layer_names import prefixed
from keras_mtl.graphs.topological_nodes import topological_nodes


@keras.saving.register_keras_serializable("keras_mtl")
class Tower:
    """A Keras functional model and the names of the layers after which it is cut.

    The parts between the cuts are the stages. A stage is named after the layer it ends with; the
    last one ends with the model's output.

    A model of several inputs is cut along one of them, the image, say. The others, such as regions
    of interest or a mask, go straight to the stages that use them, with what is made of them alone,
    and count at no cut.

    Args:
        model: a functional (or built sequential) Keras model with one output. Its weights are where
            every copy of a stage starts.
        cuts: names of layers, in the model's order; also of layers in a model that `model` uses as
            a layer, such as one of `keras.applications`. The output's own name may be left out.
        along: name of the input that is cut. May be left out where there is one alone, and where
            the inputs are a list: then it is the first.
        fast: whether models of this tower run on the CPU in the spelling that is fastest there, as
            by `keras_mtl.speed_up`; if not, as Keras has it.

    Raises:
        TypeError: `model` is not a functional model with one output.
        ValueError: `model` has no layers; a cut is unknown, or more than one tensor crosses it (the
            possible cuts are listed); `along` is no input, or missing where the inputs are a dict.

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, name="conv1")(image)
    >>> x = keras.layers.Conv2D(8, 3, name="conv2")(x)
    >>> keras_mtl.towers.Tower(keras.Model(image, x), cuts=["conv1"]).stages
    ('conv1', 'conv2')
    """

    own_inputs = False
    """Whether each task comes with an input of its own, see `with_own_inputs`."""

    def __init__(
        self,
        model: keras.Model,
        cuts: str | Iterable[str],
        along: str | None = None,
        fast: bool = True,
    ) -> None:
        cuts = names(cuts, "cuts")
        self.model = with_inlined(as_functional(model, one_output=True), set(cuts))
        self._main = self.model.inputs[_main_input(self.model, along)]
        known = possible_cuts(self.model, along)
        if not known:
            raise ValueError(f"`model` must have layers. Received: {model!r}, its input alone.")
        output = self.model.outputs[0]
        last = next(name for name, tensor in known.items() if tensor is output)
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
        self.fast = fast
        self._ends = [self._main, *(known[name] for name in stages)]
        self._draw_together = _drawn_before_weights(self.model)

    def __repr__(self) -> str:
        return f"<Tower {self.model.name!r}, stages {list(self.stages)}>"

    @property
    def input_shape(self) -> Shape:
        """Shape of one example of the input that is cut, without the batch axis."""
        return self._main.shape[1:]

    def with_own_inputs(self) -> "Tower":
        """The same tower, into which each task comes with an input of its own."""
        if len(self.model.inputs) > 1:
            raise ValueError(
                "`own_inputs` must be False where the tower has several inputs. Received: True, "
                f"and a tower with the inputs {[x.name for x in self.model.inputs]}."
            )
        other = copy.copy(self)
        other.own_inputs = True
        return other

    @property
    def along(self) -> int:
        """Which of the model's inputs is cut: its position among them."""
        return next(n for n, x in enumerate(self.model.inputs) if x is self._main)

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
        inputs = [keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in (before, *further)]
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

    def features(self, stage: str) -> keras.KerasTensor:
        """The tower's own Keras tensor behind a stage; a `ValueError` lists the known stages."""
        return self._ends_of(stage)[1]

    def further_inputs(self, stage: str) -> tuple[int, ...]:
        """Which inputs of the model, other than the one that is cut, a stage uses.

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

        def copied(operation, together=False):
            together = together or operation.name in self._draw_together
            name = prefixed(prefix, operation.name)
            if is_graph(operation) and not isinstance(operation, keras.Sequential):
                # Layer by layer, since a model gives the paths of its weights no name of its own.
                inner = functools.partial(copied, together=together)
                copy = keras.models.clone_model(operation, clone_function=inner)
                copy.name = name
                return copy
            return copy_layer(operation, name, prefix=prefix, together=together)

        copy = keras.models.clone_model(original, clone_function=copied)
        copy.name = prefixed(prefix, stage)
        copy_state(original, copy, settings=True)
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
        # As a plain graph: a class of its own may name its layers anew when it is made again.
        graph = keras.Model(self.model.input, self.model.outputs[0], name=self.model.name)
        return {
            "model": keras.saving.serialize_keras_object(graph),
            "cuts": list(self.stages),
            "along": None if len(self.model.inputs) == 1 else self._main.name,
            "fast": self.fast,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**{**config, "model": keras.saving.deserialize_keras_object(config["model"])})


def possible_cuts(model: keras.Model, along: str | None = None) -> dict[str, keras.KerasTensor]:
    """The layers of a functional model after which one tensor alone carries the network.

    What depends on other inputs alone, such as an embedding of metadata or the cast of a mask,
    counts at no cut. If it has weights, those who read it must be on one side.

    Args:
        model: a functional or built sequential Keras model with one output.
        along: name of the input that is cut; see `Tower`.

    Returns:
        A dict from layer name to that layer's output tensor, in the model's order.

    Raises:
        TypeError: `model` is not a functional model with one output.
        ValueError: `along` is no input, or missing where the inputs are a dict.
    """
    model = as_functional(model, one_output=True)
    carried = {id(model.inputs[_main_input(model, along)])}
    main, side = [], []
    for node in topological_nodes(model):
        on_main = carried.intersection(map(id, [*node.input_tensors, *node.output_tensors]))
        (main if on_main else side).append(node)
        if on_main:
            carried.update(map(id, node.output_tensors))
    last_use = {id(tensor): len(main) for tensor in model.outputs}
    first_call, last_call = {}, {}
    for position, node in enumerate(main):
        for tensor in node.input_tensors:
            last_use[id(tensor)] = max(position, last_use.get(id(tensor), 0))
        first_call.setdefault(id(node.operation), position)
        last_call[id(node.operation)] = position
    first_read = _first_reads(side, main)
    for node in side:
        # What a side branch computes without weights or draws, each stage may compute for itself.
        if getattr(node.operation, "variables", ()):
            reads = first_read[id(node)]
            key = id(node.operation)
            first_call[key] = min([*reads, first_call.get(key, len(main))])
            last_call[key] = max([*reads, last_call.get(key, 0)])

    cuts, alive = {}, {}
    for position, node in enumerate(main):
        alive.update((id(tensor), tensor) for tensor in node.output_tensors)
        alive = {key: tensor for key, tensor in alive.items() if last_use.get(key, -1) > position}
        # A layer that is called on both sides would be copied into two stages and lose its tie.
        divides_layer = any(first_call[key] <= position < last_call[key] for key in first_call)
        made_here = [tensor for tensor in node.output_tensors if id(tensor) in alive]
        is_input = isinstance(node.operation, keras.layers.InputLayer)
        if len(alive) == len(made_here) == 1 and not divides_layer and not is_input:
            cuts[node.operation.name] = made_here[0]
    return cuts


def _first_reads(side, main):
    """For every node of side branches the places of the nodes that read what comes of it."""
    readers = {}
    for position, node in enumerate(main):
        for tensor in node.input_tensors:
            readers.setdefault(id(tensor), set()).add(position)
    places = {}
    for node in reversed(side):
        found = set().union(*(readers.get(id(tensor), ()) for tensor in node.output_tensors))
        for tensor in node.input_tensors:
            readers.setdefault(id(tensor), set()).update(found)
        places[id(node)] = found
    return places


def _main_input(model, along):
    """The position of the input that a model is cut along."""
    known = [x.name for x in model.inputs]
    if along is not None and along not in known:
        raise ValueError(
            f"`along` must name an input of the model: {known}. Received: along={along!r}."
        )
    if along is None and len(known) > 1 and isinstance(model.input, dict):
        # Keras sorts them, so none is the first.
        raise ValueError(
            "`along` must name the input that is cut, of a model whose inputs are a dict: "
            f"{known}. Received: along=None."
        )
    return 0 if along is None else known.index(along)


def _drawn_before_weights(model):
    """Names of the layers that draw, such as augmentation, and stand before all weights.

    All tasks see the same picture, however many copies of a stage there are: units would mix maps
    that do not lie on each other.
    """
    found, weighted = set(), set()
    for node in topological_nodes(model):
        layer = node.operation
        has_weights = getattr(layer, "weights", ()) and not isinstance(
            layer, keras.layers.Normalization
        )
        if has_weights or weighted.intersection(map(id, node.input_tensors)):
            weighted.update(map(id, node.output_tensors))
        elif getattr(layer, "variables", ()) and not isinstance(layer, NOISE):
            found.add(layer.name)
    return found
