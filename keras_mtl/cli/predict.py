"""`keras-mtl predict`: what networks make of pictures."""

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
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.cli._files import folder
from keras_mtl.cli._models import entry, is_file, load
from keras_mtl.cli._photographs import by_name, pictures_of
from keras_mtl.cli._systems import Embedding, system_of
from keras_mtl.datasets._scaling import Scaling, read_file

DEFAULT = "CrossStitchFCN"
SUMMARY = "predictions.json"
WHAT = "FOLDER|PICTURE|GLOB"


@dataclasses.dataclass(frozen=True)
class Predict:
    """Show what a network makes of your pictures: each beside what every task says of it.

    Writes an image a picture, named after it, and predictions.json with the numbers; where pictures
    of several folders have one name, it stands in a folder of the name of theirs. Pictures may be
    of any size and kind. A network that takes one size gets the whole picture, scaled into it, and
    beside it its edge, repeated. What is shown of a task, and the names of its classes, stand in
    the network's file. Detectors are shown regions that selective search proposes (pip install
    'keras-mtl[detection]'); their boxes are in pixels of the upright picture. An embedding is asked
    which of the pictures are alike. A file that is broken, or holds more pixels than Pillow thinks
    safe, is told of, and the others are done; the exit code is then 1. What is interrupted keeps
    the pictures that were done. Of a name that is no UTF-8 predictions.json has the bytes escaped,
    as \\udcff for 0xff, as Python does. For instance:

        keras-mtl predict holiday
        keras-mtl predict cat.jpg 'holiday/*.png' --model AdaShareDeepLab --output seen --save-maps
        keras-mtl predict holiday --model detection.keras --model attributes.keras --json
    """

    what: Annotated[tyro.conf.Positional[tuple[Path, ...]], option(f"{WHAT}...")]
    """Pictures, folders of them (what is in folders within is not looked at), and globs, such as
    'holiday/*.jpg'; several at once."""
    model: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], option("NETWORK")] = ()
    """A network that ships (see `keras-mtl list`), or a .keras file; CrossStitchFCN by default.
    Networks of several --model vote, or complete each other."""
    output: Annotated[Path, option("FOLDER")] = Path("predictions")
    """Where images and numbers go; by default the folder "predictions" in the current one."""
    save_maps: bool = False
    """Also write what a task says of every pixel: cat.jpg.segmentation.png, grey, of the numbers of
    its classes (8 bits, beyond 256 classes 16), in the picture's own size; cat.jpg.depth.npy of
    numbers, float32, in the resolution of the network's output, cut to the picture.
    predictions.json names these files, and the classes in order, as "saved_maps"."""
    json: bool = False
    """Print what is in predictions.json, for other programs; all else then goes to stderr."""
    score: float = 0.5
    """Objects are drawn from this score on; all are in predictions.json."""
    smallest_box: Annotated[int | None, option("PIXELS", int)] = None
    """Least side of a proposed region, in pixels of what the network takes; by default a twelfth of
    the picture's shorter side."""

    def run(self):
        if not self.what:  # Of a tuple Tyro takes none as well.
            raise UsageError(
                f"Missing from keras-mtl predict: {WHAT} (see keras-mtl predict --help)"
            )
        pictures = by_name(pictures_of(self.what))
        inputs = {path.parent.resolve() for path in pictures.values()}
        if any((self.output / name).parent.resolve() in inputs for name in pictures):
            raise UsageError(
                f"--output must be another folder than that of the pictures, {self.output}"
            )
        if not 0 <= self.score <= 1:
            raise UsageError(f"--score must be from 0 to 1. Received: {self.score:g}")
        if self.smallest_box is not None and self.smallest_box < 1:
            raise UsageError(f"--smallest-box must be at least 1. Received: {self.smallest_box}")
        with folder(self.output):
            return self._run(pictures)

    def _run(self, pictures):
        system = self._system()
        plots.pyplot().switch_backend("agg")
        looks = _look_at_all if isinstance(system, Embedding) else _look_at_each
        summaries, failures, interrupted = {}, 0, False
        with progress() as bar:
            try:
                paths = bar.track(pictures.items(), description="pictures")
                for name, seen in looks(system, paths):
                    try:
                        summaries[name] = self._write(name, seen)
                    except (OSError, CommandError) as error:
                        failures += 1
                        bar.stop()
                        print(f"keras-mtl: {error}", file=sys.stderr)
                        bar.start()
            except KeyboardInterrupt:
                if not summaries:
                    raise
                interrupted = True
        self._write_summaries(summaries)
        lost = f", {failures} failed" if failures else ""
        done = f"{len(summaries)} of {len(pictures)} pictures{lost}: {self.output}"
        if interrupted:
            print(f"keras-mtl: interrupted: {done}", file=sys.stderr)
            return 130
        print(done, file=sys.stderr if self.json else sys.stdout)
        return 1 if failures else 0

    def _system(self):
        """What the networks make together; of those that ship it is told what they do not know."""
        names = self.model or (DEFAULT,)
        system = system_of([load(name) for name in names], self)
        if self.save_maps and not system.has_maps:
            raise UsageError(
                "--save-maps needs a network with an output for every pixel. "
                f"Received: {', '.join(names)}"
            )
        for name in dict.fromkeys(entry(each).name for each in names if not is_file(each)):
            told = f"{name} has seen rendered rooms only: of photographs its answers mean little"
            print(f"keras-mtl: {told}", file=sys.stderr)
        return system

    def _write(self, name, seen):
        """Writes the image, and the maps, of a picture; returns its summary.

        Raises:
            OSError: the picture could not be read, or a file not be written, such as of a name that
                is too long.
        """
        if isinstance(seen, OSError):
            raise seen
        path = self.output / name
        try:
            with folder(path.parent), whole_file(path.with_name(f"{path.name}.png")) as file:
                seen.figure.savefig(file, dpi=130, format="png", facecolor="white")
        finally:
            plots.pyplot().close(seen.figure)
        if not self.save_maps:
            return seen.summary
        saved = {}
        for task, found in seen.maps.items():
            written = found.write(path.with_name(f"{path.name}.{task}"))
            saved[task] = {"file": written.relative_to(self.output).as_posix()}
            if found.classes is not None:
                saved[task]["classes"] = found.classes
        return {**seen.summary, "saved_maps": saved}

    def _write_summaries(self, summaries):
        """Writes them, and prints them if that is asked for."""
        with whole_file(self.output / SUMMARY) as file:
            text = json.dumps(summaries, indent=1, ensure_ascii=False) + "\n"
            # A name may hold bytes that are no UTF-8: JSON has \udcff for the byte 0xff.
            file.write_text(text, "utf-8", "backslashreplace")
        if self.json:
            print(json.dumps(summaries, indent=1))  # ASCII, which every pipe can take.


def _read(path, system):
    """A picture, as large as the system has a use for, and by what it was shrunk."""
    return read_file(path, Scaling(longest_side=system.longest_side), sparing=True)


def _look_at_each(system, pictures):
    """Yields of each picture its name and what is seen in it, or the error that it gives."""
    for name, path in pictures:
        try:
            picture, scale = _read(path, system)
        except OSError as error:
            yield name, error
            continue
        yield name, system.look(picture, scale)


def _look_at_all(system, pictures):
    """The same, of pictures that are compared with each other."""
    found = {}
    for name, path in pictures:
        try:
            found[name], _ = _read(path, system)
        except OSError as error:
            yield name, error
    yield from system.look_at_all(found)
