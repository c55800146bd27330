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
from typing import Annotated

import keras
import numpy as np
import tyro

from keras_mtl.cli._arguments import option
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.cli._exported import FORMATS, called, name_outputs, open_sizes, outputs_of
from keras_mtl.cli._files import folder
from keras_mtl.cli._models import load
from keras_mtl.graphs.functional_models import as_functional

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
    format: Annotated[str | None, option("|".join(FORMATS), str)] = None
    """The form; by default the suffix says it: .onnx, .pt2, .tflite, .xml (OpenVINO), .keras; none
    is a SavedModel."""
    no_check: bool = False
    """Do not run what was written."""

    def run(self):
        form = _form(self.format, self.output)
        _check_free(self.output)
        _check_backend(form)
        model = load(self.name)
        try:
            model = as_functional(model)
        except TypeError as error:
            raise CommandError(str(error).replace("`model`", self.name)) from error
        detects = "rois" in [x.name for x in model.inputs]
        if detects and form.keras is not None and keras.backend.backend() == "torch":
            # Its exporters lack what the pooling of regions does.
            other = "" if "tensorflow" in form.packages else ", as .onnx or a SavedModel"
            raise CommandError(
                f"torch cannot export detectors as {form.name}; KERAS_BACKEND=tensorflow can{other}"
            )
        batches = [_noise(model, size) for size in BATCHES]
        # Keras exports what has been called.
        expected = [called(model, inputs) for inputs in batches]
        with folder(self.output.parent, "OUTPUT"), _beside(self.output) as unfinished:
            _write(model, unfinished, form)
            size = sum(each.stat().st_size for each in unfinished.parent.rglob("*"))
            told = "" if self.no_check else _compare(form, unfinished, model, batches, expected)
        print(f"{self.output}: {size / 1e6:,.1f} MB{told}")


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


def _form(name, output):
    """The form of a name, or else that of the suffix of the output."""
    if name is None:
        forms = [form for form in FORMATS.values() if form.suffix == output.suffix]
        if not forms:
            known = ", ".join(form.suffix for form in FORMATS.values() if form.suffix)
            raise UsageError(f"{output} must end in {known}, or give --format")
        return forms[0]
    if name not in FORMATS:
        raise UsageError(f"--format must be one of {', '.join(FORMATS)}. Received: {name}")
    form = FORMATS[name]
    if form.suffix not in ("", output.suffix):
        raise UsageError(f"a file of format {name} ends in {form.suffix}: {output}")
    return form


def _check_backend(form):
    """Says which backend, or which package, can write the form if this one cannot."""
    packages, backend = form.packages, keras.backend.backend()
    if backend not in packages:
        able = " or ".join(f"KERAS_BACKEND={each}" for each in packages)
        raise CommandError(f"{backend} cannot write {form.name}: {able} can")
    missing = [each for each in packages[backend] if not importlib.util.find_spec(each)]
    if missing:
        names = " ".join(missing).replace("_", "-")  # As pip calls them.
        raise CommandError(f"{form.name} from {backend} needs: pip install {names}")


def _write(model, path, form):
    quiet = io.StringIO()  # Exporters print whole graphs where they fail.
    logging.disable(logging.ERROR)
    try:
        with (
            contextlib.redirect_stdout(quiet),
            contextlib.redirect_stderr(quiet),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            if form.keras is None:
                model.save(path)
            else:
                options = open_sizes(model) if form.name == "torch" else {}
                model.export(path, format=form.keras, verbose=False, **options)
            if form.name == "onnx":
                name_outputs(path, model)
    except Exception as error:
        raise CommandError(
            f"{keras.backend.backend()} cannot write {model.name} as {form.name}: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error
    finally:
        logging.disable(logging.NOTSET)


def _compare(form, path, model, batches, expected):
    """Says how far what was written, where it is meant to run, differs from the model.

    Raises:
        CommandError: it does not run, of one size of the batch or another, or differs by much.
    """
    if not importlib.util.find_spec(form.module):
        return f"\nnot run: {form.runtime} is not installed"
    worst = 0.0
    for size, inputs, outputs in zip(BATCHES, batches, expected, strict=True):
        try:
            difference = _largest_difference(outputs, outputs_of(form, path, model, inputs))
        except Exception as error:
            raise CommandError(
                f"{form.runtime} cannot run {path.name} on a batch of {size}: {error}"
            ) from error
        if not difference < CLOSE:
            raise CommandError(
                f"{path.name} gives other outputs than the network on a batch of {size}"
            )
        worst = max(worst, difference)
    differs = (
        f"differs by at most {worst:.1e} of the largest" if worst else "gives the same outputs"
    )
    return f"\nrun by {form.runtime}: {differs}"


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
