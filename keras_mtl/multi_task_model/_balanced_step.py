"""A step of training in which the tasks' gradients, or their losses, are balanced."""

import keras
from keras import ops

from keras_mtl.gradients._backend import of_backend
from keras_mtl.gradients._combine import gramian, sum_of, weighted
from keras_mtl.graphs.where_tasks_part import WhereTasksPart


class BalancedStep:
    """Makes the gradients of a step of a `TaskTraining` that has a balancing.

    There is one forward pass. Backwards, each task goes through what it has to itself, down to the
    features that tasks share. There the gradients of all are mixed and go on as one, where the
    balancing is at the features; or each goes on by itself, and they are mixed variable by
    variable.

    Args:
        model: the model, built and compiled.
    """

    def __init__(self, model):
        self.model, self.balancing = model, model.balancing
        outputs = {
            task: [model.output[name] for name in model.outputs_of(task)]
            for task in self.balancing.tasks
        }
        self.parts = WhereTasksPart(model, outputs)
        variables = model.trainable_variables
        shared, before = ({*map(id, x)} for x in (self.parts.variables, self.parts.before))
        self.is_shared = [id(variable) in shared for variable in variables]
        self.is_before = [id(variable) in before for variable in variables]

    @property
    def state(self):
        """The variables that a step changes beside the weights and the optimizer's."""
        return [*self.model.non_trainable_variables, *self.model.metrics_variables]

    def __call__(self, trainable, state, x, y, sample_weight, scale):
        """The gradients of a batch.

        Args:
            trainable: list of the values of the model's trainable variables.
            state: list of those of `state`.
            x, y, sample_weight: the batch.
            scale: what the optimizer multiplies losses by.

        Returns:
            A `Found`.
        """
        return Found(self, trainable, state, (x, y, sample_weight), ops.cast(scale, "float32"))


