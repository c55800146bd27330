"""`keras-mtl predict`: what networks make of a folder of pictures."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import tyro

from keras_mtl import plots
from keras_mtl._files import whole_file
from keras_mtl.cli._arguments import option
from keras_mtl.cli._console import progress
from keras_mtl.cli._errors import UsageError
from keras_mtl.cli._files import folder
from keras_mtl.cli._models import load
from keras_mtl.cli._photographs import paths_in
from keras_mtl.cli._systems import Embedding, system_of
from keras_mtl.datasets._scaling import Scaling, read_file

DEFAULT = "CrossStitchFCN"
SUMMARY = "predictions.json"


@dataclasses.dataclass(frozen=True)
class Predict:
    """Show what a network makes of your pictures: each beside what every task says of it.

    Writes an image a picture, named after it, and predictions.json with the numbers. Pictures may
    be of any size and kind; those in folders within the folder are not looked at. A network that
    takes one size gets the whole picture, scaled into it, and beside it its edge, repeated. What
    is shown of a task, and the names of its classes, stand in the network's file. Detectors are
    shown regions that selective search proposes (pip install 'keras-mtl[detection]'); their boxes
    are in pixels of the upright picture. An embedding is asked which pictures of the folder are
    alike. A file that is broken, or holds more pixels than Pillow thinks safe, is told of, and the
    others are done; the exit code is then 1. Of a name that is no UTF-8 predictions.json has the
    bytes escaped, as \\udcff for 0xff, as Python does. For instance:

        keras-mtl predict holiday
        keras-mtl predict holiday --model AdaShareDeepLab --output seen
        keras-mtl predict holiday --model detection.keras --model attributes.keras
    """

    folder: Annotated[tyro.conf.Positional[Path], option("FOLDER")]
    """Folder of pictures."""
    model: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], option("NETWORK")] = ()
    """A network that ships (see `keras-mtl list`), or a .keras file; CrossStitchFCN by default.
    Networks of several --model vote, or complete each other."""
    output: Annotated[Path | None, option("FOLDER", Path)] = None
    """Where images and numbers go; by default the folder "predictions" in that of the pictures."""
    score: float = 0.5
    """Objects are drawn from this score on; all are in predictions.json."""
    smallest_box: Annotated[int | None, option("PIXELS", int)] = None
    """Least side of a proposed region, in pixels of what the network takes; by default a twelfth of
    the picture's shorter side."""

    def run(self):
        paths = paths_in(self.folder)
        output = self.output or self.folder / "predictions"
        if output.resolve() == self.folder.resolve():
            raise UsageError(f"--output must be another folder than that of the pictures, {output}")
        if not 0 <= self.score <= 1:
            raise UsageError(f"--score must be from 0 to 1. Received: {self.score:g}")
        if self.smallest_box is not None and self.smallest_box < 1:
            raise UsageError(f"--smallest-box must be at least 1. Received: {self.smallest_box}")
        with folder(output):
            return self._run(paths, output)

    def _run(self, paths, output):
        system = system_of([load(name) for name in self.model or (DEFAULT,)], self)
        plots.pyplot().switch_backend("agg")
        looks = _look_at_all if isinstance(system, Embedding) else _look_at_each
        summaries, failures = {}, 0
        with progress() as bar:
            for path, figure, found in looks(system, bar.track(paths, description="pictures")):
                error = found if figure is None else _write(figure, output / f"{path.name}.png")
                if error is None:
                    summaries[path.name] = found
                    continue
                failures += 1
                bar.stop()
                print(f"keras-mtl: {error}", file=sys.stderr)
                bar.start()
        with whole_file(output / SUMMARY) as file:
            text = json.dumps(summaries, indent=1, ensure_ascii=False) + "\n"
            # A name may hold bytes that are no UTF-8: JSON has \udcff for the byte 0xff.
            file.write_text(text, "utf-8", "backslashreplace")
        lost = f", {failures} failed" if failures else ""
        print(f"{len(summaries)} of {len(paths)} pictures{lost}: {output}")
        return 1 if failures else 0


def _read(path, system):
    """A picture, as large as the system has a use for, and by what it was shrunk."""
    return read_file(path, Scaling(longest_side=system.longest_side), sparing=True)


def _write(figure, path):
    """Writes a figure; returns the error if it cannot be, such as of a name that is too long."""
    try:
        with whole_file(path) as file:
            figure.savefig(file, dpi=130, format="png", facecolor="white")
    except OSError as error:
        return error
    finally:
        plots.pyplot().close(figure)


def _look_at_each(system, paths):
    """Yields of each picture its path, a figure and a summary, or no figure, and what is wrong."""
    for path in paths:
        try:
            picture, scale = _read(path, system)
        except OSError as error:
            yield path, None, error
            continue
        yield path, *system.look(picture, scale)


def _look_at_all(system, paths):
    """The same, of pictures that are compared with each other."""
    pictures = {}
    for path in paths:
        try:
            pictures[path], _ = _read(path, system)
        except OSError as error:
            yield path, None, error
    yield from system.look_at_all(pictures)
