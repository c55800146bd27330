"""A network of several tasks in two parts: what tasks share, and what each has to itself."""

import inspect

import keras

from keras_mtl.graphs.topological_nodes import topological_nodes


class WhereTasksPart:
    """A functional model, taken apart behind the last tensors that several tasks depend on.

    Shared are the calls of layers whose output more than one task depends on; those of a layer that
    is called several times, for different tasks; and all that comes before. So a cross-stitch unit
    mixes features that are shared, and what the last one gives to a task is the task's own.

    Args:
        model: a functional model.
        outputs: dict from task to the list of its outputs, tensors of the model.

    Attributes:
        shared: a functional model from the same inputs to a list: what the own parts read.
        own: a layer that makes a dict from output to tensor of that list.
        learns: for each of that list, whether a gradient goes back: not to an input, or integers.
        reads: for each of that list to which one does, the set of the tasks that read it.
        variables: the learned variables that several tasks share.
        before: the learned variables of all that `shared` runs: beside those what a single task has
            to itself before it, such as a stem.
    """

    def __init__(self, model, outputs):
        nodes = [node for node in topological_nodes(model) if not node.is_input]
        tasks_of_tensor = {}
        for task, tensors in outputs.items():
            for x in tensors:
                tasks_of_tensor.setdefault(id(x), set()).add(task)
        # Of the outputs themselves, which nothing else need read.
        direct = {key: set(tasks) for key, tasks in tasks_of_tensor.items()}
        tasks_of = {}
        for node in reversed(nodes):
            tasks_of[node] = set().union(*(tasks_of_tensor.get(id(x), ()) for x in node.outputs))
            for x in node.input_tensors:
                tasks_of_tensor.setdefault(id(x), set()).update(tasks_of[node])
        shared = _shared_nodes(nodes, tasks_of, tasks_of_tensor)
        own = [node for node in nodes if node not in shared]
        read = [x for node in own for x in node.input_tensors] + model.outputs
        made = {id(x) for node in own for x in node.outputs}
        taps = list({id(x): x for x in read if id(x) not in made}.values())
        self.shared = keras.Model(model.input, taps, name="shared")
        self.own = _OwnPart(own, taps, model.output)
        computed = {id(x) for node in shared for x in node.outputs}
        self.learns = [id(x) in computed and keras.backend.is_float_dtype(x.dtype) for x in taps]
        self.reads = [
            direct.get(id(x), set()).union(
                *(tasks_of[node] for node in own if any(x is y for y in node.input_tensors))
            )
            for x, learns in zip(taps, self.learns, strict=True)
            if learns
        ]
        readers = {}
        for node in shared:
            for variable in _learned_by(node):
                readers.setdefault(id(variable), (variable, set()))[1].update(tasks_of[node])
        self.before = [variable for variable, _ in readers.values()]
        self.variables = [variable for variable, tasks in readers.values() if len(tasks) > 1]


class _OwnPart(keras.layers.Layer):
    """Runs calls of layers as one layer, as Keras has them keep their losses and mode."""

    def __init__(self, nodes, taps, outputs):
        super().__init__(name="own", autocast=False)
        self.supports_masking = True  # The layers within say what becomes of masks.
        # As Keras' own: what the graph was made with as its mode does not count.
        calls = [
            (node, "training" in inspect.signature(node.operation.call).parameters)
            for node in nodes
        ]
        # In a function, for what a layer holds it would take for its own.
        self._parts = lambda: (calls, taps, outputs)

    def compute_mask(self, inputs, previous_mask=None):
        return None

    def call(self, given, training=None):
        calls, taps, outputs = self._parts()
        found = dict(zip(map(id, taps), given, strict=True))
        for node, has_mode in calls:
            args, kwargs = node.arguments.fill_in(found)
            if has_mode:
                kwargs["training"] = training
            made = keras.tree.flatten(node.operation(*args, **kwargs))
            found.update(zip(map(id, node.outputs), made, strict=True))
        return {name: found[id(x)] for name, x in outputs.items()}


def _shared_nodes(nodes, tasks_of, tasks_of_tensor):
    users = {}
    for node in nodes:
        for variable in _learned_by(node):
            users.setdefault(id(variable), []).append(node)
    shared = {
        node for node in nodes if any(len(tasks_of_tensor.get(id(x), ())) > 1 for x in node.outputs)
    }
    for of_variable in users.values():
        if len(of_variable) > 1 and len(set().union(*map(tasks_of.get, of_variable))) > 1:
            shared.update(of_variable)
    if not any(_learned_by(node) for node in shared):
        # Such as a model within, which makes the outputs of several tasks at once.
        shared |= {node for node in nodes if len(tasks_of[node]) > 1}
    maker = {id(x): node for node in nodes for x in node.outputs}
    for node in reversed(nodes):
        if node in shared:
            shared.update(maker[id(x)] for x in node.input_tensors if id(x) in maker)
    return shared


def _learned_by(node):
    return getattr(node.operation, "trainable_variables", [])
