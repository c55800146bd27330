"""`keras-mtl export`: a network as other programs read it."""

import contextlib
import dataclasses
import importlib.util
import io
import logging
import os
import tempfile
import warnings
from pathlib import Path
from typing import Annotated, Literal

import keras
import numpy as np
import tyro

from keras_mtl.cli._arguments import option
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.cli._exported import RUNTIMES, name_outputs, open_sizes, outputs_of
from keras_mtl.cli._files import folder
from keras_mtl.cli._models import load
from keras_mtl.graphs.functional_models import as_functional


@dataclasses.dataclass(frozen=True)
class Format:
    """A form in which a network can be written.

    Attributes:
        keras: what `keras.Model.export` calls it; `None` for Keras' own.
        suffix: of its file; empty if it is a folder.
        packages: what has to be installed, by the backends that can write it: names of modules,
            each with what pip calls it.
    """

    keras: str | None
    suffix: str
    packages: dict


FORMATS = {
    "saved-model": Format(
        "tf_saved_model",
        "",
        {"tensorflow": {}, "jax": {"tensorflow": "tensorflow"}},
    ),
    "onnx": Format(
        "onnx",
        ".onnx",
        {
            "tensorflow": {"tf2onnx": "tf2onnx"},
            "torch": {"onnx": "onnx", "onnxscript": "onnxscript"},
            "jax": {"jax2onnx": "jax2onnx"},
        },
    ),
    "torch": Format("torch", ".pt2", {"torch": {}}),
    "litert": Format(
        "litert", ".tflite", {"tensorflow": {}, "torch": {"litert_torch": "litert-torch"}}
    ),
    "openvino": Format(
        "openvino", ".xml", {each: {"openvino": "openvino"} for each in ("tensorflow", "torch")}
    ),
    "keras": Format(None, ".keras", {each: {} for each in ("tensorflow", "jax", "torch")}),
}
BATCHES = (1, 3)
"""Sizes that what was written is run with: one may have been built in."""
CLOSE = 1e-3
"""Outputs may differ by so much of the largest of them."""


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a network in a form that other programs read, and compare it there.

    Which backend can write which form, `docs/export.md` has as a table. What was written is run,
    where its runtime is installed, on pictures of noise, one and several at once; what fails is not
    kept. Outputs of ONNX are named after the tasks. For instance:

        keras-mtl export CrossStitchFCN network.onnx
        keras-mtl export my_network.keras network.pt2
        KERAS_BACKEND=jax keras-mtl export BranchedResNet saved_model
    """

    name: Annotated[tyro.conf.Positional[str], option("NETWORK")]
    """A network that ships (see `keras-mtl list`), or a .keras file."""
    output: Annotated[tyro.conf.Positional[Path], option("OUTPUT")]
    """The file, or for a SavedModel the folder, that is to be written."""
    format: Annotated[Literal[tuple(FORMATS)] | None, option("|".join(FORMATS))] = None
    """The form; by default the suffix says it: .onnx, .pt2, .tflite, .xml (OpenVINO), .keras; none
    is a SavedModel."""
    no_check: bool = False
    """Do not run what was written."""

    def run(self):
        format = self.format or _by_suffix(self.output)
        chosen = FORMATS[format]
        if self.output.suffix != chosen.suffix and chosen.suffix:
            raise UsageError(f"a file of format {format} ends in {chosen.suffix}: {self.output}")
        _check_free(self.output)
        _check_backend(format)
        try:
            model = as_functional(load(self.name))
        except TypeError as error:
            raise CommandError(str(error)) from error
        if (
            chosen.keras is not None
            and keras.backend.backend() == "torch"
            and "rois" in [x.name for x in model.inputs]
        ):
            # Its exporters lack what the pooling of regions does.
            other = "" if "tensorflow" in chosen.packages else ", as .onnx or a SavedModel"
            raise CommandError(
                f"torch cannot export detectors as {format}; KERAS_BACKEND=tensorflow can{other}"
            )
        batches = [_noise(model, size) for size in BATCHES]
        # Keras exports what has been called.
        expected = [_called(model, inputs) for inputs in batches]
        with folder(self.output.parent, "OUTPUT"), _beside(self.output) as unfinished:
            _write(model, unfinished, chosen, format)
            size = sum(each.stat().st_size for each in unfinished.parent.rglob("*"))
            told = None if self.no_check else _compare(format, unfinished, model, batches, expected)
        print(f"{self.output}: {size / 1e6:,.1f} MB")
        if told:
            print(told)
        return 0


@contextlib.contextmanager
def _beside(path):
    """Yields a path of the same name in a folder of its own; what is made there moves to `path`.

    All of it, or, if something fails, nothing.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="unfinished_") as made:
        yield Path(made) / path.name
        # The weights of some forms are a file of their own: what was asked for appears last.
        files = sorted(Path(made).iterdir(), key=lambda each: each.name == path.name)
        for each in files:
            _check_free(path.with_name(each.name))
        for each in files:
            each.rename(path.with_name(each.name))


