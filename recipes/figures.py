"""The figures of the papers: each a function of a `Run`, drawn into its folder."""

import contextlib

import numpy as np
from keras import ops

from keras_mtl import Ensemble, plots
from keras_mtl.callbacks import read_policies
from keras_mtl.recipes.table import BASELINE, scored, seed_gains, size
from keras_mtl.retrieval import EmbeddingIndex
from keras_mtl.study.tree_of_tasks import tree_report

PICTURES = 5
TREES = ("branched", "random tree", "worst tree")
"""How rows of trees begin, before their budget."""
QUERIES, NEIGHBOURS = 2, 8


def save(run, figure, name, dpi=100, **options):
    """Writes a figure into the folder of the results, and closes it."""
    figure.savefig(run.path.parent / name, dpi=dpi, **options)
    plots.pyplot().close(figure)


@contextlib.contextmanager
def drawn(run, name, rows=1, columns=1, dpi=100, whole=False, **options):
    """Gives the axes of a new figure to draw on, an array of them if asked for; then saves it.

    Args:
        run, name, dpi: as of `save`.
        rows, columns: how many axes there are.
        whole: whether the file has room for what reaches beyond the figure.
        **options: as of `pyplot().subplots`.
    """
    figure, axes = plots.pyplot().subplots(rows, columns, **options)
    yield axes
    figure.tight_layout()
    save(run, figure, name, dpi, **({"bbox_inches": "tight"} if whole else {}))


def draw_dense(run):
    """Predictions, alphas, gain for each class, and every split."""
    if models := _compared(run, "cross-stitch"):
        save(run, dense_predictions(run, models, run.tasks), "predictions.jpg", 80)
        save(run, plots.stitch_units(models["cross-stitch"][0]), "alphas.png")
        if "segmentation" in run.tasks:
            labels, names = run.data.train["segmentation"], run.data.class_names
            counts = sum(np.bincount(each.ravel(), minlength=256) for each in labels)[: len(names)]
            with drawn(run, "gain_per_class.png", figsize=(8, 4)) as axes:
                _draw_gains(axes, run, "segmentation", "per_class_iu", names, counts)
    draw_splits(run)


def draw_detection(run):
    """Detections, alphas, the gain for each attribute, and every split."""
    if models := _compared(run, "cross-stitch"):
        _draw_detections(run, models)
        save(run, plots.stitch_units(models["cross-stitch"][0]), "alphas.png")
        counts = (np.concatenate(run.data.train["attributes"]) == 1).sum(axis=0)
        with drawn(run, "gain_per_attribute.png", figsize=(9, 4)) as axes:
            _draw_gains(axes, run, "attributes", "ap", run.data.attribute_names, counts, unit="AP")
    draw_splits(run)


def draw_sorted_alphas(run):
    """Table 4 of the paper: the first seed's alphas, a row for each network, a panel a unit."""
    units = {
        row: run.networks(row)[0].units
        for row, of_row in run.results["rows"].items()
        if run.has(row) and "alphas" in of_row["seeds"]["0"]
    }
    if not units:
        return
    shape = len(units), max(map(len, units.values()))
    options = {"figsize": (2.6 * shape[1], 2.4 * shape[0]), "sharey": True, "squeeze": False}
    with drawn(run, "alphas.png", *shape, dpi=80, **options) as axes:
        for line, (row, of_row) in zip(axes, units.items(), strict=True):
            for axis, (stage, unit) in zip(line, of_row.items(), strict=False):
                plots.sorted_alphas(axis, ops.convert_to_numpy(unit.alpha), run.tasks)
                axis.set_title(stage, fontsize=9)
                axis.set_xlabel("")
            for axis in line[len(of_row) :]:
                axis.set_axis_off()
            line[0].set_ylabel(row)
        axes[0, 0].legend(fontsize=6)


def draw_splits(run):
    """Figure 2 of the paper: every split relative to the one-task networks of the same seeds."""
    problem, tasks = run.recipe.problem, run.results["tasks"]
    known = {row: scored(run.results, row) for row in run.recipe.rows}
    rows = [row for row in run.recipe.rows if row.startswith("split ") and known[row]]
    seeds = set(known[BASELINE]).intersection(*(known[row] for row in rows))
    if not rows or not seeds:
        return

    def scores(row, task):
        compared = [problem.compared(known[row][seed])[task] for seed in sorted(seeds)]
        return [score for of_seed in compared for score in of_seed.values()]

    directions = {task: problem.scores[task].directions.values() for task in tasks}
    with drawn(run, "splits.png", figsize=(7, 4)) as axes:
        plots.split_performance(
            axes,
            [row.removeprefix("split ") for row in rows],
            {task: [scores(row, task) for row in rows] for task in tasks},
            {task: scores(BASELINE, task) for task in tasks},
            lower_is_better=[task for task in tasks if "lower" in directions[task]],
        )


