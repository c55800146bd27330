"""The page of a comparison, from its folder."""

import pytest
from small_studies import examples, network, tasks

import keras_mtl
from keras_mtl.cli import main
from keras_mtl.study import hard_sharing

pytestmark = pytest.mark.one_backend


def study(folder, **options):
    parts = (examples(count, seed) for seed, count in enumerate((16, 12, 12)))
    given = {"steps": 2, "seeds": 1, "batch_size": 8, "cuts": ["dense0"], **options}
    return keras_mtl.Study(network(), tasks(), *parts, folder=folder, **given)


def test_a_page_from_a_folder(tmp_path, capsys):
    study(tmp_path / "study", contenders=[hard_sharing()]).run()
    assert main(["report", str(tmp_path / "study")]) == 0
    path = tmp_path / "study" / "report.html"
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    assert "hard sharing" in path.read_text()
    other = tmp_path / "page.html"
    assert main(["report", str(tmp_path / "study"), "--output", str(other)]) == 0
    assert other.read_text() == path.read_text()


def test_what_is_refused(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert f"{tmp_path} must be that of a study that has run" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "none")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    study(tmp_path / "study", contenders=[]).run(lambda study, jobs, ended: None)
    assert main(["report", str(tmp_path / "study")]) == 1
    assert "holds no scores yet" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "study"), "--output", str(tmp_path)]) == 2
    assert "--output must be a file" in capsys.readouterr().err