def _check_free(path):
    if os.path.lexists(path):
        raise CommandError(f"{path} is there already: OUTPUT must have another name")


def _by_suffix(path):
    known = {each.suffix: name for name, each in FORMATS.items()}
    if path.suffix not in known:
        raise UsageError(f"{path} must end in {', '.join(filter(None, known))}, or give --format")
    return known[path.suffix]


def _check_backend(format):
    """Says which backend, or which package, can write the form if this one cannot."""
    packages, backend = FORMATS[format].packages, keras.backend.backend()
    if backend not in packages:
        able = " or ".join(f"KERAS_BACKEND={each}" for each in packages)
        raise CommandError(f"{backend} cannot write {format}: {able} can")
    missing = [
        pip for module, pip in packages[backend].items() if not importlib.util.find_spec(module)
    ]
    if missing:
        raise CommandError(f"{format} from {backend} needs: pip install {' '.join(missing)}")


def _write(model, path, chosen, format):
    quiet = io.StringIO()  # Exporters print whole graphs where they fail.
    logging.disable(logging.ERROR)
    try:
        with (
            contextlib.redirect_stdout(quiet),
            contextlib.redirect_stderr(quiet),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            if chosen.keras is None:
                model.save(path)
            else:
                options = open_sizes(model) if format == "torch" else {}
                model.export(path, format=chosen.keras, verbose=False, **options)
            if format == "onnx":
                name_outputs(path, model)
    except Exception as error:
        raise CommandError(
            f"{keras.backend.backend()} cannot write {model.name} as {format}: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
    finally:
        logging.disable(logging.NOTSET)


def _compare(format, path, model, batches, expected):
    """Says how far what was written, where it is meant to run, differs from the model.

    Raises:
        CommandError: it does not run, of one size of the batch or another, or differs by much.
    """
    runtime = RUNTIMES[format]
    if not runtime.installed():
        return f"not run: {runtime.package} is not installed"
    worst = 0.0
    for inputs, outputs in zip(batches, expected, strict=True):
        size = len(keras.tree.flatten(inputs)[0])
        try:
            difference = _largest_difference(outputs, outputs_of(format, path, model, inputs))
        except Exception as error:
            raise CommandError(
                f"{runtime.package} cannot run {path.name} on a batch of {size}: {error}"
            ) from error
        if not difference < CLOSE:
            raise CommandError(
                f"{path.name} gives other outputs than the network on a batch of {size}"
            )
        worst = max(worst, difference)
    differs = (
        f"differs by at most {worst:.1e} of the largest" if worst else "gives the same outputs"
    )
    return f"run by {runtime.package}: {differs}"


def _noise(model, batch):
    """So many inputs of the model at random, in its structure."""
    rng = np.random.default_rng(0)

    def values(x):
        shape = [batch, *(side or 224 for side in x.shape[1:])]
        if np.issubdtype(np.dtype(x.dtype), np.integer):
            return np.zeros(shape, x.dtype)
        if x.name == "rois":
            # Exporters take the number of regions as one, where they cannot leave it open.
            return np.array([[[4, 4, 40, 48]]] * batch, x.dtype)
        return rng.uniform(0, 255, shape).astype(x.dtype)

    return keras.tree.map_structure(values, model.input)


def _called(model, inputs):
    outputs = model(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs), training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


def _largest_difference(expected, found):
    """Of all outputs, by the largest value of each; they are matched by name, or by their order."""
    if isinstance(expected, dict) and isinstance(found, dict) and set(expected) == set(found):
        orders = [[found[name] for name in expected]]
        ours = list(expected.values())
    else:
        ours, theirs = keras.tree.flatten(expected), keras.tree.flatten(found)
        orders = [theirs]
        if isinstance(expected, dict):  # Some exporters sort names, as Keras does, others do not.
            place = {name: number for number, name in enumerate(expected)}
            orders.append([theirs[place[name]] for name in sorted(expected)])
    fitting = [each for each in orders if [x.shape for x in each] == [x.shape for x in ours]]
    return min((max(map(_difference, ours, each)) for each in fitting), default=float("inf"))


def _difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-6))
