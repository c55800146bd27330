"""A study as its folder tells of it: to look at, without network, data or backend."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_mtl._files import file_of, whole_file
from keras_mtl._types import PathLike
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.records import Records
from keras_mtl.study.scored import Scored

DECLARED = "declared.json"


@dataclasses.dataclass(frozen=True)
class RecordedTask:
    """How a task is scored and shown; attributes as of `keras_mtl.Task`."""

    directions: Mapping[str, Any]
    heading: tuple[str, float]
    kind: str
    classes: tuple[str, ...] | None

    @property
    def headlines(self) -> tuple[str, ...]:
        return tuple(self.directions)

    @property
    def headline(self) -> str:
        return self.headlines[0]

    @property
    def better(self) -> Any:
        return self.directions[self.headline]


@dataclasses.dataclass(frozen=True)
class RecordedTraining:
    """A training by its hash."""

    hash: str
    outputs: tuple[str, ...]
    start: tuple[str, ...]
    """Hashes of the trainings that it starts from."""


@dataclasses.dataclass(frozen=True)
class RecordedRow:
    """A row by its hash; attributes as of `Row`."""

    contender: str
    seed: int
    hash: str
    networks: tuple[RecordedTraining, ...]
    trainings: tuple[RecordedTraining, ...]


class RecordedStudy(Scored):
    """What a study that has run has left: `found()` says what came out, but trains nothing.

    Args:
        folder: that of the study.

    Raises:
        ValueError: it is no folder of a study.

    Example:

    >>> import keras, numpy as np, tempfile, keras_mtl
    >>> x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    >>> examples = (x, {"a": x[:, :1]})
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu", name="one")])
    >>> study = keras_mtl.Study(
    ...     net, {"a": keras_mtl.Task.regression()}, examples, examples, examples,
    ...     steps=4, seeds=1, contenders=[], folder=tempfile.mkdtemp())
    >>> declare(study)
    >>> [row.contender for row in RecordedStudy(study.folder).rows]
    ['one-task']
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        path = self.folder / DECLARED
        if not path.is_file():
            raise ValueError(f"`folder` must be that of a study that has run. Received: {folder}.")
        with file_of("a study", path, "`folder` must hold"):
            content = json.loads(path.read_text())
            self.tasks = {
                name: RecordedTask(
                    task["directions"],
                    tuple(task["heading"]),
                    task["kind"],
                    task["classes"] and tuple(task["classes"]),
                )
                for name, task in content["tasks"].items()
            }
            trainings = {
                name: RecordedTraining(name, tuple(each["outputs"]), tuple(each["start"]))
                for name, each in content["trainings"].items()
            }
            self._rows = [
                RecordedRow(
                    row["contender"],
                    row["seed"],
                    row["hash"],
                    *(tuple(trainings[each] for each in row[of]) for of in ("networks", "all")),
                )
                for row in content["rows"]
            ]
            self.seeds, self.versions = content["seeds"], content["versions"]
            self._budget, self._described = content["budget"], content["settings"]
        self.records = Records(self.folder / "records.jsonl")

    @property
    def rows(self) -> list[RecordedRow]:
        return self._rows

    @property
    def budget_text(self) -> str:
        return self._budget

    def described(self) -> dict[str, dict[str, str]]:
        return self._described

    def networks(self, row: RecordedRow) -> list[Any]:
        """Those need the `Study` itself, which knows what their files do not.

        Raises:
            ValueError: always.
        """
        files = [str(self.file_of(each)) for each in row.networks]
        raise ValueError(
            "networks must be asked for from the `Study` itself, or read by "
            f"`keras.models.load_model`. Received: a folder alone, with {files}."
        )


def declare(study: AnyStudy) -> None:
    """Writes what a `RecordedStudy` reads: what a study consists of, and how it is scored."""
    content = {
        "tasks": {
            name: {
                "directions": task.directions,
                "heading": task.heading,
                "kind": task.kind,
                "classes": task.classes,
            }
            for name, task in study.tasks.items()
        },
        "seeds": study.seeds,
        "budget": study.budget_text,
        "versions": study.versions,
        "settings": study.described(),
        "trainings": {
            each.hash: {
                "outputs": [output for output, _ in each.outputs],
                "start": [of.hash for of in each.start],
            }
            for each in study.trainings
        },
        "rows": [
            {
                "contender": row.contender,
                "seed": row.seed,
                "hash": row.hash,
                "networks": [each.hash for each in row.networks],
                "all": [each.hash for each in row.trainings],
            }
            for row in study.rows
        ],
    }
    with whole_file(study.folder / DECLARED) as unfinished:
        unfinished.write_text(json.dumps(content) + "\n")
