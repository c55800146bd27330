"""The command line of a recipe."""

import argparse
import time

from keras_mtl.recipes._format import format_table


def run_command(table, doc, arguments=None):
    """Runs a `Table` as its command line says.

    Args:
        table: the `Table`.
        doc: docstring of the recipe.
        arguments: list of words; those of the process if `None`.
    """
    parser = _Parser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    problem = table.problem
    parser.add_argument("--preset", choices=problem.presets, default="mini")
    parser.add_argument("--data", choices=problem.data_sets, default=problem.data_sets[0])
    parser.add_argument("--data-dir", help="folder of the data set's files")
    parser.add_argument(
        "--cache-dir",
        help="folder for what is made of them, once: where --data-dir cannot be written, in which "
        "it is `prepared` by default (of `rooms` a folder in Keras' own)",
    )
    if problem.checkpoints:
        parser.add_argument(
            "--weights", help="file that towers start from, of ImageNet, say; none by default"
        )
    parser.add_argument("--tasks", choices=problem.tasks, nargs="+")
    parser.add_argument("--seeds", type=_positive, default=1, help="number of seeds (1)")
    parser.add_argument("--rows", choices=table.rows, nargs="+", metavar="ROW", help="only these")
    parser.add_argument("--output", help=f"folder; by default one below results/{problem.folder}")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    results = table.run(**vars(options))
    print(f"\n{format_table(table, results)}\n\n{time.monotonic() - started:.0f} s")


class _Parser(argparse.ArgumentParser):
    """One that tells wrong words in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on. Received: {text}")
    return int(text)
