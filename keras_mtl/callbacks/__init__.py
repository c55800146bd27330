"""What to watch and to steer while a multi-task model trains."""

from keras_mtl.callbacks.ada_share_schedule import AdaShareSchedule
from keras_mtl.callbacks.alpha_logger import AlphaLogger
from keras_mtl.callbacks.alpha_tensor_board import AlphaTensorBoard
from keras_mtl.callbacks.balance_logger import BalanceLogger
from keras_mtl.callbacks.compliance_logger import ComplianceLogger
from keras_mtl.callbacks.policy_logger import PolicyLogger
from keras_mtl.callbacks.read_alphas import read_alphas
from keras_mtl.callbacks.read_balance import read_balance
from keras_mtl.callbacks.read_compliance import read_compliance
from keras_mtl.callbacks.read_policies import read_policies
from keras_mtl.callbacks.task_early_stopping import TaskEarlyStopping

__all__ = [
    "AdaShareSchedule",
    "AlphaLogger",
    "AlphaTensorBoard",
    "BalanceLogger",
    "ComplianceLogger",
    "PolicyLogger",
    "TaskEarlyStopping",
    "read_alphas",
    "read_balance",
    "read_compliance",
    "read_policies",
]
