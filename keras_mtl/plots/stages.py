"""What a model is made of: its stages, and which tasks share them, as a picture."""

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Figure
from keras_mtl.plots.pyplot import pyplot
from keras_mtl.plots.stage_rows import stage_rows
from keras_mtl.sharing._skip_policy_of import skip_policy_of

MOST_COLOURS = 10  # Tasks, above which they are told by their place alone.
MOST_NUMBERS = 8  # Tasks, above which cells are too narrow to write in.
ROW_HEIGHT, UNIT_HEIGHT = 1.0, 0.8  # In rows.
BOX, GAP = 0.62, 0.09  # Height of a box in rows, room at its sides in columns.
INCHES_A_ROW = 0.29
CHARACTER = 0.075  # Inches of a letter of a label, at most.
NUMBERS_WIDTH = 1.75  # Inches beside the picture, for shapes and parameters.
LINE, FAINT, SHARED, IMAGE = "0.55", "0.94", "#8795aa", "0.3"


def stages(model: keras.Model) -> Figure:
    """Draws a model from its image, at the top, to the outputs of its tasks.

    Every task has a column and every stage a row, with the shape of its output and its parameters.
    A box is one layer, as wide as the tasks that share it, and in a task's colour if it is its own;
    a line is a tensor. Several copies of a stage for one task are flat boxes over one another. A
    task that skips a stage has an empty cell there with a line through it, and one that executes it
    a cell of its colour, shaded by the probability while that is learned. Cross-stitch units are
    lines from every task to every other one, gates a mark for each task. Of more than 10 tasks a
    box has the number of those that share it, as in `sharing_tree`. Tasks are in the order in which
    no lines cross.

    Args:
        model: a `MultiTaskModel`, or a functional model with gates, of `keras_mtl.modulate`, whose
            tasks are numbers.

    Returns:
        A matplotlib figure.

    Raises:
        TypeError: the model is neither.

    Example:

    >>> import keras, keras_mtl, keras_mtl.plots
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, name="conv1")(image)
    >>> x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    >>> model = keras_mtl.MultiTaskModel(
    ...     keras_mtl.towers.Tower(keras.Model(image, x), cuts=["conv1"]),
    ...     keras_mtl.sharing.CrossStitched(after=["conv1"]),
    ...     tasks={"age": keras.layers.Dense(1), "species": keras.layers.Dense(5)},
    ... )
    >>> figure = keras_mtl.plots.stages(model)
    """
    return _Picture(model).figure


