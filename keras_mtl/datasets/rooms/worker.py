"""A rendering process: `python worker.py`, started by `pool.py`.

Reads requests from its standard input, one JSON object a line, and answers each with one pickled
list of pictures on its standard output. Ends when its input ends.
"""

import importlib
import json
import os
import pickle
import signal
import sys
import types


def _renderer():
    # The renderer needs NumPy alone, but importing it as keras_mtl.datasets.rooms.render would
    # start Keras and a backend in every process. A stand-in for the package, without the
    # __init__.py, makes its relative imports work.
    package = types.ModuleType("rooms")
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules["rooms"] = package
    return importlib.import_module("rooms.render").render_image


def main():
    # Ctrl-C reaches the whole process group; the parent alone decides, and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # A stray print must not damage the stream of answers.
    render_image = _renderer()
    for line in sys.stdin:
        job = json.loads(line)
        images = [
            render_image(job["split"], job["seed"], index, job["size"], job["antialias"])
            for index in range(job["start"], job["stop"])
        ]
        pickle.dump(images, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    main()
