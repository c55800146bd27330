"""What networks are made of, in words and as a picture."""

import pytest

from keras_mtl.applications.catalog import ENTRIES
from keras_mtl.cli import main

pytestmark = pytest.mark.one_backend


def test_the_size_of_the_paper(capsys):
    """By the name in any case, and where nothing ships without being asked for."""
    assert main(["describe", "adasharedeeplab", "--weights", "paper"]) == 0
    printed = capsys.readouterr().out
    assert "In the size of the paper:" in printed and "90,712,786" in printed
    assert "keras_mtl.speed_up" in printed
    assert "block3_1" in printed and "SkipBlock" in printed and "41×41" in printed
    assert main(["describe", "AttributeVGG"]) == 0
    printed = capsys.readouterr().out
    assert "In the size of the paper:" in printed and "867,844" in printed


def test_what_ships_with_its_scores_its_card_and_a_picture(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.png").write_bytes(b"before")
    assert main(["describe", "ModulatedEmbedding", "--picture", str(tmp_path / "a.png")]) == 0
    printed = capsys.readouterr().out
    for each in ("block3", "trained on rendered rooms:", 'ModulatedEmbedding(weights="rooms")'):
        assert each in printed
    entry = ENTRIES["ModulatedEmbedding"]
    assert "88,096" in printed and "mAP 36.0" in printed
    assert entry.recipe in printed and entry.card.name in printed
    content = (tmp_path / "a.png").read_bytes()
    assert content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")
    monkeypatch.setattr(type(entry), "card", tmp_path / "none.md")
    assert main(["describe", "ModulatedEmbedding"]) == 0
    assert "Its card" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, start", [("stages", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_the_suffix_says_the_kind_of_picture(name, start, files, tmp_path, capsys):
    output = tmp_path / name
    assert main(["describe", str(files / "depth.keras"), "--picture", str(output)]) == 0
    assert output.read_bytes().startswith(start) and set(tmp_path.iterdir()) == {output}
    printed = capsys.readouterr().out
    assert "6 parameters" not in printed and f"The picture of its stages is {output}." in printed


def test_a_file_in_place_of_what_ships(files, capsys):
    """What it costs is counted, where its size is known."""
    assert main(["describe", "FCN", "--weights", str(files / "depth.keras")]) == 0
    printed = capsys.readouterr().out
    assert "57,114,044" in printed and "depth" in printed and "rendered rooms" not in printed
    assert main(["describe", str(files / "depth.keras")]) == 0
    assert "4 parameters, 0 M multiply-accumulates for one picture" in capsys.readouterr().out
    assert main(["describe", str(files / "open.keras")]) == 0
    assert capsys.readouterr().out.endswith("4 parameters\n")
