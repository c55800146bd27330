"""How a model of several tasks is compiled, trained and scored."""

import contextlib
import inspect
import warnings
from collections.abc import Mapping
from typing import Any, Self

import keras
from keras import ops

from keras_mtl._types import Config
from keras_mtl.balancing import Balancing
from keras_mtl.gradients._backend import of_backend
from keras_mtl.gradients._finite_only import finite_only
from keras_mtl.multi_task_model._balanced_epochs import BalancedEpochs
from keras_mtl.multi_task_model._balanced_step import BalancedStep
from keras_mtl.multi_task_model._check_balancing import can_balance
from keras_mtl.multi_task_model._check_compile import checked_by_output, warn_of_lost_rates
from keras_mtl.multi_task_model._check_targets import (
    check_names,
    check_targets,
    completed,
    warn_of_absent,
)
from keras_mtl.multi_task_model._class_weights import class_weight_tables, with_class_weights
from keras_mtl.multi_task_model._finite_units import FiniteUnits
from keras_mtl.multi_task_model._output_losses import OutputLosses
from keras_mtl.multi_task_model._output_rules import (
    known_metrics,
    output_rules,
    weights_by_output,
)
from keras_mtl.speed import lay_out_kernels
from keras_mtl.task import Task


class TaskTraining(keras.Model):
    """Base of `MultiTaskModel`, which says what its tasks and outputs are.

    Keras compiles, fits and evaluates; here it learns of the tasks: their losses and metrics, what
    labels are missing, classes that weigh more, and tasks that are left out.
    """

    _tasks: Mapping[str, Task] = {}
    _trained: set[int] | None = None
    _left_out: frozenset[str] = frozenset()
    _class_weights: Mapping[str, Any] = {}
    _traced_weights: Mapping[str, bytes] = {}
    _validates = False
    _balanced_step: BalancedStep | None = None
    fast: bool = False
    """Whether its layers run on the CPU in the spelling that is fastest there, see `Tower`."""

    def leave_out(self, *tasks: str) -> Self:
        """Does not learn those tasks from the next step on, also in the midst of `fit`.

        Their losses have no part in what is minimised; metrics are what they are. Weights stay
        learnable, so that an optimizer with momentum or weight decay may go on moving them. What is
        said in the midst of `fit` holds until that ends, by an error, too.

        Args:
            *tasks: names of tasks; of none to learn all of them again.

        Returns:
            This model.

        Raises:
            ValueError: an unknown task; nothing is changed then.
        """
        self._left_out = frozenset(x for task in tasks for x in self.outputs_of(task))
        if self.train_function is not None:
            self.make_train_function(force=True)  # As it is traced, it learns all of them.
        return self

    @property
    def left_out(self) -> list[str]:
        """Names of the tasks that are not learned, see `leave_out`."""
        return [task for task in self.tasks if self._left_out.issuperset(self.outputs_of(task))]

    @property
    def balancing(self) -> Balancing | None:
        """How the tasks are weighted against each other, as `compile` was told, or `None`."""
        return getattr(self, "_balancing", None)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        *,
        balancing: Balancing | None = None,
        **kwargs: Any,
    ) -> None:
        """`keras.Model.compile`, after a check that losses and metrics name the outputs.

        Without a loss, losses and metrics are those of the tasks; so are weights of outputs that
        `loss_weights` does not name.

        With a `balancing` of `keras_mtl.balancing` the tasks with a loss are weighted against each
        other in each step of training. A task's loss is then that of its outputs, times their
        `loss_weights`. The logs of `fit` have the mean weight of each as `<task>_weight`; their
        losses are what they are without. Losses that are no task's, such as regularisers, have a
        weight of 1.

        Raises:
            TypeError: `balancing` is no `Balancing`.
            ValueError: an unknown output; a list where there are several; a weight without a loss;
                a balancing of another model, or one of gradients for tasks that share no weights
                that learn.
        """
        if loss is None and self._tasks:
            loss = self._by_output(lambda task: task.loss)
            weights = self._by_output(lambda task: task.weight)
            weights = {name: weight for name, weight in weights.items() if loss[name] is not None}
            if loss_weights is None or isinstance(loss_weights, Mapping):
                loss_weights = {**weights, **(loss_weights or {})}
            if metrics is None:
                metrics = self._by_output(lambda task: task.new_metrics())
        by_output = checked_by_output(
            self,
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
        )
        super().compile(optimizer, **by_output, **kwargs)
        lay_out_kernels(self)
        self._leave_out_the_unknown(**by_output)
        warn_of_lost_rates(self.optimizer, self.trainable_variables)
        self._trained = {id(variable) for variable in self.trainable_variables}
        self._balance(balancing)

    def _balance(self, balancing):
        """Has the tasks with a loss balanced from now on, or none."""
        self._forget_balancing()
        self._balanced_step = None
        losses = getattr(self._compile_loss, "losses", {})
        tasks = [task for task in self.tasks if losses.keys() & set(self.outputs_of(task))]
        if not can_balance(balancing, tasks):
            return
        balancing.watch(tasks, self)
        self._balancing = balancing
        if balancing.at is not None or balancing.needs_losses_after:
            step = BalancedStep(self)
            if balancing.at is not None and not step.parts.variables:
                self._forget_balancing()
                raise ValueError(
                    f"`balancing` must be one of losses, such as `Uncertainty`: {tasks} share no "
                    f"weights that learn. Received: {balancing.name!r}, which looks at gradients."
                )
            self._balanced_step = step

    def _forget_balancing(self):
        if self.balancing is not None:
            self._tracker.untrack(self.balancing)  # Keras does so with variables alone.
            del self._balancing

    def _leave_out_the_unknown(self, loss, loss_weights, metrics, weighted_metrics):
        """Has losses and metrics count known labels alone, in place of what Keras made of them."""
        rules = output_rules(self, loss)
        self._kinds = {name: rule.kind for name, rule in rules.items()}
        self._missing = {name: rule.missing for name, rule in rules.items()}
        given = {
            output: task.class_weight_of(key)
            for name, task in self._tasks.items()
            for output, key in self._keys(name).items()
        }
        self._own_class_weights = class_weight_tables(self, given, self._kinds)
        self._class_weights = self._own_class_weights
        if self._compile_loss is not None:
            losses = {name: rule.losses for name, rule in rules.items() if rule.losses}
            self._compile_loss = OutputLosses(losses, weights_by_output(losses, loss_weights))
        if self._compile_metrics is not None:
            known = [known_metrics(rules, each) for each in (metrics, weighted_metrics)]
            made = type(self._compile_metrics)(*known, output_names=self.output_names)
            # Not by an assignment, by which it would become a metric of the model beside this.
            vars(self)["_compile_metrics"] = made

    def _by_output(self, of_task):
        """What a function says of each `Task`, by the names of the outputs."""
        found = {}
        for name, task in self._tasks.items():
            value = of_task(task)
            for output, key in self._keys(name).items():
                found[output] = value.get(key) if isinstance(value, dict) else value
        return found

    def get_compile_config(self) -> Config:
        config = super().get_compile_config()
        if config and self.balancing is not None:
            config["balancing"] = keras.saving.serialize_keras_object(self.balancing)
        return config

    def compile_from_config(self, config: Config) -> None:
        # Keras compiles what it loads only where `compile` is its own.
        with warnings.catch_warnings():
            # Of what was compiled so, once, where it was.
            warnings.simplefilter("ignore", UserWarning)
            self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def make_train_function(self, force: bool = False) -> Any:
        # Left to themselves PyTorch would freeze, TensorFlow go on learning and JAX raise.
        if self._trained not in (None, {id(variable) for variable in self.trainable_variables}):
            raise ValueError(
                "`compile` must be called again, since weights have been frozen or unfrozen after "
                f"it. Received: {self.name!r}, compiled before."
            )
        # Class weights are constants of what is traced.
        traced = {name: table.tobytes() for name, (table, _) in self._class_weights.items()}
        force, self._traced_weights = force or traced != self._traced_weights, traced
        return super().make_train_function(force)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        # Here all targets come by, whatever they are read from.
        y, sample_weight = self._known(y, sample_weight)
        check_names(self, y)
        if training and y is not None:
            y = {name: labels for name, labels in y.items() if name not in self._left_out}
        by_losses = training and self.balancing is not None and self._balanced_step is None
        if by_losses and not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            # With a scale an infinite gradient says that it is too large: the step is left out.
            y_pred = {name: finite_only(each) for name, each in y_pred.items()}
        if isinstance(self._compile_loss, OutputLosses):
            self._compile_loss.combine = self._balanced_sum if by_losses else None
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def task_losses(self, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The losses of a batch by task, as in training: those of its outputs by their weights."""
        y, sample_weight = self._known(y, sample_weight)
        check_names(self, y)
        y = {name: labels for name, labels in y.items() if name not in self._left_out}
        return self._by_task(self._compile_loss.by_output(y, y_pred, sample_weight))

    def _by_task(self, by_output):
        """The sums of losses by output, of tasks that have one."""
        of_tasks = {
            task: [by_output[name] for name in self.outputs_of(task) if name in by_output]
            for task in self.tasks
        }
        return {task: sum(losses) for task, losses in of_tasks.items() if losses}

    def _balanced_sum(self, by_output):
        """The sum as it is without balancing, whose gradient is that of the weighted one."""
        losses = self._by_task(by_output)
        stacked = ops.stop_gradient(ops.stack([losses[task] for task in self.balancing.tasks]))
        stacked = of_backend().replicas() * ops.cast(stacked, "float32")
        weights = self.balancing(stacked)
        self.balancing.record(stacked, weights)
        weighted = sum(
            losses[task] * ops.cast(weights[place], losses[task].dtype)
            for place, task in enumerate(self.balancing.tasks)
        )
        plain = ops.stop_gradient(sum(by_output.values(), ops.zeros(())))
        return plain + (weighted - ops.stop_gradient(weighted))

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        # What is absent is no label: the metrics of all outputs are asked.
        y, sample_weight = self._known(y, sample_weight)
        known = [{name: each.get(name) for name in y_pred} for each in (y or {}, sample_weight)]
        return super().compute_metrics(x, known[0], y_pred, known[1])

    def get_metrics_result(self) -> dict[str, Any]:
        found = super().get_metrics_result()
        losses = self._compile_loss
        if isinstance(losses, OutputLosses):
            if len(self.output) == 1:  # Beside the sum it says nothing.
                for name in losses.losses:
                    found.pop(f"{name}_loss", None)
            if "loss" in found:
                found["loss"] = found["loss"] + losses.correction()
        return found

    def _known(self, y, sample_weight):
        """Targets, and weights of samples, as dicts by the outputs, of those that there are."""
        outputs = self.output_names_in_order
        if not isinstance(y, dict) and y is not None and len(outputs) == 1:
            y = {outputs[0]: y[0] if isinstance(y, (list, tuple)) else y}
        if isinstance(y, dict):
            y = {name: each for name, each in y.items() if each is not None}
        if isinstance(sample_weight, (list, tuple)):
            sample_weight = sample_weight[0]
        if not isinstance(sample_weight, dict):
            sample_weight = dict.fromkeys(outputs, sample_weight)
        return y, {name: each for name, each in sample_weight.items() if each is not None}

    def train_step(self, *args: Any) -> Any:
        *state, data = args
        data = self.with_class_weights(data)
        if self._balanced_step is None:
            return super().train_step(*state, data)
        batch = keras.utils.unpack_x_y_sample_weight(data)
        return of_backend().train_step(self, self._balanced_step, *state, *batch)

    def test_step(self, *args: Any) -> Any:
        found = super().test_step(*args)
        logs = found[0] if isinstance(found, tuple) else found
        for mean in [] if self.balancing is None else self.balancing.metrics:
            logs.pop(mean.name, None)  # Evaluation has no weights.
        return found

    def zero_grad(self, set_to_none: bool = True) -> None:
        """PyTorch's, before each step there, of all variables.

        Keras tells it of one variable a path only, and a model from a file may have two of a path:
        their gradients would add up from step to step.
        """
        for variable in self.trainable_variables:
            variable.value.grad = None

    def with_class_weights(self, data: Any) -> Any:
        """A batch `(x, y)` or `(x, y, sample_weight)`, with the class weights in force as weights.

        They are those of the tasks, or within `fit` what that was given.
        """
        if not self._class_weights:
            return data
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y, sample_weight = self._known(y, sample_weight)
        shapes = {name: each.shape for name, each in self.output.items()}
        return x, y, with_class_weights(sample_weight, y, shapes, self._class_weights)

    def fit(
        self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """`keras.Model.fit`, after a check of targets that are in memory against the heads.

        Labels that are missing do not count: NaN, what `Task.missing` says, and tasks that are
        absent from `y`, or `None`. `sample_weight` may be of some outputs only. `class_weight` is a
        dict from output to what `keras.Model.fit` takes as such, in place of those of the tasks.

        Raises:
            FloatingPointError: after an epoch alphas or gates are not finite; or the loss of a task
                is not, and the balancing takes that for an error, or is below 0, and it cannot
                weigh that.
            ValueError: targets or weights do not fit; batches that have an order are to be
                shuffled.
        """
        given = inspect.signature(keras.Model.fit).bind(self, x, y, *args, **kwargs).arguments
        has_order = isinstance(x, keras.utils.PyDataset) and getattr(x, "in_order", False)
        if has_order and given.get("shuffle", True):
            raise ValueError(
                f"`shuffle` must be False for {type(x).__name__}, whose batches have an order."
            )
        if isinstance(y, dict):
            warn_of_absent(self, y)
        self._prepare(given)
        validation = given.get("validation_data")
        self._validates = validation is not None or bool(given.get("validation_split"))
        if isinstance(validation, (list, tuple)):
            of_validation = dict(zip(("x", "y", "sample_weight"), validation, strict=False))
            self._prepare(of_validation)
            given["validation_data"] = tuple(of_validation.values())
        else:
            check_targets(self, validation)
        callbacks, epochs, finite = given.get("callbacks") or [], BalancedEpochs(), FiniteUnits()
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = callbacks.callbacks  # Of the list's own, which is the user's.
            epochs.set_model(self)
            finite.set_model(self)
        else:
            callbacks = given["callbacks"] = keras.tree.flatten(callbacks)
        del given["self"]
        # What others keep behind an epoch is to have its end, too.
        callbacks.insert(0, epochs)
        callbacks.append(finite)
        left_out = self.left_out
        try:
            with self._class_weights_of(given.pop("class_weight", None)):
                history = super().fit(**given)
        finally:
            callbacks.remove(epochs)
            callbacks.remove(finite)
            if self.left_out != left_out:
                self.leave_out(*left_out)
        if error := epochs.error or finite.error:
            raise error
        return history

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.evaluate`, of labels that are known, after the check of `fit`."""
        return self._prepared(keras.Model.evaluate, x, y, *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.train_on_batch`, after the check of `fit`, with its `class_weight`."""
        given = inspect.signature(keras.Model.train_on_batch).bind(self, x, y, *args, **kwargs)
        with self._class_weights_of(given.arguments.pop("class_weight", None)):
            return self._prepared(keras.Model.train_on_batch, *given.args[1:], **given.kwargs)

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.test_on_batch`, after the check of `fit`."""
        return self._prepared(keras.Model.test_on_batch, x, y, *args, **kwargs)

    def _prepared(self, method, *args, **kwargs):
        """What a method of Keras returns of checked targets."""
        given = inspect.signature(method).bind(self, *args, **kwargs).arguments
        self._prepare(given)
        return method(**given.pop("kwargs", {}), **given)

    def _prepare(self, given):
        """Checks the targets of a call, and puts them into the form that Keras takes."""
        x, y = given.get("x"), given.get("y")
        check_targets(self, x, y)
        if isinstance(y, dict):
            given["y"] = y = {name: labels for name, labels in y.items() if labels is not None}
            weights = given.get("sample_weight")
            if isinstance(weights, Mapping):
                given["sample_weight"] = completed(weights, y)

    @contextlib.contextmanager
    def _class_weights_of(self, class_weight):
        """Within it those count, in place of the tasks' own if they are given."""
        if class_weight is not None:
            tables = class_weight_tables(self, class_weight, self._kinds)
            self._class_weights = {**self._own_class_weights, **tables}
        try:
            yield
        finally:
            self._class_weights = self._own_class_weights
