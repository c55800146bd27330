"""`keras-mtl new`: a file that declares a study, to begin with."""

import dataclasses
from importlib import resources
from pathlib import Path
from typing import Annotated

import tyro

from keras_mtl.cli._arguments import option
from keras_mtl.cli._errors import UsageError


@dataclasses.dataclass(frozen=True)
class New:
    """Write a file that declares a comparison of your own, with comments, to begin with.

    It runs as it is, on numbers that it draws. For instance:

        keras-mtl new problem.py
        keras-mtl compare problem.py
    """

    file: Annotated[tyro.conf.Positional[Path], option("FILE")]
    """The file; one that is there stays as it is."""

    def run(self):
        if self.file.suffix != ".py" or not self.file.stem.isidentifier():
            raise UsageError(
                f"the file must be a module of Python, such as problem.py: {self.file}"
            )
        text = resources.files(__package__).joinpath("problem.py.txt").read_text("utf-8")
        try:
            with self.file.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError as error:
            raise UsageError(f"{self.file} is there already, and stays as it is") from error
        except OSError as error:
            raise UsageError(f"the file must be in a folder that is there: {error}") from error
        print(f"{self.file} is written; keras-mtl compare {self.file} runs it")
