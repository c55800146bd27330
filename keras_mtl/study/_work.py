"""How far a study is."""

import time

PER_JOB = 5e9
"""What a network costs beside its layers, as so many multiply-accumulates."""
OF_A_LAYER = {"torch": (4e6, 2e8), "jax": (2e6, 5e8), "tensorflow": (2e6, 1e9)}
"""What a layer costs beside its products: in every step, and to be built and compiled, once."""


def work(study, job):
    """What time a training or a row takes in proportion to others."""
    per_step, once = OF_A_LAYER[study.versions["backend"]]
    if not hasattr(job, "steps"):
        return PER_JOB + once * sum(study.layers(each) for each in job.networks)
    return PER_JOB + study.macs(job) + study.layers(job) * (per_step * job.steps + once)


class Progress:
    """Called with what has ended: prints how much is left, and about how long that takes.

    Args:
        study: the `Study`.
        jobs: trainings and rows that are to be run.
    """

    def __init__(self, study, jobs):
        self.study, self.left = study, {job.hash: work(study, job) for job in jobs}
        self.count, self.began = len(jobs), time.monotonic()
        self.work = sum(self.left.values())

    def __call__(self, job):
        del self.left[job.hash]
        record, left = self.study.record_of(job), sum(self.left.values())
        spent = time.monotonic() - self.began
        says = record.get("failed") or job.name
        text = f"{self.count - len(self.left)} of {self.count}: {says}"
        if left and left < self.work:
            text += f"; about {duration(spent * left / (self.work - left))} left"
        print(text, flush=True)


def duration(seconds: float) -> str:
    """In the unit that fits."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
