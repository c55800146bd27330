"""Who runs what a study has declared: a launcher is a function of what is to be run."""

import concurrent.futures
import functools
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Sequence

import keras

from keras_mtl._checks import check_integer
from keras_mtl.study._keep import TOLD
from keras_mtl.study._types import AnyStudy, Launcher
from keras_mtl.study.progress import Progress
from keras_mtl.study.row import Row
from keras_mtl.study.training import Training


def local(study: AnyStudy, jobs: Sequence[Training | Row], progress: Progress) -> None:
    """Runs one after the other, here.

    Args:
        study: the `Study`.
        jobs: trainings and rows, none before one that it depends on.
        progress: called with each that has ended; its `at` may be told how far one is.
    """
    for job in jobs:
        job.run(study, progress.at)
        progress(job)


def processes(count: int) -> Launcher:
    """A launcher that runs as many at once, each in a process of its own.

    The study is handed to each process once, so what it is made of must be importable: a script
    needs the usual `if __name__ == "__main__":`.

    Args:
        count: number of processes.

    Returns:
        A function as `local`.
    """
    return functools.partial(_in_processes, check_integer("count", count, 1))


def _in_processes(count, study, jobs, progress):
    waiting, running = {job.hash: job for job in jobs}, {}
    # Started anew: a backend that has run does not survive a fork.
    context = multiprocessing.get_context("spawn")
    steps, known = context.SimpleQueue(), dict(waiting)
    with concurrent.futures.ProcessPoolExecutor(
        count,
        context,
        initializer=_receive,
        initargs=(study, keras.config.dtype_policy().name, keras.config.floatx(), steps),
    ) as pool:
        try:
            while waiting or running:
                undone = {*waiting, *(job.hash for job in running.values())}
                for job in list(waiting.values()):
                    # No more than run at once: what has been handed over cannot be taken back.
                    if len(running) < count and undone.isdisjoint(each.hash for each in job.after):
                        del waiting[job.hash]
                        running[pool.submit(_run, job)] = job
                done, _ = concurrent.futures.wait(
                    running, TOLD, return_when=concurrent.futures.FIRST_COMPLETED
                )
                while not steps.empty():
                    job, step, loss = steps.get()
                    progress.at(known[job], step, loss)
                for future in done:
                    future.result()
                    progress(running.pop(future))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_received = None


def _receive(study, policy, floatx, steps):
    global _received
    keras.config.set_dtype_policy(policy)
    keras.config.set_floatx(floatx)
    _received = study, steps
    # Who is killed does not tell: what it has started must see it.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _run(job):
    study, steps = _received
    job.run(study, lambda training, step, loss: steps.put((training.hash, step, loss)))
