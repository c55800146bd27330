"""The study of dense tasks on CaffeNet: what its networks are made of, and learn from."""

import keras_mtl
from keras_mtl.applications._fcn_parts import fcn_parts
from keras_mtl.metrics import SegmentationScores
from keras_mtl.recipes._networks import DROPOUT
from keras_mtl.study import Budget


def dense_study(settings, data, tasks, contenders, seeds, folder):
    """The `Study`; arguments as of `StudyTable.study`, data is a `DenseData`."""

    def examples(part):
        return part["image"], {task: part[task] for task in tasks}

    return keras_mtl.Study(
        lambda seed: _parts(settings, data, tasks, seed)[0],
        {task: _task(settings, data, task) for task in tasks},
        examples(data.train),
        examples(data.validation),
        examples(data.test),
        steps=Budget(
            {task: settings.one_task_iterations[task] for task in tasks},
            settings.further_iterations,
            annealed=settings.annealed,
            falls_after=settings.rate_falls_after,
        ),
        contenders=contenders,
        seeds=seeds,
        batch_size=settings.batch_size,
        optimizer=keras_mtl.optimizers.SGD(
            settings.learning_rate, settings.momentum, weight_decay=settings.weight_decay
        ),
        augment=data.augment,
        folder=folder,
    )


def head_of(settings, data, task, **options):
    """A function of a seed that makes the head of a task."""
    return lambda seed: _parts(settings, data, [task], seed, **options)[1][task].head


def _task(settings, data, task):
    made = _parts(settings, data, [task], 0)[1][task].with_head(head_of(settings, data, task))
    if task == "segmentation":
        made.metrics = [SegmentationScores(len(data.class_names), per_class=True)]
    return made


def _parts(settings, data, tasks, seed, **options):
    return fcn_parts(
        {task: data.kinds[task] for task in tasks},
        data.train["image"].shape[1:],
        seed=seed,
        dropout=DROPOUT,
        **settings.network,
        **options,
    )
