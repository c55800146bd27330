"""How far a study is, as a table that stays in its place on a terminal."""

import rich.console
import rich.live
import rich.markup
import rich.progress_bar

from keras_mtl.cli._console import table
from keras_mtl.study import Progress
from keras_mtl.study.table import headings, lines

LEFT_OUT = ("95 % interval", "parameters", "M MACs")
"""Columns that the table at the end has."""


class LiveTable(Progress):
    """What has been scored so far, what runs, and what time is left; it leaves no trace."""

    def __enter__(self):
        self._found = self.study.found()
        self._live = rich.live.Live(get_renderable=self._shown, transient=True)
        self._live.start()
        return self

    def __exit__(self, *error):
        self._live.stop()

    def has_ended(self, job):
        if not hasattr(job, "steps"):
            self._found = self.study.found()
        elif failure := self.study.record_of(job).get("failed"):
            self._live.console.print(failure, markup=False)

    def goes_on(self, training):
        """It is drawn anew anyway, some times a second."""

    def _shown(self):
        heads, known = headings(self.study), lines(self._found)
        shown = [number for number, head in enumerate(heads) if head not in LEFT_OUT]
        scores = table("", *(f">{heads[number]}" for number in shown[1:]))
        for contender in dict.fromkeys(row.contender for row in self.study.rows):
            cells = known.get(contender, [contender])
            cells = [cells[number] for number in shown if number < len(cells)]
            scores.add_row(*(rich.markup.escape(cell) for cell in cells))
        runs = [self.step_of(training) for training, *_ in list(self.running.values())]
        says = " · ".join(filter(None, [f"{self.ended} done", self.time_left]))
        return rich.console.Group(
            scores,
            *(rich.markup.escape(each) for each in runs),
            rich.progress_bar.ProgressBar(1.0, self.share, width=40),
            f"{says} · Ctrl-C stops, the same command goes on",
        )


def progress():
    """The table where there is a terminal; lines where there is none, such as in a file."""
    return LiveTable if rich.console.Console().is_terminal else Progress
