"""Renders many pictures, in processes of its own."""

import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from dataclasses import asdict

from .render import render_image

# Small enough for an even load, large enough that passing results costs nothing.
_CHUNK = 8

# Below this many pictures for each process, starting it takes longer than it saves.
_MIN_IMAGES_PER_WORKER = 32


def render_all(request, workers=None):
    """Yields (index, picture) for every picture of a `RenderRequest`, in any order.

    Args:
        request: The `RenderRequest`.
        workers: Number of processes; by default one per CPU that this process may use, fewer if
            there is little to render. With 1, everything happens in this process.

    Raises:
        RuntimeError: If a rendering process dies.
    """
    if workers is None:
        workers = min(_available_cpus(), request.num_images // _MIN_IMAGES_PER_WORKER)
    chunks = [
        (start, min(start + _CHUNK, request.num_images))
        for start in range(0, request.num_images, _CHUNK)
    ]
    workers = min(workers, len(chunks))
    # An embedded interpreter has no executable to start.
    if workers <= 1 or not sys.executable:
        for index in range(request.num_images):
            yield (
                index,
                render_image(request.split, request.seed, index, request.size, request.antialias),
            )
    else:
        yield from _render_in_processes(request, chunks, workers)


def _available_cpus():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _render_in_processes(request, chunks, workers):
    # Plain subprocesses, not multiprocessing: "fork" is unsafe beside a backend's threads, and
    # "spawn" imports the user's script again, which fails without an `if __name__` guard.
    to_do, done = queue.SimpleQueue(), queue.SimpleQueue()
    for chunk in chunks:
        to_do.put(chunk)
    processes = []
    try:
        for _ in range(workers):
            processes.append(_start_worker())
            arguments = (processes[-1], request, to_do, done)
            threading.Thread(target=_feed, args=arguments, daemon=True).start()
        for _ in chunks:
            start, images = done.get()
            if isinstance(images, Exception):
                raise RuntimeError(
                    "A rendering process ended early; its own message, if any, is on the "
                    "standard error stream. `workers=1` renders without processes."
                ) from images
            yield from enumerate(images, start)
    finally:
        # Also on Ctrl-C, and when the caller drops this generator.
        for process in processes:
            process.kill()
            process.wait()


def _start_worker():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
    # One thread each: the processes already use every core.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    # -P: this folder must not come before the standard library on the worker's path.
    return subprocess.Popen(
        [sys.executable, "-P", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )


def _feed(process, request, to_do, done):
    """Hands chunks to one process until there are none; runs in a thread of its own."""
    try:
        with process.stdin, process.stdout:
            while True:
                start, stop = to_do.get_nowait()
                job = {**asdict(request), "start": start, "stop": stop}
                process.stdin.write(json.dumps(job).encode() + b"\n")
                process.stdin.flush()
                done.put((start, pickle.load(process.stdout)))
    except queue.Empty:
        pass
    except Exception as error:
        done.put((None, error))
