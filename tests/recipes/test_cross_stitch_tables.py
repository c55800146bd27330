"""The tables: what they write, that they go on, and the text they make."""

import json

import numpy as np
import pytest

from keras_mtl.recipes import (
    _comparison,
    _format,
    cross_stitch_granularity,
    cross_stitch_manhattan,
    cross_stitch_placement,
    cross_stitch_table1,
    cross_stitch_table2,
    cross_stitch_table3,
    cross_stitch_table5,
)
from keras_mtl.recipes._results import open_folder

ABLATIONS = {
    module.TABLE.recipe: module.TABLE
    for module in (
        cross_stitch_table1,
        cross_stitch_table2,
        cross_stitch_table3,
        cross_stitch_placement,
        cross_stitch_granularity,
    )
}
TABLE5 = cross_stitch_table5.TABLE
PLAIN = ("one-task", "from one-task", "after pooling", "per channel")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all tables: they share their one-task networks."""
    return tmp_path_factory.mktemp("run")


@pytest.mark.one_backend
def test_table5_writes_what_it_promises_and_goes_on(tiny, tmp_path, capsys):
    folder = tmp_path
    demo = ["one-task", "cross-stitch", "ensemble"]
    first = TABLE5.run("tiny", rows=demo, output=folder)
    assert "With one seed 9 trainings, 0 of them done" in capsys.readouterr().out
    assert list(first["rows"]) == ["one-task", "ensemble", "cross-stitch"]
    results = TABLE5.run("tiny", rows=["split heads", "MTL-shared"], output=folder, seeds=2)
    path = folder / "cross_stitch_table5" / "results.json"
    assert json.loads(path.read_text()) == results

    rows = results["rows"]
    assert list(rows) == ["one-task", "ensemble", "split heads", "MTL-shared", "cross-stitch"]
    assert list(rows["one-task"]["seeds"]) == list(rows["split heads"]["seeds"]) == ["0", "1"]
    for row in demo:
        assert rows[row]["seeds"]["0"] == first["rows"][row]["seeds"]["0"]
    for of_row in rows.values():
        for entry in of_row["seeds"].values():
            assert 0 < entry["normals"]["mean_angular_error"] < 180
            assert 0 <= entry["segmentation"]["pixel_accuracy"] <= 1
            assert len(entry["segmentation"]["per_class_iu"]) == 17
            assert set(entry["validation"]) == {"normals", "segmentation"}
    sizes = {row: of_row["parameters"] for row, of_row in rows.items()}
    assert sizes["ensemble"] == 2 * sizes["one-task"]
    assert sizes["cross-stitch"] > sizes["one-task"] > sizes["split heads"]
    for picture in ("predictions.jpg", "alphas.png", "gain_per_class.png", "splits.png"):
        assert (path.parent / picture).stat().st_size > 1000

    capsys.readouterr()
    again = TABLE5.run("tiny", rows=["one-task", "cross-stitch"], output=folder)
    assert again["rows"] == rows and "5 trainings, 5 of them done" in capsys.readouterr().out


@pytest.mark.one_backend
def test_scores_are_those_of_the_tables_that_score_their_own(tiny, tiny_data, tmp_path):
    """What is learned from is the same to the bit; the scores pass through other sums."""
    settings, data = tiny_data
    rows = TABLE5.run("tiny", rows=["one-task", "ensemble"], output=tmp_path)["rows"]
    networks = TABLE5.problem.networks(settings, data, TABLE5.problem.pair, tmp_path / "seed_0", 0)
    for row, of_row in rows.items():
        before = networks.scores(TABLE5.models(row, networks))
        now = of_row["seeds"]["0"]
        for task, scores in before.items():
            assert set(scores) == set(now[task])
            for name, value in scores.items():
                ours, theirs = (np.array(each, float) for each in (now[task][name], value))
                np.testing.assert_allclose(ours, theirs, 1e-4, 1e-4, err_msg=name)


@pytest.mark.one_backend
@pytest.mark.parametrize("recipe", ABLATIONS)
def test_rows_of_the_ablations_are_the_networks_they_say(tiny, untrained, tmp_path, recipe):
    """Of each table one stitched row: the last that is not Table 5's own network."""
    table = ABLATIONS[recipe]
    row = next(row for row in reversed(table.rows) if "0.9, " not in row and row not in PLAIN)
    results = table.run("tiny", rows=[row], output=tmp_path)
    entry = results["rows"][row]["seeds"]["0"]
    assert entry["alphas"] and entry["commit"]
    assert (tmp_path / recipe / "alphas.png").stat().st_size > 1000


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [TABLE5.recipe, *ABLATIONS])
def test_every_row_of_every_table_runs(tiny, folder, recipe):
    table = {TABLE5.recipe: TABLE5, **ABLATIONS}[recipe]
    results = table.run("tiny", output=folder)
    assert list(results["rows"]) == list(table.rows)
    for row, of_row in results["rows"].items():
        entry = of_row["seeds"]["0"]
        assert "diverged" in entry or bool(entry.get("alphas")) == (
            recipe != TABLE5.recipe and row != "one-task" or row == "cross-stitch"
        )
    assert (folder / recipe / "alphas.png").stat().st_size > 1000


