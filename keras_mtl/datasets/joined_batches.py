"""Several data sets as one: each has labels for some of the tasks."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Augmentation

from ._as_target import as_target
from ._common_targets import common_targets
from ._dealer import dealer_of
from ._ordered_batches import OrderedBatches
from ._refuse_workers import refuse_workers
from ._row_streams import as_columns, describe, generator, num_rows, row_stream, shapes_of


class JoinedBatches(OrderedBatches):
    """Batches of several data sets, each of which has labels for some of the tasks.

    Every batch has targets of all tasks. Rows of a source that has no labels of a task have NaN
    there. The rows of a batch stand source by source, in the order of `sources`; `rows` says how
    many there are of each.

    Each source goes through its own passes at its own pace, over the borders of epochs: nothing is
    dropped, and what has come to its end starts again. So every batch is a pure function of
    (`seed`, `epoch`, place in the epoch): a run that starts with `epoch=k` sees the batches that an
    uninterrupted run sees from its epoch k on. Call `fit` with `shuffle=False`; `ArrayBatches` says
    how to tie `epoch` to `fit`'s own count.

    **An epoch** ends when every source has given as many rows as one of its passes has: the source
    that takes longest by its share decides, and others have started again meanwhile. With
    `mix="proportional"` all take equally long. `steps` sets another end.

    **Sources** that are not arrays give batches, of any size, and from these rows are taken as a
    batch needs them. They come in the order that the source gives them:

    - A `keras.utils.PyDataset` and a grain `MapDataset` are read where they are needed. All batches
      of a pass must be of one size but the last, which may be smaller. A data set of this library
      has its own order for each of its epochs, which are the passes; its own `epoch` has no effect.
      A `MapDataset` of n batches continues with batch n, by which grain shuffles anew. Of another
      `PyDataset` `shuffle` mixes the batches anew for every pass, as `fit` would.
    - A `tf.data.Dataset` and a grain `IterDataset` are read from their start. A resumed run skips
      the rows that have been read, and finds the same ones only if the source repeats itself:
      `shuffle(…, reshuffle_each_iteration=False)`. Their order is their own; `workers` cannot read
      them. In the length of a `tf.data.Dataset`, its last batch counts as full.

    Args:
        sources: Dict from a name to a data set: a pair `(x, y)` of arrays (N, ...), each of which
            may be a `LazyArray`, or one of the others above, which give such pairs. `x` is an
            array, or a dict of inputs by name; `y` a dict from task to array, or an array, the
            target of the task of the source's name. Several sources may have labels of the same
            task.
        batch_size: Rows of a batch, dealt out to the sources by `mix`; or a dict from source to its
            own number of rows in every batch, or in its own batches with `alternate`.
        mix: The sources' shares of the rows:

            - "proportional": by their lengths. "equal": the same for all.
            - A temperature T > 0: by length**(1 / T). 1 is proportional, infinity equal.
            - A dict from source to its share, in any unit.
            - A function from the step, counted from 0 over all epochs, to such a dict, in which
              shares may be 0. It wants `steps`, and must pickle if processes are used.

            After any number of steps every source has had its share within a row; shares that
            change may cost a row more. With a dict as `batch_size` there is nothing to mix.
        alternate: Whether each batch is of one source. They take turns by the same shares; with a
            dict as `batch_size` so that all go through their rows equally fast.
        apart: Whether images stay apart: a dict of them by source, each of which has labels of the
            task of its name alone, for a `MultiTaskModel` with `own_inputs=True`. `batch_size` is
            then that of each source.
        steps: Batches of an epoch.
        shuffle: Whether every pass over arrays, or over a `PyDataset`, has an order of its own.
        seed: Integer >= 0.
        epoch: The epoch to start with, counted from 0. It can be set at any time.
        augment: Callable `(images, targets, rng) -> (images, targets)` that changes each source's
            rows of a batch before they are joined, so with the targets that the source has; or a
            dict from source to one. The generator is a pure function of (`seed`, source, step).
            Each is tried on a row of its source when the data set is made.
        dtype: Type of the images, or of all inputs.
        **kwargs: As of `keras.utils.PyDataset`; for `workers` see `ArrayBatches`. With processes
            the sources must pickle.

    Batches:
        A pair of the images (B, ...), or the dict of inputs, and a dict from every task to its
        target (B, ...). Tasks that all sources have keep their type, integers as int32; of several
        types, and of tasks that some source has not, targets are float32.

    Attributes:
        tasks: List of the tasks, in the order in which the sources name them.

    Raises:
        ValueError: An argument is out of range, a source is no data set, or sources do not go
            together: in the names or shapes of their inputs, or the shapes of a task's targets.
            While reading: batches of a source differ in names, shapes or size, or `mix` gives no
            shares.

    Example:

    >>> from keras_mtl.datasets import JoinedBatches
    >>> data = JoinedBatches(
    ...     {"depth": (np.ones((6, 2)), np.ones(6)), "edges": (np.zeros((2, 2)), np.zeros(2))},
    ...     batch_size=4)
    >>> len(data), data.rows(0)
    (2, {'depth': 3, 'edges': 1})
    >>> data[0][1]["depth"]
    array([ 1.,  1.,  1., nan], dtype=float32)
    """

    def __init__(
        self,
        sources: Mapping[str, Any],
        batch_size: int | Mapping[str, int],
        mix: str | float | Mapping[str, float] | Callable[[int], Mapping[str, float]] = (
            "proportional"
        ),
        alternate: bool = False,
        apart: bool = False,
        steps: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        epoch: int = 0,
        augment: Augmentation | Mapping[str, Augmentation] | None = None,
        dtype: DTypeLike = "float32",
        **kwargs: Any,
    ) -> None:
        seed = check_integer("seed", seed, 0)
        if steps is not None:
            steps = check_integer("steps", steps, 1)
        if not isinstance(sources, Mapping) or not sources or not _are_names(sources):
            received = list(sources) if isinstance(sources, Mapping) else type(sources).__name__
            raise ValueError(
                f"`sources` must be a dict from names to data sets. Received: {received}."
            )
        self.dtype = np.dtype(dtype)
        self._augment = _by_source(augment, sources)
        self._streams = {
            name: row_stream(name, source, shuffle, seed) for name, source in sources.items()
        }
        sequential = [name for name, stream in self._streams.items() if stream.sequential]
        if sequential:
            refuse_workers(kwargs, f"{sequential} can only be read from their start")
            # Mixed batches would be read from there one by one.
            self.in_order = True
        lengths = {name: stream.length for name, stream in self._streams.items()}
        if apart:
            if alternate:
                raise ValueError("`alternate` must be False with `apart`. Received: True.")
            if not isinstance(batch_size, Mapping):
                batch_size = dict.fromkeys(sources, batch_size)
        self._apart = apart
        self._dealer, self._units, needed = dealer_of(lengths, batch_size, mix, alternate)
        steps = needed if steps is None else steps
        if steps is None:
            raise ValueError(
                "`steps` must be an integer where `mix` is a function or the length of a source "
                f"is not known. Received: steps=None, lengths {lengths}."
            )
        # What is put in order here are batches.
        super().__init__(steps, 1, False, seed, epoch, False, **kwargs)
        self._shapes = {}
        first = {name: self._part(name, 0, 1, 0) for name in self._streams}
        self._targets = dict.fromkeys(first) if apart else common_targets(first)
        for name, columns in first.items():
            if apart and {*columns} != {("inputs", None), ("targets", name)}:
                raise ValueError(
                    f"`sources[{name!r}]` must have images and labels of {name!r} alone with "
                    f"`apart`. Received: {[describe(each) for each in columns]}."
                )
        self._shapes = {name: shapes_of(columns) for name, columns in first.items()}
        self.tasks = list(self._targets)

    def rows(self, step: int) -> dict[str, int]:
        """Rows of each source in a step, which is counted from 0 over all epochs."""
        pair = self._units.items(), self._dealer(check_integer("step", step, 0))[1]
        return {name: unit * each for (name, unit), each in zip(*pair, strict=True)}

    def _make(self, epoch, index):
        step = epoch * len(self) + index
        if self._apart:
            dealt = zip(self._units, *self._dealer(step), strict=True)
            parts = {name: self._part(name, *rows, step) for name, *rows in dealt}
            images = {name: part["inputs", None] for name, part in parts.items()}
            return images, {name: part["targets", name] for name, part in parts.items()}
        parts = [
            self._part(name, unit * before, unit * dealt, step)
            for (name, unit), before, dealt in zip(
                self._units.items(), *self._dealer(step), strict=True
            )
            if dealt
        ]
        inputs = {
            name: np.concatenate([part[kind, name] for part in parts], dtype=self.dtype)
            for kind, name in parts[0]
            if kind == "inputs"
        }
        targets = {
            task: np.concatenate([_target(part, task, *known) for part in parts], dtype=known[0])
            for task, known in self._targets.items()
        }
        return inputs.get(None, inputs), targets

    def _part(self, name, first, rows, step):
        """The columns of some rows of a source, as they come out."""
        columns = self._streams[name].read(first, first + rows)
        inputs, targets = {}, {}
        for (kind, key), values in columns.items():
            if kind == "inputs":
                inputs[key] = np.asarray(values, self.dtype)
            else:
                targets[key] = as_target(values)
        if name in self._augment:
            rng = generator(self.seed, name, 1, step)
            inputs, targets = self._augment[name](inputs.get(None, inputs), targets, rng)
        columns = as_columns(inputs, targets)
        shapes = shapes_of(columns)
        wanted = self._shapes.get(name, shapes)
        if shapes != wanted or {len(values) for values in columns.values()} != {rows}:
            raise ValueError(
                f"`augment` must keep the {rows} rows of {name!r}, and give all the same names and "
                f"shapes, {wanted}. Received: {shapes}, rows {[*map(len, columns.values())]}."
            )
        return columns


def _target(columns, task, dtype, shape):
    if ("targets", task) in columns:
        return columns["targets", task]
    return np.full((num_rows(columns), *shape), np.nan, dtype)


def _are_names(values):
    return all(isinstance(each, str) for each in values)


def _by_source(augment, sources):
    if augment is None:
        return {}
    augment = augment if isinstance(augment, Mapping) else dict.fromkeys(sources, augment)
    if not set(augment) <= set(sources) or not all(map(callable, augment.values())):
        raise ValueError(
            f"`augment` must be a callable, or a dict of callables for some of {list(sources)}. "
            f"Received: {augment}."
        )
    return dict(augment)
