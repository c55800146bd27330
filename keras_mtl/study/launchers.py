"""Who runs what a study has declared: a launcher is a function of what is to be run."""

import concurrent.futures
import functools
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Sequence

import keras

from keras_mtl._checks import check_integer
from keras_mtl.study._types import AnyStudy, Launcher
from keras_mtl.study.row import Row
from keras_mtl.study.training import Training


def local(
    study: AnyStudy, jobs: Sequence[Training | Row], ended: Callable[[Training | Row], None]
) -> None:
    """Runs one after the other, here.

    Args:
        study: the `Study`.
        jobs: trainings and rows, none before one that it depends on.
        ended: called with each that has ended.
    """
    for job in jobs:
        job.run(study)
        ended(job)


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


def _in_processes(count, study, jobs, ended):
    waiting, running = {job.hash: job for job in jobs}, {}
    # Started anew: a backend that has run does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        count,
        context,
        initializer=_receive,
        initargs=(study, keras.config.dtype_policy().name, keras.config.floatx()),
    ) as pool:
        try:
            while waiting or running:
                undone = {*waiting, *(job.hash for job in running.values())}
                for job in list(waiting.values()):
                    # No more than run at once: what has been handed over cannot be taken back.
                    if len(running) < count and undone.isdisjoint(each.hash for each in job.after):
                        del waiting[job.hash]
                        running[pool.submit(_run, job)] = job
                for future in concurrent.futures.wait(
                    running, return_when=concurrent.futures.FIRST_COMPLETED
                ).done:
                    future.result()
                    ended(running.pop(future))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_received = None


def _receive(study, policy, floatx):
    global _received
    keras.config.set_dtype_policy(policy)
    keras.config.set_floatx(floatx)
    _received = study
    # Who is killed does not tell: what it has started must see it.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _run(job):
    job.run(_received)
