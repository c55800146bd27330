"""What pulls every task's gradient out of a batch, compiled once for a model as it is."""

import keras
from keras import ops, tree

from keras_mtl.gradients._backend import of_backend

KEPT = "_kept_pulls"


def pulls_of(model, wanted, outputs_of, training, batch):
    """The `Pulls` of a model, of an earlier call if nothing has changed that it was compiled with.

    Args:
        model, wanted, outputs_of, training: as of `Pulls`.
        batch: `(x, y, sample_weight)` of tensors, one of those to come.
    """
    compiler = None if model.run_eagerly else of_backend().compiler(model)
    if compiler is None:
        return Pulls(model, wanted, outputs_of, training)
    if not getattr(model._compile_loss, "built", True):
        # Of the first batch it makes variables, which nothing that is compiled may.
        x, y, sample_weight = batch
        with keras.StatelessScope([(v, v.value) for v in model.trainable_variables]):
            model.compute_loss(x, y, model(x, training=False), sample_weight)
    state, kept = _state(model), vars(model).get(KEPT)
    if kept is None or kept.state != state:
        # Not by an assignment, of which Keras would keep track.
        kept = vars(model)[KEPT] = Kept(model, state)
    key = (*map(id, wanted), training, outputs_of is None)
    if key not in kept.pulls:
        kept.pulls[key] = Pulls(model, wanted, outputs_of, training, compiler)
    return kept.pulls[key]


class Kept:
    """The `Pulls` of a model that hold while its state is what it is."""

    def __init__(self, model, state):
        self.state, self.pulls = state, {}
        self.parts = _parts(model)  # While they live no other object can have their numbers.


def _parts(model):
    """What is made anew by `compile`, or with other layers."""
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return [model._compile_config, *variables]


def _state(model):
    """All that gradients depend on but numbers, which they are computed of."""
    flags = [layer.trainable for layer in model._flatten_layers()]
    return [*map(id, _parts(model)), *flags, *getattr(model, "left_out", ())]


class Pulls:
    """The gradients of a batch, by task.

    Args:
        model: the model.
        wanted: list of the variables whose gradients are wanted.
        outputs_of: dict from task to the names of its outputs, or `None` if rows are tasks.
        training: whether the network runs as in training.
        compiler: what compiles a function of tensors, or `None`.
    """

    def __init__(self, model, wanted, outputs_of, training, compiler=None):
        self.model, self.outputs_of, self.training = model, outputs_of, training
        self.variables = [
            *model.trainable_variables,
            *model.non_trainable_variables,
            *model.metrics_variables,
        ]
        places = {id(variable): place for place, variable in enumerate(self.variables)}
        self.wanted = [places[id(variable)] for variable in wanted]
        self.others = {}
        self.is_compiled = compiler is not None
        self.function = compiler(self._gradients) if self.is_compiled else self._gradients

    def __call__(self, batch, own=None):
        """A list by task of lists of gradients.

        Args:
            batch: `(x, y, sample_weight)` of tensors.
            own: booleans (tasks, rows), the rows of each task if rows are tasks.
        """
        found = self.function(self._values(), *batch, own)
        while self.is_compiled and self.others:
            # What has been read of them, such as a weight of a loss, is a constant there.
            self.variables += self.others.values()
            self.others.clear()
            found = self.function(self._values(), *batch, own)
        return found

    def _values(self):
        return [ops.convert_to_tensor(variable.value) for variable in self.variables]

    def _gradients(self, values, x, y, sample_weight, own):
        model, vjp = self.model, of_backend().vjp
        values = [ops.stop_gradient(value) for value in values]

        def forward(wanted):
            given = list(values)
            for place, value in zip(self.wanted, wanted, strict=True):
                given[place] = value
            with self._scope(given):
                y_pred = model(x, training=self.training)
            return tree.flatten(y_pred), y_pred

        wanted = [values[place] for place in self.wanted]
        flat, y_pred, to_variables = vjp(forward, wanted)

        def joint_loss(flat):
            # The scope keeps metrics of the losses as they are. Regularisers read the variables.
            with self._scope(values):
                y_pred_of = tree.pack_sequence_as(y_pred, flat)
                if hasattr(model, "task_losses"):  # Whatever balances them.
                    losses = model.task_losses(y, y_pred_of, sample_weight)
                    return [sum(losses.values())], None
                return [model.compute_loss(x, y, y_pred_of, sample_weight)], None

        (loss,), _, to_outputs = vjp(joint_loss, flat)
        cotangents = _where_none(to_outputs([ops.ones_like(loss)]), flat)
        cotangents = tree.pack_sequence_as(y_pred, cotangents)
        parts = _by_row(cotangents, own) if own is not None else self._by_output(cotangents)
        found = [_where_none(to_variables(part), wanted) for part in parts]
        return [[ops.cast(g, "float32") for g in of_task] for of_task in found]

    def _by_output(self, cotangents):
        """Of every task: the cotangents of its own outputs, in a list."""
        for names in self.outputs_of.values():
            parts = {
                name: part if name in names else tree.map_structure(ops.zeros_like, part)
                for name, part in cotangents.items()
            }
            yield tree.flatten(parts)

    def _scope(self, values):
        return Scope(zip(self.variables, values, strict=True), self.others)


class Scope(keras.StatelessScope):
    """Notes the variables that are read without a value of theirs having been given."""

    def __init__(self, values, others):
        super().__init__(values)
        self.others = others

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        if value is None:
            self.others[id(variable)] = variable
        return value


def _by_row(cotangents, own):
    """Of every task: the cotangents, zero but for its own rows, in a list."""
    cotangents = tree.flatten(cotangents)
    rows = {int(part.shape[0]) for part in cotangents}
    if rows != {int(own.shape[1])}:
        raise ValueError(
            f"`task_ids` must be an integer from 0 for each of the {sorted(rows)} rows of the "
            f"outputs. Received: {own.shape[1]} of them."
        )
    for task in range(own.shape[0]):
        # Not a product: 0 × NaN of another task would be NaN.
        yield [
            ops.where(ops.reshape(own[task], (-1, *[1] * (len(part.shape) - 1))), part, 0)
            for part in cotangents
        ]


def _where_none(gradients, like):
    """Gradients that are zeros where there are none."""
    pairs = zip(gradients, like, strict=True)
    return [ops.zeros_like(value) if g is None else g for g, value in pairs]
