"""The network of several tasks."""

from keras_mtl.multi_task_model.balanced import BalancedModel, balanced
from keras_mtl.multi_task_model.multi_task_model import MultiTaskModel, tasks_of

__all__ = ["BalancedModel", "MultiTaskModel", "balanced", "tasks_of"]
