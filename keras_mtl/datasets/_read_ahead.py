"""Makes the next batches while the model works on the present one."""

import multiprocessing
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from keras_mtl._checks import check_integer

_BROKEN = (
    "A worker process ended early; its own message, if any, is on the standard error stream. A "
    "script that uses processes needs `if __name__ == '__main__':` around what it does. "
    "`use_multiprocessing=False` works with threads."
)


class ReadAhead:
    """Answers with `make(position)`, and starts on the positions that come next.

    What comes out is what `make` returns, whatever is asked for and in whatever order; only where
    positions are asked for one after the other is there anything to gain.

    `make`, a function of a position alone, is always the same. It comes with each call and is not
    kept, since as a method of who asks it would keep that and all that is read ahead alive. With
    processes it must pickle.

    Args:
        workers: Number of threads or processes.
        use_multiprocessing: Whether to use processes.
        max_queue_size: Number of positions to read ahead.
    """

    def __init__(self, workers, use_multiprocessing, max_queue_size):
        self._workers = check_integer("workers", workers, 1)
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = check_integer("max_queue_size", max_queue_size, 1)
        self._stand_still()

    def _stand_still(self):
        self._executor, self._futures, self._last = None, {}, -1
        self._lock = threading.Lock()

    def __call__(self, make, position):
        with self._lock:
            window = range(position, position + 1 + self._max_queue_size)
            is_next, self._last = position == self._last + 1, position
            for stale in set(self._futures).difference(window):
                self._futures.pop(stale).cancel()
            try:
                for each in window if is_next else window[:1]:
                    if each not in self._futures:
                        self._futures[each] = self._submit(make, each)
            except BrokenProcessPool as error:
                raise RuntimeError(_BROKEN) from error
            future = self._futures.pop(position)
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise RuntimeError(_BROKEN) from error

    def _submit(self, make, position):
        if not self._use_multiprocessing:
            self._executor = self._executor or ThreadPoolExecutor(self._workers)
            return self._executor.submit(make, position)
        if self._executor is None:
            # "fork" is unsafe beside a backend's threads.
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(self._workers, context, _receive, (make,))
        return self._executor.submit(_answer, position)

    def __getstate__(self):
        names = ("_workers", "_use_multiprocessing", "_max_queue_size")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._stand_still()


# In a worker process: the function that it was started for.
_make = None


def _receive(make):
    global _make
    _make = make
    # Ctrl-C reaches the whole process group; the parent alone decides, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answer(position):
    return _make(position)