@pytest.mark.one_backend
def test_rectified_rows_differ_in_their_normals_only(tiny, untrained, tmp_path):
    folder = tmp_path
    some = ["one-task", "one-task, rectified"]
    rows = cross_stitch_manhattan.TABLE.run("tiny", rows=some, output=folder)["rows"]
    plain, rectified = (rows[row]["seeds"]["0"] for row in ("one-task", "one-task, rectified"))
    assert plain["segmentation"] == rectified["segmentation"]
    assert plain["normals"] != rectified["normals"]


@pytest.mark.one_backend
def test_alphas_move_with_the_factor(tiny, folder):
    table, some = cross_stitch_table2.TABLE, ["factor 1", "factor 1,000"]
    rows = table.run("tiny", rows=some, output=folder)["rows"]
    assert (folder / table.recipe / "alphas.png").stat().st_size > 1000

    def moved(factor):
        units = rows[f"factor {factor:,}"]["seeds"]["0"]["alphas"].values()
        return np.mean([unit["moved"] for unit in units])

    assert 0 < moved(1) < 1e-3
    assert moved(1000) > 100 * moved(1)


@pytest.mark.one_backend
def test_three_tasks_make_a_table(tiny, untrained, tmp_path):
    tasks = ("segmentation", "normals", "depth")
    some = ["one-task", "cross-stitch"]
    results = TABLE5.run("tiny", tasks=tasks, rows=some, output=tmp_path)
    heading, rows = _format.cells(TABLE5, results)
    assert {"mean", "mIU", "rel %"} < set(heading)
    assert all(len(row) == len(heading) for row in rows.values())
    for picture in ("predictions.jpg", "alphas.png"):
        assert (tmp_path / TABLE5.recipe / picture).stat().st_size > 1000


def test_a_folder_of_another_run_is_refused(tmp_path):
    open_folder(tmp_path, {"seed": 0})
    open_folder(tmp_path, {"seed": 0})
    with pytest.raises(SystemExit, match="other settings"):
        open_folder(tmp_path, {"seed": 1})


# The text


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
    heading, rows = _format.cells(TABLE5, results)
    at = {name: index for index, name in enumerate(heading)}
    assert rows["one-task"][at["mean"]] == "21.0 ± 1.4"
    assert rows["split fc6"][at["mIU"]] == "17.0 ± 7.1"
    assert rows["split fc6"][at["gain in %"]] == "+7.5 ± 3.5"
    assert rows["split conv2"][at["gain in %"]] == "-2.5 ± 3.5"
    # Of published results that have no scores of validation images.
    assert _comparison.best_row(TABLE5, results) == "split fc6"
    assert "split fc6 (best)" in _format.format_table(TABLE5, results)
    assert "| **split fc6** (best) | 21.0 ± 1.4 |" in _format.format_markdown(TABLE5, results)


def test_the_best_split_is_that_of_the_validation_images():
    results = results_of(
        one_task=[entry(20.0, 0.2)], split_conv2=[entry(21.0, 0.2)], split_fc6=[entry(19.0, 0.2)]
    )
    validated = {"one-task": 20.0, "split conv2": 18.0, "split fc6": 19.0}
    for row, mean in validated.items():
        results["rows"][row]["seeds"]["0"]["validation"] = entry(mean, 0.2)
    assert _comparison.best_row(TABLE5, results) == "split conv2"


def test_a_diverged_row_says_so(tmp_path):
    diverged = {"diverged": "the loss"}
    results = results_of(one_task=[entry(20.0, 0.2)], split_conv2=[diverged])
    results["rows"]["cross-stitch"] = results["rows"]["split conv2"]
    TABLE5.draw(TABLE5, None, results, tmp_path)
    assert not list(tmp_path.iterdir())
    without = results_of(one_task=[diverged], split_conv2=[entry(20.0, 0.2)])
    assert _comparison.seed_gains(TABLE5, without, "split conv2") == []
    _, rows = _format.cells(TABLE5, results)
    assert rows["split conv2"] == ["diverged with 1 of 1 seeds"]
    assert _comparison.best_row(TABLE5, results) is None
    assert "diverged with 1 of 1" in _format.format_table(TABLE5, results)


def test_the_papers_rows_stand_beside_the_paper_preset():
    results = {**results_of(one_task=[entry(20.0, 0.2)]), "preset": "paper"}
    assert "34.1" in _format.format_table(TABLE5, results)
    for table in (TABLE5, *ABLATIONS.values()):
        assert all(len(numbers) == 8 for numbers in table.paper.values())
    assert TABLE5.paper["cross-stitch"] == (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0)