def draw_starved(run):
    """Segmentation by how many labels there are of it, and what each way of sharing gains in it."""
    task, pictures = "segmentation", len(run.data.train["image"])
    measures = {"mean IU (%)": "mean_iu", "pixel accuracy (%)": "pixel_accuracy"}
    with drawn(run, "gain_by_labels.png", 2, 2, figsize=(10, 7)) as axes:
        for (upper, lower), (title, measure) in zip(axes.T, measures.items(), strict=True):
            scores, gains = {}, {}
            for row in run.results["rows"]:
                name, of, share = row.partition(" 1/")
                rows = row, BASELINE + of + share
                ours, theirs = (
                    {seed: 100 * of_seed[task][measure] for seed, of_seed in known.items()}
                    for known in (scored(run.results, each) for each in rows)
                )
                labels = round(pictures / int(share or 1))
                scores.setdefault(name, []).append((labels, list(ours.values())))
                gained = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
                gains.setdefault(name, []).append((labels, gained))
            for axis, series in ((upper, scores), (lower, gains)):
                plots.performance_by_size(axis, series, xlabel="labels", interval=True)
                axis.set_xscale("log")
                axis.set_xticks([labels for labels, _ in scores[BASELINE]])
                axis.xaxis.set_major_formatter("{x:.0f}")
                axis.minorticks_off()
            upper.set_ylabel(title)
            lower.set_ylabel("gain over one-task networks")


def draw_ada_share(run):
    """The first seed's policy, its evolution, and predictions."""
    if run.has("AdaShare"):
        (model,) = run.networks("AdaShare")
        policy = model.get_config()["sharing"]["config"]["policy"]
        blocks = [stage for stage in model.stages if stage != "stem"]
        sides = (2 + 0.4 * len(blocks), 1.2 + 0.4 * len(policy))
        with drawn(run, "policy.png", figsize=sides) as axes:
            plots.policy_map(axes, np.array(list(policy.values()), bool), list(policy), blocks)
        search = next(each for each in run.study.trainings if each.search is not None)
        tasks, blocks, history = read_policies(run.study.file_of(search).with_suffix(".csv"))
        save(run, plots.policy_history(history, tasks, blocks), "policy_evolution.png", 80)
    if models := _compared(run, "AdaShare"):
        # Of keypoints and edges there is little to see.
        shown = [task for task in run.tasks if task not in ("keypoints", "edges")]
        save(run, dense_predictions(run, models, shown), "predictions.jpg", 80)


def draw_trees(run):
    """Performance by size, and the first seed's affinities and trees."""
    series = {}
    for row, of_row in run.results["rows"].items():
        kind = next((kind for kind in TREES if row.startswith(kind)), row)
        if gains := seed_gains(run.recipe, run.results, row):
            series.setdefault(kind, []).append((size(of_row, "parameters"), gains))
    with drawn(run, "performance.png", figsize=(7, 4)) as axes:
        if series:
            plots.performance_by_size(axes, series)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_ylabel("mean gain over one-task networks (%)")
    rows = [row for row in run.recipe.rows if row.startswith("branched") and run.has(row)]
    if rows:
        (network,) = run.row_of(rows[0]).networks
        _draw_affinities(run, network)
        _draw_trees(run, {row: run.results["rows"][row]["seeds"]["0"]["trees"][0] for row in rows})


def draw_embeddings(run):
    """Accuracy by storage; of the first seed, compliance and what queries find."""
    series = {}
    for row, of_row in run.results["rows"].items():
        entries = [entry["retrieval"] for entry in scored(run.results, row).values()]
        if entries:
            accuracies = [100 * entry["triplet_accuracy"] for entry in entries]
            series[row] = [(of_row["parameters"], accuracies)]
    with drawn(run, "storage.png", figsize=(7, 4)) as axes:
        plots.performance_by_size(axes, series)
        axes.set_ylabel("triplet accuracy (%)")
    joint = {row: run.row_of(row) for row in run.wanted if row != BASELINE and run.has(row)}
    if joint:
        ratios = {row: run.study.compliance(each.networks[0])["end"] for row, each in joint.items()}
        with drawn(run, "compliance.png", dpi=80, figsize=(12, 4)) as axes:
            plots.update_compliance(axes, ratios)
    if "modulated" in joint:
        (model,) = run.networks("modulated")
        save(run, _neighbours(run, model), "neighbours.png", 45)


def draw_fashion(run):
    """The first seed's predictions and alphas."""
    models = {row: run.networks(row) for row in run.wanted if run.has(row)}
    if models:
        save(run, _articles(run, models), "predictions.png", 80)
    if "cross-stitch" in models:
        save(run, plots.stitch_units(models["cross-stitch"][0]), "alphas.png")


def _compared(run, row):
    """The networks of the one-task row and of another one, if this run has both."""
    rows = (BASELINE, row)
    return {each: run.networks(each) for each in rows} if all(map(run.has, rows)) else {}


