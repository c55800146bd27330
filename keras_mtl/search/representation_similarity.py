"""How alike networks for different tasks represent the same images."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_choice, check_integer
from keras_mtl._types import Array
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.towers import Tower

# Columns that are turned to double precision at a time.
CHUNK = 8192
# Equal correlations differ in what summation rounds off; they must tie.
DECIMALS = 12
UNDEFINED = ("raise", "zero")


def representation_similarity(
    features: Mapping[str, ArrayLike] | Sequence[ArrayLike],
    *,
    undefined: Literal["raise", "zero"] = "raise",
) -> Array:
    """Compares the representations of several tasks' networks at one location.

    Every network says which images it takes for alike: a matrix of 1 − Pearson's correlation of the
    features of two images. The affinity of two tasks is Spearman's rank correlation of these
    matrices, over their strict upper triangles.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, section 3.1, after
    Dwivedi and Roig, "Representation Similarity Analysis", CVPR 2019.

    Args:
        features: a dict from task to, or a list of, T arrays (K, …): the features of the same K
            images in the same order. The networks may have different numbers of features.
        undefined: what a correlation is taken for that is not defined, of an image whose features
            are all the same (as behind a ReLU that lets nothing through), or of a task whose images
            are all equally unlike: `"zero"` takes it for 0, no likeness known; `"raise"` refuses
            such features.

    Returns:
        A float64 array (T, T), from -1 to 1, with ones on the diagonal.

    Raises:
        ValueError: other or fewer than 3 images for some task; features that are not finite; an
            unknown `undefined`, or with `"raise"` a correlation that is not defined.

    Example:

    >>> import numpy as np, keras_mtl
    >>> images = np.random.default_rng(0).normal(size=(20, 64))
    >>> alike = keras_mtl.search.representation_similarity({"a": images, "b": 3 * images + 1})
    >>> alike.round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    check_choice("undefined", undefined, UNDEFINED)
    named = features if isinstance(features, dict) else dict(enumerate(features))
    if not named:
        raise ValueError("`features` must hold an array for at least one task. Received: none.")
    counts: dict[str | int, Any] = {
        task: np.shape(each)[0] if np.ndim(each) > 1 else None for task, each in named.items()
    }
    if len({*counts.values()}) > 1 or None in counts.values() or min(counts.values()) < 3:
        raise ValueError(
            "`features` must be arrays (images, …) of the same 3 or more images for every task. "
            f"Received numbers of images: {counts}."
        )
    ranks = {task: ranked_unlikeness(each, task, undefined) for task, each in named.items()}
    return _rank_correlation(ranks, undefined)


def task_affinity(
    models: Mapping[str, keras.Model],
    images: Array | Sequence[Array] | Mapping[str, Array],
    locations: Sequence[str],
    *,
    undefined: Literal["raise", "zero"] = "raise",
    batch_size: int = 32,
    verbose: int = 1,
) -> Array:
    """Compares networks of the same stages but different tasks, at several locations.

    The images go through one network after the other, and in each from one location to the next, so
    that no more than the features at two neighbouring locations of one network are in memory.

    Source: as of `representation_similarity`; the paper takes 500 images.

    Args:
        models: dict from task to the network trained for it: a `MultiTaskModel` that has the task,
            or any functional Keras model. Batch normalisation is that of inference.
        images: array (K, …), what the networks take, or for networks of several inputs a list or a
            dict (by the inputs' names) of such arrays.
        locations: names of the stages (of a plain Keras model: of the layers) behind which the
            representations are compared, from the image on.
        undefined: as of `representation_similarity`.
        batch_size: number of images that go through a network at once.
        verbose: 1 shows a bar of progress, 0 does not.

    Returns:
        A float64 array (D, T, T): see `representation_similarity`.

    Raises:
        ValueError: as `representation_similarity` and `keras_mtl.towers.Tower`; a `MultiTaskModel`
            without the task; images that are not one array for each input of every network, of
            equal lengths.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> def network():
    ...     first = keras.layers.Dense(8, name="first")
    ...     return keras.Sequential([keras.Input((4,)), first, keras.layers.Dense(1)])
    >>> images = np.random.default_rng(0).normal(size=(20, 4))
    >>> models = {"age": network(), "species": network()}  # trained, each for its task
    >>> keras_mtl.search.task_affinity(models, images, ["first"], verbose=0).shape
    (1, 2, 2)
    """
    if not models or not locations:
        raise ValueError(
            "`models` and `locations` must hold one or more. "
            f"Received: models of {list(models)}, locations={locations}."
        )
    check_choice("undefined", undefined, UNDEFINED)
    batch_size = check_integer("batch_size", batch_size, 1)
    towers = {task: _cut(model, task, locations) for task, model in models.items()}
    inputs_of = {task: _in_order(images, tower.model, task) for task, (tower, _) in towers.items()}
    bar = keras.utils.Progbar(
        len(towers) * len(locations), verbose=verbose, unit_name="representation"
    )
    ranks = [{} for _ in locations]
    for task, (tower, stages) in towers.items():
        inputs = inputs_of[task]
        features = inputs[0]
        for of_location, location, stage in zip(ranks, locations, stages, strict=True):
            further = [inputs[number] for number in tower.further_inputs(stage)]
            features = _predicted(tower.stage(stage), [features, *further], batch_size)
            of_location[task] = ranked_unlikeness(features, f"{task}, {location}", undefined)
            bar.add(1)
    return np.stack([_rank_correlation(of_location, undefined) for of_location in ranks])


