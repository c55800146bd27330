"""Copies of a model's layers, with plain ones for its gates."""

import keras
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl.graphs.copied_layers import CopiedLayers
from keras_mtl.graphs.functional_models import as_functional, is_graph
from keras_mtl.layers import ModulationGate


class OneTaskLayers(CopiedLayers):
    """Calls copies of layers, and in place of gates layers that do the same for one task.

    Models are gone through, so that the graph that comes out has none within it. The tensors with
    the tasks, which gates read, are kept in mind.

    Args:
        task: number of the task.
    """

    def __init__(self, task):
        super().__init__()
        self.task = task
        self._gates, self._tasks, self._read = {}, set(), set()

    @property
    def gates(self):
        """The layers that stand for gates."""
        return list(self._gates.values())

    def __call__(self, operation, *args, **kwargs):
        if is_graph(operation):
            return as_functional(operation)._run_through_graph(args[0], call_fn=self)
        if isinstance(operation, ModulationGate):
            return self._call_gate(operation, *args, **kwargs)
        self._read.update(map(id, keras.tree.flatten((args, kwargs))))
        return super().__call__(operation, *args, **kwargs)

    def only_gates_read_tasks(self, inputs, outputs):
        """Whether the tasks are inputs of the model, and nothing but gates depends on them."""
        read = self._read.union(map(id, keras.tree.flatten(outputs)))
        return not self._tasks & read and self._tasks <= set(map(id, keras.tree.flatten(inputs)))

    def without_tasks(self, inputs):
        """The inputs but the tasks; a single one that is left is not in a list."""
        if isinstance(inputs, dict):
            return {key: x for key, x in inputs.items() if id(x) not in self._tasks}
        left = [x for x in keras.tree.flatten(inputs) if id(x) not in self._tasks]
        return left[0] if len(left) == 1 else left

    def _call_gate(self, gate, inputs, task=None):
        if task is None and gate.num_tasks > 1:
            raise ValueError(
                "`model` must give its gates the task of every example. "
                f"Received: {gate.name!r}, which makes the features of all tasks."
            )
        features = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        if id(gate) not in self._gates:
            self._gates[id(gate)] = self._plain_gate(gate, features)
        result = self._gates[id(gate)](features)
        if task is None:  # of the only task, in a list as that of all
            return [result]
        self._tasks.add(id(task))
        return result

    def _plain_gate(self, gate, features):
        check_integer("task", self.task, 0, gate.num_tasks - 1)
        row = ops.convert_to_numpy(gate.rows())[self.task]
        rank = len(features.shape)
        axes_behind = rank - 1 - gate.axis % rank
        options = {"name": self.free_name(gate.name), "dtype": gate.dtype_policy}
        if gate.per_channel:
            return keras.layers.Rescaling(row.reshape(-1, *[1] * axes_behind).tolist(), **options)
        if axes_behind:
            raise ValueError(
                "`model` must have its projections along the last axis. "
                f"Received: axis={gate.axis} of {gate.name!r}."
            )
        layer = keras.layers.Dense(len(row), use_bias=False, **options)
        layer.build(features.shape)
        layer.set_weights([row])
        return layer
