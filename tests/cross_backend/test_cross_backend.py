"""The same weights, step and file on every backend that is installed, each in a process."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BACKENDS = [
    name for name in ("jax", "tensorflow", "torch") if importlib.util.find_spec(name) is not None
]
PAIRS = [(one, other) for one in BACKENDS for other in BACKENDS if one != other]
# A file of TensorFlow or JAX says `jit_compile=True`, for which torch compiles half a minute.
ENVIRONMENT = {"TORCHDYNAMO_DISABLE": "1"}

pytestmark = [
    pytest.mark.cross_backend,
    pytest.mark.skipif(len(BACKENDS) < 2, reason=f"needs two backends, found {BACKENDS}"),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A function from names such as ("jax", "step") to the arrays that were reported."""
    folder = tmp_path_factory.mktemp("backends")
    workers = {}
    try:
        for backend in BACKENDS:
            workers[backend] = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("worker.py"), folder],
                env={**os.environ, **ENVIRONMENT, "KERAS_BACKEND": backend},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(folder / f"{backend}.log").open("w"),
                text=True,
            )
        tell(workers, folder, {backend: ["start", "detect", "skip"] for backend in BACKENDS})
        others = {b: [o for o in BACKENDS if o != b] for b in BACKENDS}
        tell(workers, folder, {b: [f"load {o}" for o in others[b]] for b in BACKENDS})
        tell(workers, folder, {b: [f"detect {o}" for o in others[b]] for b in BACKENDS})
        tell(workers, folder, {b: [f"skip {o}" for o in others[b]] for b in BACKENDS})
    finally:
        for worker in workers.values():
            worker.stdin.close()
            worker.terminate()
            worker.wait()
            worker.stdout.close()
    return lambda backend, what: dict(np.load(folder / f"{backend}-{what}.npz"))


def tell(workers, folder, tasks):
    """Gives every worker its tasks, then waits until all are done: they work side by side."""
    for backend, lines in tasks.items():
        workers[backend].stdin.write("".join(f"{line}\n" for line in lines))
        workers[backend].stdin.flush()
    for backend, lines in tasks.items():
        for line in lines:
            if workers[backend].stdout.readline() != "done\n":
                log = (folder / f"{backend}.log").read_text()
                pytest.fail(f"{backend} failed at {line!r}:\n{log[-3000:]}")


def assert_close(found, expected, tolerance, kinds=("weight", "output", "logs")):
    keys = [key for key in expected if key.split()[0] in kinds]
    assert keys and set(found) == set(expected)
    for key in keys:
        scale = np.abs(expected[key]).max()
        np.testing.assert_allclose(
            found[key], expected[key], rtol=tolerance, atol=tolerance * scale, err_msg=key
        )


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_same_weights_give_same_outputs(results, backend):
    found, expected = results(backend, "start"), results(BACKENDS[0], "start")
    assert expected["output normals"].std() > 0.1
    assert_close(found, expected, 0, kinds=["weight"])
    assert_close(found, expected, 1e-5, kinds=["output"])


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_same_weights_give_every_task_the_same_gradients(results, backend):
    found, expected = results(backend, "start"), results(BACKENDS[0], "start")
    tasks = {
        key.split()[1] for key in expected if key.startswith("gradient") and expected[key].any()
    }
    assert tasks == {"segmentation", "normals"}
    assert_close(found, expected, 1e-5, kinds=["gradient"])


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_one_step_gives_the_same_weights(results, backend):
    assert_close(results(backend, "step"), results(BACKENDS[0], "step"), 1e-4)


def test_the_step_moves_every_weight(results):
    before, after = results(BACKENDS[0], "start"), results(BACKENDS[0], "step")
    for key in before:
        if key.startswith("weight"):
            assert (before[key] != after[key]).any(), key


@pytest.mark.parametrize("backend, other", PAIRS)
def test_a_file_of_another_backend_is_the_same_model(results, backend, other):
    found, expected = results(backend, f"loaded-{other}"), results(other, "step")
    expected = {key: value for key, value in expected.items() if not key.startswith("logs")}
    assert_close(found, expected, 0, kinds=["weight"])
    assert_close(found, expected, 1e-5, kinds=["output"])


@pytest.mark.parametrize("backend, other", PAIRS)
def test_a_file_of_another_backend_trains_on_as_there(results, backend, other):
    """With the momentum of the first step, which the file holds."""
    assert_close(results(backend, f"further-{other}"), results(other, "further"), 1e-4)


@pytest.mark.parametrize("backend, other", PAIRS)
def test_a_detector_of_another_backend_finds_the_same_boxes(results, backend, other):
    found, expected = (results(each, f"detected-{other}") for each in (backend, other))
    assert expected["found counts"].min() > 0
    assert set(expected["found classes"]) == {1, 2}
    for key in ("counts", "classes"):
        np.testing.assert_array_equal(found[f"found {key}"], expected[f"found {key}"])
    assert np.abs(found["found boxes"] - expected["found boxes"]).max() < 0.01  # pixels
    for key in ("scores", "attributes"):
        np.testing.assert_allclose(found[f"found {key}"], expected[f"found {key}"], atol=1e-4)


@pytest.mark.parametrize("backend, other", PAIRS)
def test_a_policy_of_another_backend_skips_the_same(results, backend, other):
    found, expected = (results(each, f"skipped-{other}") for each in (backend, other))
    (logits,) = (value for key, value in expected.items() if key.endswith("logits"))
    assert np.abs(logits - 0.5).max() > 0.05
    assert_close(found, expected, 0, kinds=["weight"])
    assert_close(found, expected, 1e-5, kinds=["output"])