class _Picture:
    """The axes, with columns for tasks, and how far down the picture has come."""

    def __init__(self, model):
        self.model, self.rows = model, stage_rows(model)
        self.has_heads = hasattr(model, "head")
        self.tasks = _in_order(self.rows)
        self.column = {task: place for place, task in enumerate(self.tasks)}
        self.probabilities = self._probabilities()
        self._new_axes()
        self.names, self.y = [], 0.0
        self.streams, self.above = [list(range(len(self.tasks)))], 0.0
        self._draw()

    def _new_axes(self):
        """Axes of so many rows and columns, in a figure with room for what is written around."""
        count = len(self.tasks)
        if self.has_heads:
            self.inches = 1.25 if count <= 4 else max(0.16, 5 / count)
        else:
            self.inches = max(0.16, min(0.4, 2.8 / count))
        self.aspect = self.inches / INCHES_A_ROW
        units = sum(row.unit not in (None, "SkipBlock") for row in self.rows)
        rows = (len(self.rows) + 1 + self.has_heads) * ROW_HEIGHT + units * UNIT_HEIGHT
        self.task_names = [task.replace("_", " ") for task in self.tasks]
        longest = max(map(len, self.task_names))
        self.upright = longest * CHARACTER > self.inches
        labels = [" + ".join([row.stage, *self._further_inputs(row)]) for row in self.rows]
        left = 0.15 + CHARACTER * max(len("cross-stitch"), *map(len, labels))
        below = 0.12 + (CHARACTER * longest if self.upright else 0.25) + 0.2 * (not self.has_heads)
        width, height = count * self.inches, rows * INCHES_A_ROW
        size = left + width + NUMBERS_WIDTH, height + below + 0.05
        self.figure = pyplot().figure(figsize=size)
        self.axes = self.figure.add_axes(
            (left / size[0], below / size[1], width / size[0], height / size[1])
        )
        self.axes.set_xlim(-0.5, count - 0.5)
        self.axes.set_ylim(rows - 0.5, -0.5)

    def _draw(self):
        self._image()
        for row in self.rows:
            self._stage(row)
            if row.unit not in (None, "SkipBlock"):
                self._unit(row)
        if self.has_heads:
            self._heads()
        self._finish()

    def _image(self):
        first, *further = self.model.inputs
        several = [x.name for x in further] if self.has_heads else []
        name = first.name if several else "image"
        self._box(range(len(self.tasks)), [IMAGE] * len(self.tasks))
        self._write(name, first.shape[1:], None)
        self._next(self.streams)

    def _stage(self, row):
        learned = row.unit == "SkipBlock"
        lanes = _lanes([sorted(self.column[task] for task in group) for group in row.groups])
        for number, lane in enumerate(lanes):
            y = self.y + BOX * ((number + 0.5) / len(lanes) - 0.5)
            for places in lane:
                self._lines_to_box(places)
                height = BOX if len(lanes) == 1 else 0.8 * BOX / len(lanes)
                self._box(places, self._colours(row, places), height, y)
                self._number(row, places, y)
        skipping = sorted(self.column[task] for task in row.skipped)
        for place in skipping:
            self._box([place], [FAINT])
        passing = [sorted(set(stream) & set(skipping)) for stream in self.streams]
        for place in (np.mean(run) for each in passing for run in _runs(each)):
            self._line(place, self.above, self.y + 0.5, zorder=3)
        further = self._further_inputs(row)
        name = " + ".join([row.stage, *further])
        self._write(name, row.output_shape, row.parameters)
        self._next(self._parted(row, learned))

    def _unit(self, row):
        count = len(self.tasks)
        self.y -= (ROW_HEIGHT - UNIT_HEIGHT) / 2
        top, bottom = self.y - 0.5 * UNIT_HEIGHT, self.y + 0.5 * UNIT_HEIGHT
        if row.unit == "CrossStitch" and count <= MOST_COLOURS:
            self._crossings(top, bottom)
        elif row.unit == "ModulationGate":
            self._gates(top, bottom)
        else:
            self._bar(top, bottom)
        label = {"CrossStitch": "cross-stitch", "ModulationGate": "gates"}.get(row.unit, row.unit)
        self._write(label, None, row.unit_parameters, unit=True)
        self.above = bottom
        self.y += (UNIT_HEIGHT + ROW_HEIGHT) / 2
        if self.has_heads:
            self.streams = [[place] for place in range(count)]

    def _crossings(self, top, bottom):
        fall = np.linspace(0, 1, 25)
        down = self.above + (bottom - self.above) * fall
        for place in range(len(self.tasks)):
            for other in range(len(self.tasks)):
                across = place + (other - place) * fall**2 * (3 - 2 * fall)
                own = place == other
                self.axes.plot(
                    across,
                    down,
                    color=self._colour(place),
                    linewidth=1.8 if own else 1.1,
                    alpha=1 if own else 0.75,
                    solid_capstyle="round",
                    zorder=2 if own else 1,
                )

    def _gates(self, top, bottom):
        count = len(self.tasks)
        middle = (top + bottom) / 2
        if not self.has_heads:
            self._line((count - 1) / 2, self.above, bottom)
        for place in range(count):
            if self.has_heads:
                stream = next(each for each in self.streams if place in each)
                start = place if len(stream) == 1 else np.clip(place, min(stream), max(stream))
                self._line(start, self.above, bottom)
        size = min(60, (72 * self.inches * 0.6) ** 2)
        colours = [self._colour(place) for place in range(count)]
        self.axes.scatter(
            range(count),
            [middle] * count,
            size,
            colours,
            marker="D",
            edgecolors="white",
            linewidths=0.8,
            zorder=4,
        )

    def _bar(self, top, bottom):
        middle = (top + bottom) / 2
        for stream in self.streams:
            for run in _runs(stream):
                self._line(np.mean(run), self.above, middle)
        for place in range(len(self.tasks)):
            self._line(place, middle, bottom)
        self._box(range(len(self.tasks)), ["0.75"] * len(self.tasks), height=0.3)

    def _heads(self):
        for place in range(len(self.tasks)):
            self._lines_to_box([place])
            self._box([place], [self._colour(place)])
        shapes = [self._output_shapes(task) for task in self.tasks]
        alike = len(set(shapes)) == 1
        if not alike and len(self.tasks) <= MOST_COLOURS:
            style = {"ha": "center", "va": "center_baseline", "color": "white", "zorder": 5}
            # A letter is some 0.6 of its size wide.
            size = min(8, 0.75 * 72 * self.inches / max(map(len, shapes)) / 0.6)
            for place, text in enumerate(shapes):
                self.axes.text(place, self.y, text, fontsize=size, **style)
        parameters = sum(self.model.head(task).count_params() for task in self.tasks)
        self._write("heads", shapes[0] if alike else None, parameters)
        self._next(self.streams)

    def _finish(self):
        axes = self.axes
        axes.set_yticks([y for y, *_ in self.names], [name for _, name, *_ in self.names])
        for tick, (_, _, _, _, unit) in zip(axes.get_yticklabels(), self.names, strict=True):
            tick.set(fontsize=7.5 if unit else 9, color="0.45" if unit else "0.1")
        right = axes.get_yaxis_transform()
        inch = 1 / (len(self.tasks) * self.inches)
        style = {"transform": right, "fontsize": 8, "va": "center_baseline", "color": "0.35"}
        for y, _, shape, parameters, unit in self.names:
            small = {**style, "fontsize": 7.5, "color": "0.45"} if unit else style
            axes.text(1 + 0.1 * inch, y, shape, ha="left", **small)
            axes.text(1 + (NUMBERS_WIDTH - 0.1) * inch, y, parameters, ha="right", **small)
        turn = {"rotation": 90, "fontsize": min(9, 0.9 * 72 * self.inches)} if self.upright else {}
        axes.set_xticks(range(len(self.task_names)), self.task_names, **{"fontsize": 9, **turn})
        if not self.has_heads:
            axes.set_xlabel("task", fontsize=9)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    def _next(self, streams):
        self.streams, self.above = streams, self.y + BOX / 2
        self.y += ROW_HEIGHT

    def _write(self, name, shape, parameters, unit=False):
        shape = "" if shape is None else shape if isinstance(shape, str) else _shape_text(shape)
        parameters = _short(parameters) if parameters else ""
        self.names.append((self.y, name, shape, parameters, unit))

    def _lines_to_box(self, places):
        for stream in self.streams:
            for run in _runs(sorted(set(stream) & set(places))):
                self._line(np.mean(run), self.above, self.y - BOX / 2)

    def _line(self, x, top, bottom, zorder=1):
        self.axes.plot([x, x], [top, bottom], color=LINE, linewidth=1.2, zorder=zorder)

    def _box(self, places, colours, height=BOX, y=None):
        """One layer: a box around neighbouring columns, a bar between those that are not."""
        from matplotlib.patches import FancyBboxPatch, Rectangle

        y = self.y if y is None else y
        colour_at, cells = dict(zip(places, colours, strict=True)), len(set(colours)) > 1
        runs = _runs(list(places))
        for left, right in zip(runs, runs[1:], strict=False):
            start, width = left[-1] + 0.4, right[0] - left[-1] - 0.8
            bar = Rectangle((start, y - 0.07), width, 0.14, color="0.75", linewidth=0, zorder=2)
            self.axes.add_patch(bar)
        for run in runs:
            left, right = run[0] - 0.5 + GAP, run[-1] + 0.5 - GAP
            rounding = min(0.06 / self.inches, (right - left) / 2, height / 2 / self.aspect)
            outline = FancyBboxPatch(
                (left, y - height / 2),
                right - left,
                height,
                boxstyle=f"round,pad=0,rounding_size={rounding}",
                mutation_aspect=self.aspect,
                facecolor="none",
                edgecolor="none",
                zorder=2,
            )
            self.axes.add_patch(outline)
            edges = [left, *(place + 0.5 for place in run[:-1]), right]
            for place, start, end in zip(run, edges, edges[1:], strict=False):
                cell = Rectangle(
                    (start, y - height / 2),
                    end - start,
                    height,
                    facecolor=colour_at[place],
                    edgecolor="white" if cells else colour_at[place],
                    linewidth=1 if cells else 0.3,
                    zorder=2,
                )
                self.axes.add_patch(cell)
                cell.set_clip_path(outline)

    def _colour(self, place):
        from matplotlib.colors import to_hex

        if len(self.tasks) > MOST_COLOURS:
            return to_hex(pyplot().get_cmap("Blues")(0.4))
        return f"C{self._number_of(place)}"

    def _number_of(self, place):
        """Number of a task in the model, by which it has its colour in all figures."""
        return (self.model.tasks if self.has_heads else self.tasks).index(self.tasks[place])

    def _colours(self, row, places):
        """The colour of a box, for each of its places."""
        from matplotlib.colors import to_rgb

        if len(self.tasks) > MOST_COLOURS:
            share = np.log(len(places)) / np.log(len(self.tasks))
            return [pyplot().get_cmap("Blues")(0.4 + 0.6 * share)] * len(places)
        if len(places) > 1 and not row.skipped and row.unit != "SkipBlock":
            return [SHARED] * len(places)
        pale, colours = np.array(to_rgb(FAINT)), []
        for place in places:
            weight = 0.8
            if row.unit == "SkipBlock":
                weight = self.probabilities[row.stage][self.tasks[place]]
            colours.append(tuple(pale + weight * (np.array(to_rgb(self._colour(place))) - pale)))
        return colours

    def _number(self, row, places, y):
        """The numbers that stand in a box: of probabilities, or of the tasks of a new group."""
        style = {"ha": "center", "va": "center_baseline", "fontsize": 7, "zorder": 5}
        if row.unit == "SkipBlock" and len(self.tasks) <= MOST_NUMBERS:
            for place in places:
                value = self.probabilities[row.stage][self.tasks[place]]
                text = f"{value:.2f}".removeprefix("0")
                self.axes.text(place, y, text, color="white" if value > 0.5 else "0.2", **style)
        elif len(self.tasks) > MOST_COLOURS and len(places) > 1:
            if row is self.rows[0] or places not in map(sorted, self.streams):
                self.axes.text(np.mean(places), y, len(places), color="white", **style)

    def _parted(self, row, learned):
        """Which tasks have one tensor behind a stage."""
        if learned:
            return [[place] for place in range(len(self.tasks))]
        groups = [{self.column[task] for task in group} for group in (*row.groups, row.skipped)]
        groups = [group for number, group in enumerate(groups) if group not in groups[:number]]
        return [
            sorted(set(stream) & group)
            for stream in self.streams
            for group in groups
            if set(stream) & group
        ]

    def _probabilities(self):
        """A dict of dicts from block and task to the probability that the task executes it."""
        if not any(row.unit == "SkipBlock" for row in self.rows):
            return {}
        policy = skip_policy_of(self.model)
        values = ops.convert_to_numpy(policy.probabilities())
        return {
            block: dict(zip(policy.tasks, values[:, number], strict=True))
            for number, block in enumerate(policy.blocks)
        }

    def _further_inputs(self, row):
        if len(self.model.inputs) == 1 or not self.has_heads or not row.groups:
            return []
        (layer, *_) = self.model.copies(row.groups[0][0], row.stage)
        return [x.name for x in layer.inputs[1:]]

    def _output_shapes(self, task):
        names = self.model.outputs_of(task)
        return ", ".join(_shape_text(self.model.output[name].shape[1:]) for name in names)


