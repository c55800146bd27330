"""The figures of embeddings."""

import numpy as np

from keras_mtl import plots
from keras_mtl.recipes._comparison import BASELINE, scored
from keras_mtl.retrieval import EmbeddingIndex

QUERIES, NEIGHBOURS = 2, 8


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
    return {row: table.models(row, networks)[0] for row in rows}


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
