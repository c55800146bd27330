"""README's tables are those of the published results."""

import json

import pytest

from keras_mtl.recipes import publish


def test_readme_agrees_with_the_published_results():
    text = publish.README.read_text()
    assert publish.TABLE.search(text), "README has no table"
    assert publish.render(text) == text


def test_a_table_is_written_from_results(tmp_path, monkeypatch):
    published = publish.PUBLISHED / "cross_stitch_table5" / "results.json"
    results = json.loads(published.read_text())
    monkeypatch.setattr(publish, "PUBLISHED", tmp_path / "published")
    monkeypatch.setattr(publish, "README", tmp_path / "README.md")
    publish.README.write_text(
        "before\n<!-- table: cross_stitch_table5 -->\nold\n<!-- end of table -->\nafter\n"
    )
    for each in results["rows"]["one-task"]["seeds"].values():
        each["normals"]["mean_angular_error"] = 12.34
    (tmp_path / "results.json").write_text(json.dumps(results))
    publish.main([str(tmp_path)])
    text = publish.README.read_text()
    assert text.startswith("before\n") and text.endswith("<!-- end of table -->\nafter\n")
    assert "old" not in text and "| one-task | 12.3" in text
    publish.main([])
    assert publish.README.read_text() == text


def test_rows_of_other_seeds_are_refused(tmp_path):
    rows = {"a": {"seeds": {"0": {}}}, "b": {"seeds": {"0": {}, "1": {}}}}
    (tmp_path / "results.json").write_text(json.dumps({"recipe": "any", "rows": rows}))
    with pytest.raises(SystemExit, match="must have the same seeds"):
        publish.publish(tmp_path)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="must be the folder of a run"):
        publish.publish(tmp_path)