def _in_order(rows):
    """The tasks, those together that part last; as they come, where they skip stages."""
    tasks = [task for group in rows[0].groups for task in group] + rows[0].skipped
    if any(row.skipped for row in rows):
        return tasks
    place = {task: number for number, task in enumerate(tasks)}

    def key(task):
        return [next(place[group[0]] for group in row.groups if task in group) for row in rows]

    return sorted(tasks, key=lambda task: (*key(task), place[task]))


def _lanes(groups):
    """Lists of groups, in each of which no place is twice."""
    lanes = []
    for group in groups:
        lane = next((each for each in lanes if set(group).isdisjoint(sum(each, []))), None)
        if lane is None:
            lane = []
            lanes.append(lane)
        lane.append(group)
    return lanes


def _runs(places):
    """Lists of neighbouring places."""
    places = list(places)
    breaks = [i for i in range(1, len(places)) if places[i] > places[i - 1] + 1]
    bounds = [0, *breaks, len(places)]
    return [places[a:b] for a, b in zip(bounds, bounds[1:], strict=False) if b > a]


def _shape_text(shape):
    return "×".join("?" if size is None else str(size) for size in shape)


def _short(number):
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= factor:
            value = number / factor
            return f"{value:.1f}{unit}" if value < 100 else f"{value:.0f}{unit}"
    return str(number)
