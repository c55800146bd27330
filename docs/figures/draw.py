"""Draws the figures of these pages: `python docs/figures/draw.py`."""

from pathlib import Path

from matplotlib.patches import Rectangle

from keras_mtl.plots import pyplot

COLORS = {"a": "#d98c5f", "b": "#5f8fd9", "both": "#c9c9c9", "unit": "#6aa86a"}
WIDTH, HEIGHT = 0.8, 0.5


def box(axes, x, y, label, color, width=WIDTH, height=HEIGHT):
    axes.add_patch(
        Rectangle(
            (x - width / 2, y - height / 2), width, height, facecolor=color, edgecolor="#444444"
        )
    )
    axes.text(x, y, label, ha="center", va="center", fontsize=8)


def line(axes, start, end, **style):
    axes.plot(*zip(start, end, strict=True), color="#444444", lw=1, zorder=0, **style)


def heads(axes, below):
    """The two heads, and the image; `below` says where each task's last stage stands."""
    for task, x in zip("ab", (0, 1.2), strict=True):
        line(axes, (below[task], 3), (x, 4))
        box(axes, x, 4, f"head {task}", COLORS[task])
    axes.text(0.6, 0.1, "image", ha="center", va="center", fontsize=8)


def branched(axes):
    line(axes, (0.6, 0.3), (0.6, 1))
    line(axes, (0.6, 1), (0.6, 2))
    for task, x in zip("ab", (0, 1.2), strict=True):
        line(axes, (0.6, 2), (x, 3))
        box(axes, x, 3, "stage 3", COLORS[task])
    box(axes, 0.6, 1, "stage 1", COLORS["both"])
    box(axes, 0.6, 2, "stage 2", COLORS["both"])
    heads(axes, {"a": 0, "b": 1.2})


def stitched(axes):
    for task, x in zip("ab", (0, 1.2), strict=True):
        line(axes, (0.6, 0.3), (x, 1))
        line(axes, (x, 1), (x, 3))
        for stage in (1, 2, 3):
            box(axes, x, stage, f"stage {stage}", COLORS[task])
    for y in (1.5, 2.5):
        line(axes, (0, y - 0.25), (1.2, y + 0.25))
        line(axes, (1.2, y - 0.25), (0, y + 0.25))
        box(axes, 0.6, y, "α", COLORS["unit"], 0.36, 0.28)
    heads(axes, {"a": 0, "b": 1.2})


def skipping(axes):
    line(axes, (0.6, 0.3), (0.6, 3))
    for stage in (1, 2, 3):
        box(axes, 0.6, stage, f"stage {stage}", COLORS["both"])
    for task, x, stage in (("a", -0.15, 2), ("b", 1.35, 3)):
        axes.plot(
            [0.6, x, x, 0.6],
            [stage - 0.4, stage - 0.25, stage + 0.25, stage + 0.4],
            color=COLORS[task],
            lw=2,
            zorder=0,
        )
        axes.text(x, stage + 0.3, f"{task} skips", ha="center", va="bottom", fontsize=7)
    heads(axes, {"a": 0.6, "b": 0.6})


def modulated(axes):
    line(axes, (0.6, 0.3), (0.6, 2))
    for stage in (1, 2):
        box(axes, 0.6, stage, f"stage {stage}", COLORS["both"])
    for task, x in zip("ab", (0, 1.2), strict=True):
        line(axes, (0.6, 2.2), (x, 2.5))
        line(axes, (x, 2.5), (0.6, 3))
        box(axes, x, 2.5, f"gates {task}", COLORS[task], 0.7, 0.28)
    box(axes, 0.6, 3, "stage 3", COLORS["both"])
    heads(axes, {"a": 0.6, "b": 0.6})


def main():
    plt = pyplot()
    plt.rcParams["svg.hashsalt"] = "keras_mtl"
    figure, all_axes = plt.subplots(1, 4, figsize=(10, 3.6), layout="constrained")
    panels = {
        "Branched": branched,
        "CrossStitched": stitched,
        "AdaShared": skipping,
        "Modulated": modulated,
    }
    for axes, (name, draw) in zip(all_axes, panels.items(), strict=True):
        draw(axes)
        axes.set(xlim=(-0.75, 1.95), ylim=(-0.1, 4.4), title=name)
        axes.axis("off")
    path = Path(__file__).with_name("parts.svg")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
