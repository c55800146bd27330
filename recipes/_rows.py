"""Rows that several tables have: which networks they train."""


def one_task(networks):
    """A network for each task."""
    return [networks.further(task) for task in networks.tasks]


def ensemble(networks):
    """Two networks for each task, which vote."""
    return [*one_task(networks), *(networks.further(task, member=1) for task in networks.tasks)]


def hard_sharing(networks):
    """One network that all tasks share."""
    return [networks.hard_sharing()]


def latent_shared(networks):
    """MTL-shared of the cross-stitch paper."""
    return [networks.latent_shared()]


def cross_stitch(networks):
    """The network stitched from the one-task networks."""
    return [networks.cross_stitched()]


def splits(stages):
    """A row for each stage: tasks share what stands before it."""
    return {
        f"split {stage}": lambda networks, stage=stage: [networks.split(stage)] for stage in stages
    }
