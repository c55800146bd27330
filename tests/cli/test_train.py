"""Recipes, by the words of the command."""

import dataclasses

import pytest

from keras_mtl import recipes
from keras_mtl.cli import main
from keras_mtl.recipes.recipe import Recipe

pytestmark = pytest.mark.one_backend


def test_help_of_a_recipe_has_its_rows_and_all_its_settings(capsys):
    assert main(["train", "cross_stitch_table5", "--help"]) == 0
    printed = capsys.readouterr().out
    for each in ("split conv4", "--preset mini", "alpha_rate", "Misra et al.", "nyuv2"):
        assert each in printed


def test_every_recipe_has_a_page(capsys):
    for name, recipe in recipes.load().items():
        assert main(["train", name, "-h"]) == 0
        printed = capsys.readouterr()
        assert printed.out.startswith(f"{recipe.title}\n\n{recipe.source}.") and not printed.err
        assert f"rows: {', '.join(recipe.rows)}\n" in printed.out
        assert ("  by default: " in printed.out) == bool(recipe.default_rows)
        for preset, settings in recipe.presets.items():
            assert f"--preset {preset}" in printed.out
            assert all(field.name in printed.out for field in dataclasses.fields(settings))


def test_its_words_go_to_the_recipe(monkeypatch, capsys):
    given = {}
    monkeypatch.setattr(
        Recipe, "run", lambda self, **options: given.update(options, name=self.name)
    )
    words = ["--rows", "one-task", "cross-stitch", "--seeds", "3", "--set", "steps=100", "rate=0.1"]
    assert main(["train", "cross_stitch_table5", *words, "--output", "here"]) == 0
    assert given["name"] == "cross_stitch_table5" and given["output"] == "here"
    assert given["rows"] == ("one-task", "cross-stitch") and given["seeds"] == 3
    assert given["set"] == ("steps=100", "rate=0.1")
    assert capsys.readouterr().out == "0 s\n"
