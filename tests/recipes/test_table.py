"""The text of tables, and which row is marked."""

import keras
import pytest
from tiny_recipes import ALL

import keras_mtl
from keras_mtl.recipes.problems.problem import Problem
from keras_mtl.recipes.table import best_row, cells, format_markdown, format_table, seed_gains

pytestmark = pytest.mark.one_backend
TABLE5 = ALL["cross_stitch_table5"]


def entry(mean, miu):
    normals = {"mean_angular_error": mean, "median_angular_error": 1.0}
    normals.update({f"within_{angle}": 0.5 for angle in ("11.25", "22.5", "30")})
    segmentation = {"mean_iu": miu, "pixel_accuracy": 0.5, "frequency_weighted_iu": 0.5}
    return {"normals": normals, "segmentation": segmentation, "commit": "abc"}


def results_of(**rows):
    return {
        "recipe": "cross_stitch_table5",
        **{"preset": "mini", "data": "rooms", "backend": "torch"},
        "tasks": ["segmentation", "normals"],
        "rows": {
            row.replace("_", " "): {
                "parameters": 1000,
                "macs": 2_000_000,
                "seeds": {str(seed): each for seed, each in enumerate(entries)},
            }
            for row, entries in {"one-task": rows.pop("one_task"), **rows}.items()
        },
    }


def test_mean_and_deviation_over_seeds_and_the_best_split():
    results = results_of(
        one_task=[entry(20.0, 0.2), entry(22.0, 0.1)],
        split_conv2=[entry(22.0, 0.2), entry(22.0, 0.1)],  # -5 % and 0 %
        split_fc6=[entry(20.0, 0.22), entry(22.0, 0.12)],  # +5 % and +10 %
    )
    heading, rows = cells(TABLE5, results)
    at = {name: index for index, name in enumerate(heading)}
    assert rows["one-task"][at["mean"]] == "21.0 ± 1.4"
    assert rows["split fc6"][at["mIU"]] == "17.0 ± 7.1"
    assert rows["split fc6"][at["gain in %"]] == "+7.5 ± 3.5"
    assert rows["split conv2"][at["gain in %"]] == "-2.5 ± 3.5"
    # Of published results that have no scores of validation images.
    assert best_row(TABLE5, results) == "split fc6"
    assert "split fc6 (best)" in format_table(TABLE5, results)
    assert "| **split fc6** (best) | 21.0 ± 1.4 |" in format_markdown(TABLE5, results)


def test_the_best_split_is_that_of_the_validation_images():
    results = results_of(
        one_task=[entry(20.0, 0.2)], split_conv2=[entry(21.0, 0.2)], split_fc6=[entry(19.0, 0.2)]
    )
    validated = {"one-task": 20.0, "split conv2": 18.0, "split fc6": 19.0}
    for row, mean in validated.items():
        results["rows"][row]["seeds"]["0"]["validation"] = entry(mean, 0.2)
    assert best_row(TABLE5, results) == "split conv2"


def test_a_task_stands_for_what_its_table_has():
    """Its scores lose its name, whatever it is scored by."""
    tasks = {
        "segmentation": keras_mtl.Task.segmentation(3),
        "depth": keras_mtl.Task.depth(),
        "sign": keras_mtl.Task(keras.layers.Dense(1), "mse"),
    }
    problem = Problem(("rooms",), load=None, study=None, scores=tasks)
    found = {
        "segmentation": {"loss": 3.0, "segmentation_mean_iu": 0.25},
        "depth": {"loss": 2.0, "depth_relative_error": 0.5},
        "sign": {"loss": 1.0},
    }
    entry = problem.entry(found)
    compared = {"segmentation": {"mean_iu": 0.25}, "depth": {"relative_error": 0.5}}
    assert problem.compared(entry) == {**compared, "sign": {"loss": 1.0}}
    assert problem.by_heading(entry)["segmentation"] == {"mIU %": 25.0}
    better = {"segmentation": {"loss": 2.0, "segmentation_mean_iu": 0.5}}
    gain = problem.gain(problem.entry({**found, **better}), entry)
    assert gain == pytest.approx(100 / 3)


def test_a_diverged_row_says_so():
    diverged = {"diverged": "the loss"}
    results = results_of(one_task=[entry(20.0, 0.2)], split_conv2=[diverged])
    without = results_of(one_task=[diverged], split_conv2=[entry(20.0, 0.2)])
    assert seed_gains(TABLE5, without, "split conv2") == []
    _, rows = cells(TABLE5, results)
    assert rows["split conv2"] == ["diverged with 1 of 1 seeds"]
    assert best_row(TABLE5, results) is None
    assert "diverged with 1 of 1" in format_table(TABLE5, results)


def test_the_papers_rows_stand_beside_the_paper_preset():
    results = {**results_of(one_task=[entry(20.0, 0.2)]), "preset": "paper"}
    assert "The paper, on NYUv2" in format_table(TABLE5, results)
    assert "34.1" in format_table(TABLE5, results)
    results["tasks"] = ["segmentation"]
    assert "The paper" not in format_table(TABLE5, results)


def test_sizes_are_means_over_the_seeds():
    results = results_of(one_task=[entry(20.0, 0.2)], cross_stitch=[entry(20.0, 0.2)] * 2)
    for seed, size in enumerate((1000, 3000)):
        of_row = results["rows"]["cross stitch"]["seeds"]
        of_row[str(seed)] = {**of_row[str(seed)], "parameters": size, "macs": 1000 * size}
    heading, rows = cells(TABLE5, results)
    line = dict(zip(heading, rows["cross stitch"], strict=True))
    assert (line["parameters"], line["M MACs"]) == ("2,000", "2")


def test_decimals_are_those_of_the_problem():
    fashion, accuracies = ALL["multi_fashion"], [(0.8, 0.7), (0.82, 0.6), (0.87, 0.8)]
    tasks = fashion.problem.tasks
    seeds = {
        str(seed): {task: {"accuracy": each} for task, each in zip(tasks, pair, strict=True)}
        for seed, pair in enumerate(accuracies)
    }
    rows = {"one-task": {"parameters": 7, "macs": 1e6, "seeds": seeds}}
    results = {"preset": "mini", "data": "multi_fashion", "backend": "x", "tasks": list(tasks)}
    _, lines = cells(fashion, {**results, "rows": rows})
    assert lines["one-task"][:2] == ["83.00 ± 3.61", "70.00 ± 10.00"]
