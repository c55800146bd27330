"""What time things take."""

PER_JOB = 5e9
"""What a network costs beside its layers, as so many multiply-accumulates."""
OF_A_LAYER = {"torch": (4e6, 2e8), "jax": (2e6, 5e8), "tensorflow": (2e6, 1e9)}
"""What a layer costs beside its products: in every step, and to be built and compiled, once."""


def work(study, job):
    """What time a training or a row takes in proportion to others."""
    return work_once(study, job) + work_in_steps(study, job)


def work_once(study, job):
    """That part which does not grow with the steps."""
    _, once = OF_A_LAYER[study.versions["backend"]]
    return PER_JOB + once * sum(study.layers(each) for each in getattr(job, "networks", [job]))


def work_in_steps(study, job):
    """That which does."""
    if not hasattr(job, "steps"):
        return 0
    per_step, _ = OF_A_LAYER[study.versions["backend"]]
    return study.macs(job) + study.layers(job) * per_step * job.steps


def duration(seconds: float) -> str:
    """In the unit that fits."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} second{'s' * (round(seconds) != 1)}"