def ranked_unlikeness(features, name, undefined="raise"):
    """Ranks, from 1 on, of the pairs of images by 1 − their correlation; ties share their mean.

    Args:
        features: array (K, …).
        name: whose features they are, for errors.
        undefined: as of `representation_similarity`.

    Returns:
        Float64 array (K · (K - 1) / 2,).
    """
    # Imported here, since `import keras_mtl` costs no more than `import keras`.
    from scipy.stats import rankdata

    features = np.asarray(features).reshape(len(features), -1)
    if not np.isfinite(features).all():
        raise ValueError(f"`features` must be finite. Received NaN or infinite ones of {name!r}.")
    same = np.flatnonzero(features.max(axis=1) == features.min(axis=1))
    if len(same) and undefined == "raise":
        raise ValueError(
            "`features` of an image must not be all the same: correlations with it are not "
            f"defined. Received such of {name!r}, of {len(same)} images, the first one {same[0]}."
        )
    means = features.mean(axis=1, dtype="float64", keepdims=True)
    covariance = np.zeros((len(features), len(features)))
    for start in range(0, features.shape[1], CHUNK):
        centred = features[:, start : start + CHUNK] - means
        covariance += centred @ centred.T
    deviation = np.sqrt(np.diag(covariance))
    deviation[same] = np.inf  # a correlation of 0
    pairs = np.triu_indices(len(features), 1)
    correlation = (covariance / np.outer(deviation, deviation))[pairs]
    return rankdata(np.round(1 - correlation, DECIMALS))


def _rank_correlation(ranks, undefined):
    """Spearman's correlation of some tasks' ranks, a dict."""
    flat = [task for task, each in ranks.items() if np.ptp(each) == 0]
    if flat and undefined == "raise":
        raise ValueError(
            "`features` must make some pairs of images more alike than others. Received images "
            f"that are all equally unlike, of {flat}."
        )
    centred = np.stack([each - each.mean() for each in ranks.values()])
    deviation = np.linalg.norm(centred, axis=1)
    deviation[deviation == 0] = np.inf  # a correlation of 0
    centred /= deviation[:, None]
    # What a division rounds off would make the same representations unlike.
    correlation = (centred @ centred.T).round(DECIMALS).clip(-1, 1)
    np.fill_diagonal(correlation, 1)
    return correlation


def _cut(model, task, locations):
    """A network for one task cut at the locations, and what its stages are called then."""
    if isinstance(model, MultiTaskModel):
        names = [model.stage(task, location).name for location in locations]
        output = model.output[model.outputs_of(task)[0]]
    else:
        names, output = list(locations), model.outputs[0]
    # Of a dict of inputs, `model.inputs` are in the order of their names, not in its own.
    given = getattr(model, "input", None)
    inputs = list(given.values()) if isinstance(given, dict) else model.inputs
    return Tower(keras.Model(inputs, output), names), names


def _in_order(images, model, task):
    """The arrays of a model's inputs, in their order."""
    names = [x.name for x in model.inputs]
    if isinstance(images, dict):
        arrays, received = [images[name] for name in names if name in images], list(images)
    else:
        arrays = list(images) if isinstance(images, (list, tuple)) else [images]
        received = f"{len(arrays)} in a {type(images).__name__}"
    if len(arrays) != len(names):
        raise ValueError(
            "`images` must have one array of all images for each input of the networks. "
            f"Received: {received}, for the inputs {names} of the one for {task!r}."
        )
    counts = [np.shape(each)[0] if np.ndim(each) else 0 for each in arrays]
    if min(counts) < 3 or min(counts) < max(counts):
        raise ValueError(
            "`images` must be 3 or more, and as many for every input. "
            f"Received: {', '.join(map(str, counts))}."
        )
    return arrays


def _predicted(model, inputs, batch_size):
    """What `predict` returns, which until it has put its batches together holds it twice."""
    features = None
    for start in range(0, len(inputs[0]), batch_size):
        batch = [each[start : start + batch_size] for each in inputs]
        found = model.predict_on_batch(batch if len(batch) > 1 else batch[0])
        if features is None:
            features = np.empty((len(inputs[0]), *found.shape[1:]), found.dtype)
        features[start : start + batch_size] = found
    return features
