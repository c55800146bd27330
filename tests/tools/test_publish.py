"""The tables of README, the cards and the docs are those of the published results."""

import json

import pytest
import tyro

from tools import publish, published

RESULTS = {
    "recipe": "cross_stitch_table5",
    "preset": "mini",
    "data": "rooms",
    "tasks": ["segmentation", "normals"],
    "backend": "torch",
    "rows": {
        "one-task": {
            "seeds": {
                "0": {
                    "segmentation": {"pixel_accuracy": 0.5, "per_class_iu": [0.25, None]},
                    "normals": {"mean_angular_error": 12.34, "within_11.25": 0.1},
                    "alphas": {"pool1": {"moved": 0.0625}},
                    "backend": "torch",
                    "keras": "3.15.1",
                    "commit": "abc",
                    "seconds": 1.5,
                },
                "1": {"diverged": 'a, "loss"\nof nan', "backend": "torch", "commit": "abd"},
            },
            "parameters": 12,
            "macs": 34,
        },
        "split conv2": {"seeds": {}},
    },
}


@pytest.mark.one_backend
@pytest.mark.parametrize("path", publish.documents(), ids=lambda path: path.name)
def test_documents_agree_with_the_published_results(path):
    assert publish.render(path) == path.read_text(encoding="utf-8")


def test_the_documents_have_tables():
    names = {
        name
        for path in publish.documents()
        for _, name, _ in publish.TABLE.findall(path.read_text())
    }
    recipes = {line["recipe"] for line in published.lines()}
    assert recipes | {"zoo", "recipes", "sharings"} <= names


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Results and documents in a folder of the test's own."""
    monkeypatch.setattr(published, "RESULTS", tmp_path / "results.csv")
    monkeypatch.setattr(publish, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(publish, "REPOSITORY", tmp_path)
    document = tmp_path / "README.md"
    document.write_text(
        "before\n<!-- table: cross_stitch_table5 -->\nold\n<!-- end of table -->\nafter\n"
    )
    return document


def test_published_results_are_read_as_they_were(elsewhere):
    published.write(RESULTS)
    other = {**RESULTS, "recipe": "a_table", "tasks": ["depth"]}
    published.write(other)
    rows = {name: row for name, row in RESULTS["rows"].items() if row["seeds"]}
    assert published.read("cross_stitch_table5") == {**RESULTS, "rows": rows}
    assert published.read("a_table")["tasks"] == ["depth"]
    before = published.RESULTS.read_bytes()
    published.write(other)
    assert published.RESULTS.read_bytes() == before
    with pytest.raises(KeyError, match="no results of 'none'"):
        published.read("none")


def test_a_run_replaces_the_one_before(elsewhere):
    published.write(RESULTS)
    (of_row,) = [row for name, row in RESULTS["rows"].items() if row["seeds"]]
    published.write({**RESULTS, "rows": {"ensemble": of_row}})
    assert list(published.read("cross_stitch_table5")["rows"]) == ["ensemble"]


def test_a_table_is_written_from_a_run(elsewhere, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    entry = RESULTS["rows"]["one-task"]["seeds"]["0"]
    full = _with_all_scores(entry)
    results = {**RESULTS, "rows": {"one-task": {**RESULTS["rows"]["one-task"], "seeds": full}}}
    (run / "results.json").write_text(json.dumps(results))
    (run / "alphas.png").write_bytes(b"picture")
    tyro.cli(publish.main, args=[str(run)])
    text = elsewhere.read_text()
    assert text.startswith("before\n") and text.endswith("<!-- end of table -->\nafter\n")
    assert "old" not in text and "| one-task | 12.3" in text
    assert (publish.FIGURES / "cross_stitch_table5" / "alphas.png").read_bytes() == b"picture"
    publish.main()
    assert elsewhere.read_text() == text


def _with_all_scores(entry):
    """The entry of a seed with all scores of the table."""
    scores = ("pixel_accuracy", "mean_iu", "frequency_weighted_iu")
    normals = ("median_angular_error", "within_11.25", "within_22.5", "within_30")
    return {
        "0": {
            **entry,
            "segmentation": dict.fromkeys(scores, 0.5),
            "normals": {**dict.fromkeys(normals, 0.5), "mean_angular_error": 12.34},
        }
    }


def test_rows_of_other_seeds_are_refused(tmp_path):
    rows = {"a": {"seeds": {"0": {}}}, "b": {"seeds": {"0": {}, "1": {}}}}
    (tmp_path / "results.json").write_text(json.dumps({"recipe": "any", "rows": rows}))
    with pytest.raises(SystemExit, match="must have the same seeds"):
        publish.publish(tmp_path)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="must be the folder of a run"):
        publish.publish(tmp_path)
