"""How far a study is, as a table that stays in its place on a terminal."""

import rich.console
import rich.live
import rich.markup
import rich.progress_bar
import rich.table

from keras_mtl.cli._console import table
from keras_mtl.study import Progress
from keras_mtl.study.progress import in_words
from keras_mtl.study.table import headings, lines

LEFT_OUT = ("95 % interval", "parameters", "M MACs")
"""Columns that the table at the end has."""


class LiveTable(Progress):
    """What has been scored so far, what runs, and what time is left; it leaves no trace."""

    def __enter__(self):
        self._scores = self._scored()
        self._live = rich.live.Live(get_renderable=self._shown, transient=True)
        self._live.start()
        return self

    def __exit__(self, *error):
        self._live.stop()

    def has_ended(self, job):
        if not hasattr(job, "steps"):
            self._scores = self._scored()
        elif failure := self.study.record_of(job).get("failed"):
            self._live.console.print(failure, markup=False)

    def goes_on(self, training):
        """It is drawn anew anyway, some times a second."""

    def _shown(self):
        """How far it is, and below it the scores: if the terminal is short, those are cut."""
        says = " · ".join(filter(None, [f"{self.ended} done", self.time_left]))
        state = rich.table.Table.grid()
        state.add_row(rich.progress_bar.ProgressBar(1.0, self.share, width=40))
        state.add_row(f"{says} · Ctrl-C stops, the same command goes on")
        for each in list(self.running.values()):
            state.add_row(rich.markup.escape(in_words(*each)))
        return rich.console.Group(state, self._scores)

    def _scored(self):
        """The table of the scores so far: statistics, which are not made anew with each drawing."""
        found = self.study.found()
        heads, known = headings(self.study), lines(found)
        shown = [number for number, head in enumerate(heads) if head not in LEFT_OUT]
        scores = table("", *(f">{rich.markup.escape(heads[number])}" for number in shown[1:]))
        for contender in dict.fromkeys(row.contender for row in self.study.rows):
            cells = known.get(contender, [contender])
            if contender in found.failed:
                cells = [f"{contender} (failed)"]
            cells = [cells[number] for number in shown if number < len(cells)]
            scores.add_row(*(rich.markup.escape(cell) for cell in cells))
        return scores


def progress():
    """The table where there is a terminal; lines where there is none, such as in a file."""
    return LiveTable if rich.console.Console().is_terminal else Progress
