"""What all recipes have in common: every one is run, scored, drawn, and taken up again."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_recipes import ALL, tiny_settings

from keras_mtl.recipes import recipe as recipe_module
from keras_mtl.recipes.recipe import Extra
from keras_mtl.recipes.table import BASELINE, cells, format_table

pytestmark = pytest.mark.one_backend

ROWS = {
    "cross_stitch_table1": ["(0.7, 0.3)"],
    "cross_stitch_table2": ["factor 1,000"],
    "cross_stitch_table3": ["from image labels", "from random"],
    "cross_stitch_table5": ["ensemble", "split heads", "MTL-shared", "cross-stitch"],
    "cross_stitch_table6": ["untrained", "split fc7", "MTL-shared", "cross-stitch"],
    "cross_stitch_granularity": ["per layer"],
    "cross_stitch_manhattan": ["one-task, rectified"],
    "cross_stitch_placement": ["after convolutions"],
    "cross_stitch_starved": ["split heads", "one-task 1/3", "split heads 1/3", "cross-stitch 1/3"],
    "adashare_nyuv2": ["AdaShare", "random policy"],
    "adashare_cityscapes": ["hard sharing"],
    "adashare_taskonomy": ["hard sharing"],
    "balancing_rooms": ["hard sharing", "hard sharing + PCGrad", "cross-stitch + Uncertainty"],
    "branched_rooms": ["branched 2×", "random tree 2×", "worst tree 2×"],
    "branched_cityscapes": ["hard sharing"],
    "branched_taskonomy": ["hard sharing"],
    "branched_celeba": ["branched 2×", "worst tree 2×"],
    "modulation_celeba": ["fully shared"],
    "modulation_zappos50k": ["fully shared", "masks", "modulated", "projected"],
    "multi_fashion": ["hard sharing", "cross-stitch"],
}
"""Some rows of each, beside the one-task networks."""
PICTURES = {
    "cross_stitch_table1": {"alphas.png"},
    "cross_stitch_table2": {"alphas.png"},
    "cross_stitch_table3": {"alphas.png"},
    "cross_stitch_table5": {"predictions.jpg", "alphas.png", "gain_per_class.png", "splits.png"},
    "cross_stitch_table6": {"detections.jpg", "alphas.png", "gain_per_attribute.png", "splits.png"},
    "cross_stitch_granularity": {"alphas.png"},
    "cross_stitch_placement": {"alphas.png"},
    "cross_stitch_starved": {"gain_by_labels.png"},
    "adashare_nyuv2": {"policy.png", "policy_evolution.png", "predictions.jpg"},
    "branched_rooms": {"affinities.png", "trees.png", "performance.png"},
    "branched_celeba": {"affinities.png", "trees.png", "performance.png"},
    "branched_cityscapes": {"performance.png"},
    "branched_taskonomy": {"performance.png"},
    "modulation_celeba": {"storage.png", "compliance.png"},
    "modulation_zappos50k": {"storage.png", "compliance.png", "neighbours.png"},
    "multi_fashion": {"predictions.png", "alphas.png"},
}


QUICK = ("cross_stitch_table1", "cross_stitch_table6", "cross_stitch_manhattan", "multi_fashion")
QUICK += ("modulation_zappos50k",)
"""A few, with all that is drawn; what the others have of their own stands in test_rows.py."""


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[pytest.mark.slow] * (x not in QUICK)) for x in ALL]
)
def test_rows_are_scored_drawn_and_known_the_second_time(
    finished, tiny_run, untrained, capsys, name
):
    recipe, wanted = ALL[name], ["one-task", *ROWS[name]]
    run = finished(recipe, wanted, page=True)
    page = run.path.with_name("report.html").read_text()
    assert all(task in page for task in run.study.tasks) and "one-task" in page
    assert json.loads(run.path.read_text()) == run.results
    rows = run.results["rows"]
    assert list(rows) == [row for row in recipe.rows if row in wanted]
    for row, of_row in rows.items():
        entry = of_row["seeds"]["0"]
        assert entry["commit"] and of_row["parameters"] > 0 and of_row["macs"] > 0
        assert set(run.results["tasks"]) <= set(entry)
        for task in run.results["tasks"]:
            compared = recipe.problem.scores[task].directions
            for score in compared:
                assert entry[task][score] is not None
            if not isinstance(recipe.rows[row], Extra):
                assert set(entry["validation"][task]) == set(compared)
        assert of_row.get("inference_ms", 1) > 0
    heading, lines = cells(recipe, run.results)
    assert all(len(line) == len(heading) for line in lines.values())
    found = {path.name for path in run.path.parent.glob("*.[jp]*g")}
    assert found == PICTURES.get(name, set())
    assert all((run.path.parent / each).stat().st_size > 1000 for each in found)

    again = tiny_run(recipe, wanted)
    assert again.study.waiting() == []
    assert again.results == json.loads(run.path.read_text())


@pytest.mark.slow
def test_results_are_written_the_second_time_as_the_first(finished, untrained):
    recipe = dataclasses.replace(ALL["cross_stitch_table1"], draw=None)
    first, second = (finished(recipe, ["one-task", "(0.7, 0.3)"]) for _ in range(2))
    assert len(untrained) == len(second.study.trainings)
    assert _without_times(second.results) == _without_times(first.results)


def _without_times(results):
    return {row: of_row["seeds"] for row, of_row in results["rows"].items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_every_row_is_trained(finished, name):
    rows = list(ALL[name].rows)
    if name == "branched_celeba":
        rows = [row for row in rows if "8×" not in row]  # Of five attributes here.
    if name == "modulation_celeba":
        pytest.skip("has the rows of modulation_zappos50k")
    assert list(finished(ALL[name], rows).results["rows"]) == rows


def test_all_have_what_tables_are_made_of():
    for name, recipe in ALL.items():
        problem = recipe.problem
        width = sum(len(problem.scores[task].columns) for task in problem.default_tasks)
        assert all(len(numbers) == width for numbers in recipe.paper.values()), name
        for rows in (recipe.competing, recipe.default_rows or ()):
            assert set(rows) <= set(recipe.rows), name
        for settings in recipe.presets.values():
            assert settings.replaced(["rate=0.5"]).rate == 0.5
            tasks = getattr(settings, "task_weights", problem.tasks)
            assert set(tasks) <= set(problem.tasks) <= set(problem.scores), name
        assert BASELINE in recipe.rows
        assert recipe.title.endswith("?") and recipe.text.strip() and recipe.source


def test_published_rows_are_those_of_the_recipes():
    path = Path(recipe_module.__file__).parent / "results.csv"
    with path.open(encoding="utf-8") as file:
        published = {(line["recipe"], line["row"]) for line in csv.DictReader(file)}
    assert {name for name, _ in published} <= set(ALL)
    assert all(row in ALL[name].rows for name, row in published)


def test_settings_are_replaced_by_words():
    settings = tiny_settings(ALL["cross_stitch_table5"])
    other = settings.replaced(["rate=1", "network.width=0.5", "steps=9", "latent_size=7"])
    assert (other.rate, other.network["width"], other.latent_size) == (1, 0.5, 7)
    assert (other.steps.first, other.steps.second) == (4, 5)
    # Its rates stay what they are; of one part there stays one.
    paper = ALL["adashare_nyuv2"].presets["paper"].replaced(["steps=100"]).steps
    assert (paper.first, paper.second, paper.annealed, paper.falls_by) == (50, 50, False, 0.5)
    embedding = ALL["modulation_celeba"].presets["mini"].replaced(["steps=100"]).steps
    assert (embedding.first, embedding.second) == (0, 100)
    for word, message in {
        "rate": "NAME=VALUE.*Received: rate",
        "speed=1": "of the names train_images.*Received: speed=1",
        "rate=fast": "rate must be a float. Received: fast",
        "augmented=1": "augmented must be a bool",
        "network=1": "network.OPTION",
        "rate.x=1": "NAME=VALUE",
        "steps=1": "`steps`.*1",
    }.items():
        with pytest.raises(ValueError, match=message):
            settings.replaced([word])


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("cross_stitch_table5", {"preset": "big"}, "`preset`.*'mini', 'paper'.*big"),
        ("cross_stitch_table5", {"data": "cats"}, "`data`.*'rooms', 'nyuv2'.*cats"),
        ("cross_stitch_table5", {"data": "nyuv2"}, "`data_dir` must be the folder .*'nyuv2'"),
        ("cross_stitch_table5", {"tasks": ["edges"]}, "`tasks`.*edges"),
        ("cross_stitch_table5", {"rows": ["split"]}, "`rows`.*'split conv2'.*split"),
        ("cross_stitch_table5", {"seeds": 0}, "`seeds`.*0"),
        ("cross_stitch_table5", {"set": ["a=1"]}, "`set`.*a=1"),
        ("cross_stitch_table5", {"set": ["steps=9"], "steps": 9}, "`set` must not have the steps"),
        ("cross_stitch_table5", {"steps": 0}, "`steps`.*0"),
        ("branched_celeba", {"weights": "a.h5"}, "`weights` must be empty.*a.h5"),
    ],
)
def test_what_a_recipe_has_not(name, words, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        ALL[name].run(**words, output=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_run_prints_a_plan_and_a_table(tiny_data, monkeypatch, tmp_path, capsys, untrained):
    recipe = ALL["cross_stitch_table1"]
    settings, data = tiny_data(recipe)
    monkeypatch.setitem(recipe.presets, "tiny", settings)
    monkeypatch.setitem(vars(recipe.problem), "load", lambda *arguments: data)
    monkeypatch.chdir(tmp_path)
    results = recipe.run(preset="tiny", rows=["one-task"], seeds=2, set=["latent_size=6"])
    folder = tmp_path / "results" / "cross_stitch" / "tiny-rooms-torch-latent_size=6"
    assert (folder / recipe.name / "results.json").is_file()
    assert list(results["rows"]["one-task"]["seeds"]) == ["0", "1"]
    printed = capsys.readouterr().out
    assert "8 networks to train with 2 seeds, about" in printed
    assert "all tasks: nothing is compared yet." in printed
    assert f"All of it as a page: {folder / recipe.name / 'report.html'}" in printed
    assert recipe.run(plan=True, preset="tiny", rows=["one-task"], steps=9)["rows"] == {}
    assert "8 networks" not in (planned := capsys.readouterr().out) and "M MACs" in planned
    assert format_table(recipe, results) in printed


def test_a_folder_of_other_settings_or_data_is_refused(finished, tiny_run, untrained):
    recipe = ALL["cross_stitch_table1"]
    finished(recipe, ["one-task"])
    with pytest.raises(ValueError, match=r"`output` must be new.*'rate': 0.5.*'rate': 0.03"):
        tiny_run(recipe, ["one-task"], rate=0.5)
    with pytest.raises(ValueError, match="`folder` must be new"):
        tiny_run(ALL["cross_stitch_table2"], ["one-task"], train_images=12)


def test_settings_are_the_published_ones():
    dense = ALL["cross_stitch_table5"].presets["paper"]
    assert dense.steps.first == {"segmentation": 25_000, "normals": 15_000, "depth": 25_000}
    assert (dense.steps.second, dense.batch_size, dense.momentum) == (10_000, 20, 0.9)
    assert dense.augmented and not dense.steps.annealed
    assert ALL["cross_stitch_table5"].paper["cross-stitch"] == (
        *(34.1, 18.2, 39.0, 54.4, 60.2),
        *(47.2, 19.3, 34.0),
    )
    regions = ALL["cross_stitch_table6"].presets["paper"]
    assert (regions.rate, regions.steps.falls_every, regions.batch_size) == (1e-3, 30_000, 2)
    assert regions.batch_size * regions.rois_per_image == 128

    nyuv2, pair = (ALL["adashare_nyuv2"].presets[name] for name in ("paper", "paper-2-tasks"))
    assert (nyuv2.network["depth"], pair.network["depth"]) == (34, 18)
    assert (nyuv2.sparsity_weight, nyuv2.agreement_weight) == (0.001, 0.05)
    assert (pair.sparsity_weight, pair.agreement_weight) == (0.05, 0.05)
    assert nyuv2.task_weights == {"segmentation": 1, "normals": 20, "depth": 3}
    cityscapes = ALL["adashare_cityscapes"].presets["paper"]
    assert cityscapes.rate * cityscapes.head_rate == pytest.approx(1e-4)
    taskonomy = ALL["adashare_taskonomy"].presets["paper"]
    assert list(taskonomy.task_weights.values()) == [1, 3, 2, 7, 7]
    for settings, steps in ((nyuv2, 2e4), (pair, 2e4), (cityscapes, 2e4), (taskonomy, 1e5)):
        assert settings.steps.first + settings.steps.second == steps
        assert (settings.steps.falls_every, settings.steps.falls_by) == (4000, 0.5)
        # All blocks come under the policy.
        blocks = 16 if settings.network["depth"] == 34 else 8
        assert (settings.rounds - 1) // settings.blocks_every + 1 >= blocks

    balanced = ALL["balancing_rooms"].presets["paper"]
    # 200 epochs of 99 batches, at half the rate from the hundredth on.
    assert (balanced.steps.first, balanced.steps.second) == (0, 19_800)
    assert (balanced.steps.falls_every, balanced.steps.falls_by) == (9_900, 0.5)
    assert (balanced.rate, balanced.weight_decay, balanced.batch_size) == (1e-4, 1e-5, 8)
    assert (balanced.size, balanced.network["depth"], balanced.augmented) == (288, 50, False)
    assert set(balanced.task_weights.values()) == {1}

    faces = ALL["modulation_celeba"].presets["paper"]
    # 7 tasks × 8 triplets; the rate falls twice within the training.
    assert faces.batch_size == 168 and (faces.margin, faces.rate) == (0.2, 0.01)
    assert faces.steps.falls_every / faces.steps.second == 40 / 100
    shoes = ALL["modulation_zappos50k"].presets["paper"]
    assert (shoes.size, shoes.network["size"], shoes.num_tasks) == (112, 64, 4)
    clothes = ALL["multi_fashion"].presets
    assert clothes["mini"].steps.first == clothes["mini"].steps.second == 558
    assert clothes["paper"].steps.first == 50 * (50_000 // 256)


@pytest.mark.slow
def test_rows_have_the_same_steps_and_order(tiny_run, tmp_path):
    """All but the search: of one seed every network has seen as many batches of the same order."""
    for name, recipe in ALL.items():
        rows = [row for row in recipe.rows if "8×" not in row]
        study = tiny_run(recipe, rows, folder=tmp_path / name).study
        budget = study.budget
        for row in study.rows:
            for each in row.networks:
                parts = [each, *each.start[:1]]
                steps = sum(part.steps for part in parts)
                expected = budget.second + budget.first_of(study.tasks)
                assert steps == expected, (name, row.contender)
                assert each.order % 1000 == (1 if budget.first_of(study.tasks) else 0)


def test_seeds_differ(tiny_run):
    study = tiny_run(ALL["multi_fashion"], seeds=2).study
    assert len({each.hash for each in study.trainings}) == len(study.trainings)
    assert np.unique([each.seed for each in study.trainings]).tolist() == [0, 1]


def test_tables_of_a_problem_share_their_networks(tiny_run, untrained):
    rows = {"cross_stitch_table5": "cross-stitch", "cross_stitch_table3": "from image labels"}
    studies = [tiny_run(ALL[name], [row]).study for name, row in rows.items()]
    ours, theirs = ({each.hash for each in study.trainings} for study in studies)
    assert len(ours & theirs) == 4  # Both parts of the one-task networks.


def test_the_baseline_is_the_recipe_s_own_also_where_it_is_not_asked_for(tiny_run, tmp_path):
    asked, not_asked = (
        tiny_run(ALL["cross_stitch_table2"], rows, folder=tmp_path / str(len(rows))).study
        for rows in (["one-task", "factor 10"], ["factor 10"])
    )
    assert {each.hash for each in asked.trainings} == {each.hash for each in not_asked.trainings}


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("cross_stitch_table6", {"rois_per_image": 5}),
        ("cross_stitch_table6", {"augmented": False}),
        ("modulation_zappos50k", {"steps_an_epoch": 3}),
        ("modulation_zappos50k", {"judged_triplets": 20}),
    ],
)
def test_settings_of_batches_and_scores_are_in_the_names_of_networks(
    tiny_run, tmp_path, name, changed
):
    studies = [
        tiny_run(ALL[name], ["one-task"], folder=tmp_path / folder, **others).study
        for folder, others in (("before", {}), ("after", changed))
    ]
    ours, theirs = ({each.hash for each in study.rows} for study in studies)
    assert not ours & theirs
