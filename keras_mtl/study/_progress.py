"""How far a study is."""

import time

PER_STEP, PER_JOB = 3e7, 5e9
"""What a step, and a network, cost beside their products, as so many multiply-accumulates."""


def work(study, job):
    """What time a training or a row takes in proportion to others."""
    if not hasattr(job, "steps"):
        return PER_JOB
    return study.macs(job) + PER_STEP * job.steps + PER_JOB


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