class Found:
    """What a `BalancedStep` has found of a batch.

    Attributes:
        gradients: list of gradients of the trainable variables, times the scale; `None` where there
            is none.
        loss: the sum of the tasks' losses and of those that are no task's, as they are without any
            balancing.
        y_pred: dict of the outputs.
    """

    def __init__(self, step, trainable, state, batch, scale):
        self._step, self._state, self._batch, self._scale = step, list(state), batch, scale
        self._at_first = list(state)
        # Once: Keras goes through all layers to say which variables there are.
        self._variables, self._stateful = step.model.trainable_variables, step.state
        # Keras has each of several replicas count its share of the loss.
        self._replicas = of_backend().replicas()
        self._count = len(step.balancing.tasks)
        forward = self._forward(trainable)
        self.losses, rest, self._pull_shared, self._pull_own = forward
        self.loss = sum(self.losses) + (0.0 if rest is None else rest)
        self._has_rest = rest is not None
        self._rest_dtype = rest.dtype if self._has_rest else None
        at_weights = step.balancing.at == "weights"
        parts = self._mixed_at_weights() if at_weights else self._mixed_at_features()
        self.gradients = [sum_of(of_variable) for of_variable in zip(*parts, strict=True)]

    def after(self, trainable):
        """The values of the state behind the step, of those that the weights then have."""
        balancing = self._step.balancing
        if balancing.needs_losses_after:
            # Of the same draws; what a forward pass leaves behind is thrown away.
            state, self._state = self._state, self._at_first
            losses = self._forward(trainable, pulls=False)[0]
            self._state = state
            losses = self._stacked(losses)
            self._in_scope(lambda: balancing.after(losses, ops.isfinite(losses)))
        return self._state

    def _forward(self, trainable, pulls=True):
        """The tasks' losses, the rest of the loss or `None`, and two functions that go back."""
        model, parts = self._step.model, self._step.parts
        x, y, sample_weight = self._batch
        vjp = of_backend().vjp if pulls else _without_vjp
        learns, state = parts.learns, self._state

        def shared(values):
            with self._scope(state, values) as scope:
                taps = keras.tree.flatten(parts.shared(x, training=True))
                added = [_number(model, loss) for loss in scope.losses]
            masks = [getattr(tap, "_keras_mask", None) for tap in taps]
            constants = [None if learn else tap for tap, learn in zip(taps, learns, strict=True)]
            taps = [tap for tap, learn in zip(taps, learns, strict=True) if learn]
            return [*taps, *added], (constants, masks, self._values(scope))

        made, (constants, masks, self._state), pull_shared = vjp(shared, trainable)
        taps, added = made[: sum(learns)], made[sum(learns) :]
        behind_shared = self._state

        def own(given):
            found, rest = iter(given[: len(taps)]), list(given[len(taps) : len(made)])
            values = given[len(made) :]
            whole = [
                next(found) if learn else x for learn, x in zip(learns, constants, strict=True)
            ]
            for tap, mask in zip(whole, masks, strict=True):
                if mask is not None:
                    tap._keras_mask = mask
            with self._scope(behind_shared, values) as scope:
                y_pred = parts.own(whole, training=True)
                losses = model.task_losses(y, y_pred, sample_weight)
                rest += [_number(model, loss) for loss in scope.losses]
                # Regularisers of weights alone do not; gradients may be zeros where they do not.
                self._rest_reads_features = bool(scope.losses)
                pairs = zip(self._variables, values, strict=True)
                pairs = [(v, x) for v, x in pairs if v.regularizer is not None]
                rest += [_number(model, v.regularizer(x)) for v, x in pairs]
            losses = [losses[task] for task in self._step.balancing.tasks]
            return [*losses, *([sum(rest)] if rest else [])], (y_pred, self._values(scope))

        outputs, (self.y_pred, self._state), pull_own = vjp(own, [*made, *trainable])
        self._taps, self._added = taps, added
        rest = outputs[self._count] if len(outputs) > self._count else None
        return (
            outputs[: self._count],
            rest,
            pull_shared,
            lambda given: _cut(pull_own(given), len(taps), len(added)),
        )

    def _mixed_at_features(self):
        pulled, of_rest = self._pulled()
        by_task, owns = [taps for taps, _, _ in pulled], [own for _, _, own in pulled]
        balancing = self._step.balancing
        weights = self._ask(lambda: None if balancing.at is None else self._gramian(by_task))
        mixed = self._in_scope(lambda: balancing.mix(weights, by_task, self._taps))
        parts = [weighted(owns, weights)] if balancing.weighs_heads else owns
        added = []
        if of_rest is not None:
            taps, added, own = of_rest
            mixed = [sum_of(pair) for pair in zip(mixed, taps, strict=True)]
            parts = [*parts, own]
        return [*parts, self._pull_shared([*mixed, *added])]

    def _mixed_at_weights(self):
        pulled, of_rest = self._pulled()
        # Of losses of layers in what is shared, which are no task's.
        nothing = [ops.zeros_like(loss) for loss in self._added]
        by_task = [taps for taps, _, _ in pulled]

        def through(taps, own):
            """A task's gradients of what is shared, and of what it has to itself."""
            whole = self._pull_shared([*taps, *nothing])
            return self._parted([sum_of(pair) for pair in zip(whole, own, strict=True)])

        parts = []
        if self._step.balancing.every == 1:
            found = [through(taps, own) for taps, _, own in pulled]
            gradients = [before for before, _ in found]
            weights = self._ask(lambda: self._gramian(map(self._of_shared, gradients)))
            parts += [weighted(gradients, weights), *(own for _, own in found)]
        else:
            # The passes of single tasks are for the weights alone, in those steps that ask for it.
            weights = self._ask(
                lambda: self._gramian(
                    self._of_shared(through(taps, own)[0]) for taps, _, own in pulled
                )
            )
            parts += self._by_one_pass(pulled, by_task, weights, nothing)
        if of_rest is not None:
            taps, added, own = of_rest
            parts.append(own)
            if added or self._rest_reads_features:
                parts.append(self._pull_shared([*taps, *added]))
        return parts

    def _by_one_pass(self, pulled, by_task, weights, nothing):
        mixed = self._pull_shared([*weighted(by_task, weights), *nothing])
        own = [self._parted(of_own) for _, _, of_own in pulled]
        return [mixed, weighted([before for before, _ in own], weights), *(x for _, x in own)]

    def _parted(self, gradients):
        """Those of what stands before the tasks part, and those of what they have to themselves."""
        pairs = [*zip(gradients, self._step.is_before, strict=True)]
        return [g if is_in else None for g, is_in in pairs], [
            None if is_in else g for g, is_in in pairs
        ]

    def _of_shared(self, gradients):
        pairs = zip(gradients, self._step.is_shared, strict=True)
        return [g if of_several else None for g, of_several in pairs]

    def _pulled(self):
        """What each task pulls at, and what the rest of the loss does: taps, losses, variables."""
        count, has_rest = self._count, self._has_rest
        pulled = []
        for place, loss in enumerate(self.losses):
            scale = ops.cast(self._scale, loss.dtype)
            given = [scale if other == place else None for other in range(count)]
            taps, added, own = self._pull_own(given + [None] * has_rest)
            task = self._step.balancing.tasks[place]
            # Where it can be seen that a task does not come by, there is nothing to be mixed.
            pairs = zip(taps, self._step.parts.reads, strict=True)
            taps = [g if task in tasks else None for g, tasks in pairs]
            usable = ops.isfinite(loss)
            pulled.append((_where(usable, taps), added, _where(usable, own)))
        if not has_rest:
            return pulled, None
        return pulled, self._pull_own([None] * count + [ops.cast(self._scale, self._rest_dtype)])

    def _stacked(self, losses):
        return self._replicas * ops.stack([ops.cast(loss, "float32") for loss in losses])

    def _gramian(self, by_task):
        scale = self._scale / self._replicas
        return gramian([*by_task]) / scale / scale

    def _ask(self, gramian):
        """The weights in effect, of what `gramian` returns if it is asked for."""
        balancing = self._step.balancing
        losses = self._stacked(self.losses)
        places = {id(variable): place for place, variable in enumerate(self._stateful)}
        own = balancing.non_trainable_variables
        values = [self._state[places[id(variable)]] for variable in own]
        in_effect = self._state[places[id(balancing.in_effect)]]
        steps = self._state[places[id(balancing.steps)]]

        def ask():
            return balancing.stateless_call([], values, losses, gramian())

        def keep():
            return ops.where(ops.isfinite(losses), in_effect, 0.0), values

        if balancing.every == 1:
            weights, values = ask()
        else:
            weights, values = ops.cond(ops.equal(steps % balancing.every, 0), ask, keep)
        for variable, value in zip(own, values, strict=True):
            self._state[places[id(variable)]] = value
        self._in_scope(lambda: balancing.record(losses, weights))
        return weights

    def _scope(self, state, trainable=None):
        pairs = [*zip(self._stateful, state, strict=True)]
        if trainable is not None:
            pairs += zip(self._variables, trainable, strict=True)
        return keras.StatelessScope(pairs, collect_losses=True)

    def _values(self, scope):
        return [scope.get_current_value(variable) for variable in self._stateful]

    def _in_scope(self, function):
        with self._scope(self._state) as scope:
            found = function()
        self._state = self._values(scope)
        return found


def _cut(pulled, taps, added):
    return pulled[:taps], pulled[taps : taps + added], pulled[taps + added :]


def _number(model, loss):
    """A loss of no task, as Keras adds it up."""
    return ops.cast(model._aggregate_additional_loss(loss), keras.config.floatx())


def _where(usable, gradients):
    # Not a product: 0 × NaN would be NaN.
    return [None if g is None else ops.where(usable, g, ops.zeros_like(g)) for g in gradients]


def _without_vjp(function, primals):
    outputs, others = function(primals)
    return outputs, others, None
