"""What should my tasks share? Declared networks, trained, compared and kept."""

from keras_mtl.study.budget import Budget
from keras_mtl.study.choice import Choice
from keras_mtl.study.compare import compare
from keras_mtl.study.contender import Contender
from keras_mtl.study.contenders import (
    ada_share,
    branched,
    cross_stitch,
    ensemble,
    hard_sharing,
    latent_shared,
    modulated,
    one_task,
    split,
    with_balancing,
)
from keras_mtl.study.examples import Examples
from keras_mtl.study.found import Found
from keras_mtl.study.launchers import local, processes
from keras_mtl.study.policy_of_tasks import PolicyOfTasks, RandomPolicy
from keras_mtl.study.policy_search import PolicySearch
from keras_mtl.study.progress import Progress
from keras_mtl.study.recorded_study import RecordedStudy
from keras_mtl.study.row import Row
from keras_mtl.study.study import Study
from keras_mtl.study.training import Training
from keras_mtl.study.tree_of_tasks import TreeOfTasks

__all__ = [
    "Budget",
    "Choice",
    "Contender",
    "Found",
    "TreeOfTasks",
    "RandomPolicy",
    "PolicySearch",
    "PolicyOfTasks",
    "Progress",
    "Examples",
    "RecordedStudy",
    "Row",
    "Study",
    "Training",
    "ada_share",
    "branched",
    "compare",
    "cross_stitch",
    "ensemble",
    "hard_sharing",
    "latent_shared",
    "local",
    "modulated",
    "one_task",
    "processes",
    "split",
    "with_balancing",
]
