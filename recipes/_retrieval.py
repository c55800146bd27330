"""What the tables of embeddings have in common: rows, columns and pictures."""

import numpy as np

from keras_mtl import plots
from keras_mtl.recipes._retrieval_data import RetrievalData
from keras_mtl.recipes._retrieval_networks import RetrievalNetworks
from keras_mtl.recipes._table import BASELINE, Problem, Table, scored
from keras_mtl.retrieval import EmbeddingIndex

COLUMNS = {
    "retrieval": {
        "triplets": ("triplet_accuracy", 100),
        "R@1": ("recall@1", 100),
        "mAP": ("mean_ap", 100),
        "UCR before": ("compliance_start", 100),
        "UCR after": ("compliance_end", 100),
    }
}
ROWS = {
    BASELINE: lambda networks: [networks.one_task(task) for task in networks.tasks],
    "fully shared": lambda networks: [networks.shared()],
    "masks": lambda networks: [networks.masks()],
    "modulated": lambda networks: [networks.modulated()],
    "projected": lambda networks: [networks.projected()],
}
QUERIES, NEIGHBOURS = 2, 8


def retrieval_table(recipe, presets, labels, paper_data, data_set):
    """A table of embeddings.

    Args:
        recipe: name of the module.
        presets: dict from name to `RetrievalSettings`.
        labels: as of `RetrievalData`.
        paper_data: what the paper calls its data.
        data_set: the name of the paper's data, beside `rooms`.
    """
    problem = Problem(
        folder=recipe,
        presets=presets,
        data_sets=("rooms", data_set),
        load=lambda name, settings, data_dir: RetrievalData(name, settings, labels, data_dir),
        networks=RetrievalNetworks,
        tasks=("retrieval",),
        pair=("retrieval",),
        columns=COLUMNS,
        headlines={"retrieval": ("triplet_accuracy", "mean_ap")},
        lower_is_better=(),
        paper_data=paper_data,
        checkpoints=False,
    )
    return Table(
        problem=problem,
        recipe=recipe,
        rows=ROWS,
        paper={},
        draw=draw,
        default_rows=(BASELINE, "fully shared", "masks", "modulated"),
    )


def draw(table, networks, results, folder):
    """Draws accuracy by storage; of the first seed, compliance and what queries find."""
    plt = plots.pyplot()
    figure, axes = plt.subplots(figsize=(7, 4))
    draw_performance(axes, table, results)
    figure.tight_layout()
    figure.savefig(folder / "storage.png", dpi=100)
    joint = joint_networks(table, networks, results)
    if joint:
        ratios = {row: networks.compliance(model)["end"] for row, model in joint.items()}
        figure, axes = plt.subplots(figsize=(12, 4))
        plots.update_compliance(axes, ratios)
        figure.tight_layout()
        figure.savefig(folder / "compliance.png", dpi=80)
    if "modulated" in joint:
        draw_neighbours(networks, joint["modulated"]).savefig(folder / "neighbours.png", dpi=45)
    plt.close("all")


def joint_networks(table, networks, results):
    """The first seed's networks of several tasks, by row."""
    rows = [row for row in results["rows"] if row != BASELINE and "0" in scored(results, row)]
    return {row: table.rows[row](networks)[0] for row in rows}


def draw_performance(axes, table, results):
    """Triplet accuracy against parameters."""
    series = {}
    for row, of_row in results["rows"].items():
        entries = [entry["retrieval"] for entry in scored(results, row).values()]
        if entries:
            accuracies = [100 * entry["triplet_accuracy"] for entry in entries]
            series[row] = [(of_row["parameters"], accuracies)]
    plots.performance_by_size(axes, series)
    axes.set_ylabel("triplet accuracy (%)")


def draw_neighbours(networks, model):
    """What a few test crops find under each task."""
    test, tasks = networks.data.test, networks.tasks[:4]
    index = EmbeddingIndex(model, test["image"], list(networks.tasks))
    queries = np.random.default_rng(0).choice(len(test["image"]), QUERIES, replace=False)
    shown, found, right, titles = [], [], [], []
    for query in queries:
        for task in tasks:
            count = min(NEIGHBOURS + 1, len(test["image"]))
            numbers, _ = index.search(test["image"][[query]], task, count)
            # Its nearest is itself.
            numbers = numbers[0][numbers[0] != query][:NEIGHBOURS]
            labels = test["labels"][task]
            shown.append(test["image"][query])
            found.append(test["image"][numbers])
            right.append((labels[numbers] == labels[query]) & (labels[query] >= 0))
            titles.append(task)
    return plots.neighbours(np.stack(shown), np.stack(found), np.stack(right), titles)
