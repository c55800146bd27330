"""`keras-mtl report`: what a comparison has found, as a page."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from keras_mtl.cli._arguments import option
from keras_mtl.cli._errors import CommandError, UsageError
from keras_mtl.study import RecordedStudy


@dataclasses.dataclass(frozen=True)
class Report:
    """Write the page of a comparison anew, from what it has left in its folder.

    Neither the networks nor the data are needed. What a page says of them is what was looked at
    when `found.report()` was called where they were. For instance:

        keras-mtl report what_to_share
        keras-mtl report what_to_share --output answer.html
    """

    folder: Annotated[tyro.conf.Positional[Path], option("FOLDER")]
    """Folder of a `Study`, or of `compare`; by default they take what_to_share."""
    output: Annotated[Path | None, option("FILE", Path)] = None
    """Where the page goes; by default report.html in the folder."""

    def run(self):
        if not self.folder.is_dir():
            raise UsageError(f"there is no folder {self.folder}")
        output = self.output or self.folder / "report.html"
        if not output.parent.is_dir() or output.is_dir():
            raise UsageError(f"--output must be a file in a folder that is there: {output}")
        try:
            found = RecordedStudy(self.folder).found()
        except ValueError as error:
            raise CommandError(str(error).replace("`folder`", str(self.folder), 1)) from error
        if not found.scores:
            raise CommandError(f"{self.folder} holds no scores yet: nothing has ended")
        print(found.report(output).resolve())