def dense_predictions(run, models, tasks):
    """What each row's networks say of the first test pictures, beside the truth."""
    images, known = run.study.test.x[:PICTURES], run.study.test.y
    votes = {row: Ensemble(each) for row, each in models.items()}
    found = {row: vote.predict_on_batch(images.astype("float32")) for row, vote in votes.items()}
    maps = {}
    for task in tasks:
        if len(known[task].shape) < 3:
            continue  # Labels of the picture are no map.
        maps[f"{task}\ntruth"] = known[task][:PICTURES]
        for row in models:
            values = found[row][task]
            if task == "normals" and values.shape[-1] > 3:
                values = ops.convert_to_numpy(run.data.codebook.decode(values))
            maps[f"{task}\n{row}"] = values.argmax(-1) if task == "segmentation" else values
    return plots.pixel_predictions(images, maps, num_classes=len(run.data.class_names))


def _draw_gains(axes, run, task, score, names, counts, **options):
    """What cross-stitch gains in a score of many, such as of every class: the mean over seeds."""
    baseline, stitched = (scored(run.results, row) for row in (BASELINE, "cross-stitch"))
    gains = [
        np.subtract(*(np.array(each[seed][task][score], float) for each in (stitched, baseline)))
        for seed in sorted(set(baseline) & set(stitched))
    ]
    plots.gain_per_class(axes, names, np.mean(gains, axis=0), counts, **options)


def _draw_detections(run, models):
    """What each row's networks find in the first test pictures."""
    data, shape = run.data, (len(models), 4)
    sides = (4 * shape[1], 4 * shape[0])
    with drawn(run, "detections.jpg", *shape, dpi=80, figsize=sides) as axes:
        for line, (row, of_row) in zip(axes, models.items(), strict=True):
            found, _ = run.study.predict(of_row, data.test, shape[1])
            for axis, image, each in zip(line, data.test["image"], found, strict=False):
                plots.detections(axis, image, each, data.class_names, data.attribute_names)
                axis.set_title(row, fontsize=9)


def _draw_affinities(run, network):
    """How alike the one-task networks are that a tree is chosen by, a panel for each location."""
    report = tree_report(run.study, network.chosen_from, network.sharing.locations)
    count, side = len(report.locations), 1.2 + max(2.0, 0.3 * len(report.tasks))
    columns = min(count, 5)
    rows = -(-count // columns)
    options = {"figsize": (side * columns, side * rows), "squeeze": False}
    with drawn(run, "affinities.png", rows, columns, dpi=80, whole=True, **options) as axes:
        for axis in axes.flat[count:]:
            axis.set_axis_off()
        for axis, place, matrix in zip(axes.flat, report.locations, report.affinity, strict=False):
            plots.affinity(axis, matrix, report.tasks)
            axis.set_title(place)


def _draw_trees(run, trees):
    """Trees side by side, a dict from title to tree."""
    tree = next(iter(trees.values()))
    width = max(3.5, 0.35 * len(run.study.tasks))
    options = {"figsize": (width * len(trees), 1.5 + 0.5 * len(tree)), "squeeze": False}
    with drawn(run, "trees.png", 1, len(trees), dpi=80, whole=True, **options) as axes:
        for axis, (title, tree) in zip(axes.flat, trees.items(), strict=True):
            plots.sharing_tree(axis, tree)
            axis.set_title(title)


def _neighbours(run, model):
    """What a few test crops find under each task."""
    test, tasks = run.data["test"], list(run.study.tasks)
    index = EmbeddingIndex(model, test["image"], tasks)
    queries = np.random.default_rng(0).choice(len(test["image"]), QUERIES, replace=False)
    shown, found, right, titles = [], [], [], []
    for query in queries:
        for task in tasks[:4]:
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


def _articles(run, models):
    """The first test pictures with what each row's networks say of them."""
    test, count = run.study.test, 2 * PICTURES
    images, tasks = test.x[:count], list(run.study.tasks)
    classes = run.study.tasks[tasks[0]].classes
    lines = {"truth": {task: test.y[task][:count] for task in tasks}}
    for row, of_row in models.items():
        said = Ensemble(of_row).predict_on_batch(images.astype("float32"))
        lines[row] = {task: said[task].argmax(-1) for task in tasks}
    figure, axes = plots.pyplot().subplots(2, PICTURES, figsize=(2.4 * PICTURES, 6.4))
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image[..., 0], cmap="gray_r")
        answers = {row: [labels[task][index] for task in tasks] for row, labels in lines.items()}
        for line, (row, each) in enumerate(answers.items()):
            axis.text(
                0.0,
                -0.05 - 0.09 * line,
                f"{row}: {' / '.join(classes[answer] for answer in each)}",
                transform=axis.transAxes,
                fontsize=8,
                verticalalignment="top",
                color="black" if each == answers["truth"] else "red",
            )
    figure.suptitle("top left / bottom right; red: at least one of them is wrong", fontsize=10)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.93, bottom=0.15, hspace=0.5)
    return figure
