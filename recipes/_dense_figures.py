"""Figures that several tables of dense tasks draw."""

from keras import ops

from keras_mtl import plots


def draw_sorted_alphas(table, networks, results, folder):
    """Table 4 of the paper: the first seed's alphas, a row for each network, a panel a unit."""
    plt = plots.pyplot()
    units = {}
    for row, of_row in results["rows"].items():
        if "alphas" in of_row["seeds"].get("0", {}):
            (model,) = table.rows[row](networks)
            units[row] = model.units
    if not units:
        return
    columns = max(map(len, units.values()))
    figure, axes = plt.subplots(
        len(units),
        columns,
        figsize=(2.6 * columns, 2.4 * len(units)),
        sharey=True,
        squeeze=False,
    )
    for line, (row, of_row) in zip(axes, units.items(), strict=True):
        for axis, (stage, unit) in zip(line, of_row.items(), strict=False):
            plots.sorted_alphas(axis, ops.convert_to_numpy(unit.alpha), networks.tasks)
            axis.set_title(stage, fontsize=9)
            axis.set_xlabel("")
        for axis in line[len(of_row) :]:
            axis.set_axis_off()
        line[0].set_ylabel(row)
    axes[0, 0].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(folder / "alphas.png", dpi=80)
    plt.close("all")
